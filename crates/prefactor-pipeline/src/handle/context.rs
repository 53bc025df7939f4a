//! The current span, found without its being passed.

use std::cell::RefCell;
use std::sync::Arc;

use prefactor_pfid::Stem;
use serde::Serialize;

use super::Span;
use super::instance::Live;

/// A place in the tree of a run, below which spans can begin. It does not keep its span open, but its run: that finishes
/// by itself only when no handle and no context of it is left. Cheap to clone.
///
/// ```
/// # use prefactor_pipeline::{AgentVersion, Prefactor, SpanContext};
/// # use serde_json::json;
/// # let run = Prefactor::disabled().instance(AgentVersion::default()).start();
/// fn search(query: &str) {
///     let tool = SpanContext::current().child("agent:tool", &json!({ "name": "search", "query": query }));
///     tool.complete(&json!({ "hits": 3 }));
/// }
///
/// let llm = run.span("agent:llm", &json!({ "prompt": "why?" }));
/// llm.in_scope(|| search("because"));
/// ```
#[derive(Clone, Debug)]
pub struct SpanContext {
    current: Option<Current>,
}

#[derive(Clone, Debug)]
pub(super) struct Current {
    pub(super) live: Arc<Live>,
    pub(super) parent: Option<Stem>,
}

thread_local! {
    static CURRENT: RefCell<Vec<SpanContext>> = const { RefCell::new(Vec::new()) };
}

impl SpanContext {
    pub(super) const fn new(current: Option<Current>) -> Self {
        Self { current }
    }

    /// The innermost span that is in scope on this thread or in this future (see [`Span::in_scope`] and
    /// [`InSpan::in_span`](super::InSpan::in_span)). Outside of all, a context whose children are not recorded.
    pub fn current() -> Self {
        Self::peek(|context| context.cloned()).unwrap_or(Self { current: None })
    }

    /// The current span, where it belongs to this run.
    pub(super) fn current_of(live: &Arc<Live>) -> Option<Stem> {
        Self::peek(|context| {
            let current = context?.current.as_ref()?;
            if Arc::ptr_eq(&current.live, live) { current.parent } else { None }
        })
    }

    fn peek<R>(look: impl FnOnce(Option<&Self>) -> Option<R>) -> Option<R> {
        // A thread that is ending has no current span any more.
        CURRENT.try_with(|stack| look(stack.borrow().last())).unwrap_or(None)
    }

    /// Begins a span at this place.
    pub fn child<T: Serialize + ?Sized>(&self, schema_name: &str, payload: &T) -> Span {
        match &self.current {
            None => Span::unrecorded(),
            Some(current) => Span::begin(&current.live, current.parent, schema_name, payload),
        }
    }

    /// Makes this the current place while `work` runs on this thread.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _scope = Scope::enter(self.clone());
        work()
    }
}

/// Leaves the scope when it is dropped, also by a panic.
struct Scope;

impl Scope {
    fn enter(context: SpanContext) -> Self {
        let _ = CURRENT.try_with(|stack| stack.borrow_mut().push(context));
        Self
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // The context is dropped outside of the borrow: it may be the last handle of its run, which finishes then.
        let _left = CURRENT.try_with(|stack| stack.borrow_mut().pop());
    }
}
