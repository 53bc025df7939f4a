//! The handle of one span.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prefactor_http::FinishStatus;
use prefactor_pfid::{Pfid, Stem, thread_stem};
use serde::Serialize;

use super::SpanContext;
use super::context::Current;
use super::instance::{Live, status_of_drop};
use crate::clock::Timestamp;
use crate::instance::{Entry, Place};
use crate::ledger::{Fate, LossReason, RejectReason};
use crate::operation::{CreateSpan, SpanEnd, SpanFinish};

/// One step of a run. It finishes with [`complete`](Self::complete), [`fail`](Self::fail) or [`cancel`](Self::cancel);
/// dropping it finishes it too, as failed while panicking and as complete otherwise.
///
/// A span that found no room in the pipeline is lost, and counted; its children are recorded below its own parent. Where
/// only the finish finds no room, its result is lost and counted, and the span ends as it should all the same.
///
/// ```
/// # use prefactor_pipeline::{AgentVersion, Prefactor};
/// # use serde_json::json;
/// # let run = Prefactor::disabled().instance(AgentVersion::default()).start();
/// let llm = run.span("agent:llm", &json!({ "prompt": "why?" }));
/// let tool = llm.child("agent:tool", &json!({ "name": "search" }));
/// tool.fail(&json!({ "error": "no network" }));
/// llm.complete(&json!({ "answer": "I don't know" }));
/// ```
#[derive(Debug)]
#[must_use = "a span that is dropped at once has no duration"]
pub struct Span {
    inner: Option<Inner>,
}

#[derive(Debug)]
struct Inner {
    live: Arc<Live>,
    id: Stem,
    /// What children are created below: this span, or its parent where this span itself was not accepted.
    parent_of_children: Option<Stem>,
    started_at: Timestamp,
    /// Where the creation waits to be picked up; where it was not accepted, what became of it: the finish shares that fate.
    created: Result<Place, Fate>,
    finished: AtomicBool,
}

impl Span {
    pub(super) const fn unrecorded() -> Self {
        Self { inner: None }
    }

    pub(super) fn begin<T: Serialize + ?Sized>(
        live: &Arc<Live>,
        parent: Option<Stem>,
        schema_name: &str,
        payload: &T,
    ) -> Self {
        let started_at = Timestamp::now();
        let id = thread_stem(started_at.as_millis());
        let created = live.checked().and_then(|run| {
            let part = run.pipeline().encoder().payload(schema_name, payload);
            if part.unserializable {
                run.pipeline().count_unserializable();
            }
            run.create_span(&part, |members| CreateSpan {
                id,
                parent,
                started_at,
                members,
                end: SpanEnd::Open,
            })
        });
        Self {
            inner: Some(Inner {
                live: Arc::clone(live),
                id,
                parent_of_children: if created.is_ok() { Some(id) } else { parent },
                started_at,
                created,
                finished: AtomicBool::new(false),
            }),
        }
    }

    /// Begins a span below this one.
    pub fn child<T: Serialize + ?Sized>(&self, schema_name: &str, payload: &T) -> Self {
        match &self.inner {
            None => Self::unrecorded(),
            Some(inner) => Self::begin(&inner.live, inner.parent_of_children, schema_name, payload),
        }
    }

    /// Finishes the span with its result, which should serialize to an object; `&()` is no result, and anything else is
    /// recorded as `{"value": …}`.
    pub fn complete<T: Serialize + ?Sized>(&self, result: &T) {
        self.finish(FinishStatus::Complete, result);
    }

    /// Finishes the span as failed; the result says why.
    pub fn fail<T: Serialize + ?Sized>(&self, result: &T) {
        self.finish(FinishStatus::Failed, result);
    }

    /// Finishes the span as cancelled.
    pub fn cancel(&self) {
        self.finish(FinishStatus::Cancelled, &());
    }

    fn finish<T: Serialize + ?Sized>(&self, status: FinishStatus, result: &T) {
        let Some(inner) = &self.inner else { return };
        let create = if inner.finished.swap(true, Ordering::Relaxed) {
            Err(Fate::Rejected(RejectReason::SpanFinished))
        } else {
            inner.created
        };
        let create = match create {
            Ok(create) => create,
            Err(fate) => return inner.live.run.refuse(fate),
        };
        // The system clock may have gone back meanwhile; a span never ends before it began.
        let at = Timestamp::now().max(inner.started_at);
        let (live, id) = (&inner.live, inner.id);
        let finished = live.checked().and_then(|run| {
            let result = run.pipeline().encoder().result(result);
            if result.as_ref().is_some_and(|part| part.unserializable) {
                run.pipeline().count_unserializable();
            }
            run.finish_span(id, create, SpanFinish::new(status, at), result.as_ref(), Entry::Checked)
        });
        if finished == Err(Fate::Lost(LossReason::QueueFull)) {
            // The create has paid for this, and the span would seem to go on otherwise until its run ends.
            let _ = live.run.finish_span(id, create, SpanFinish::new(status, at), None, Entry::Forced);
        }
    }

    /// The span's id, as soon as it is known: with the account's partition, which the first registration tells. `None`
    /// for a span that is not recorded.
    pub fn id(&self) -> Option<Pfid> {
        let inner = self.inner.as_ref()?;
        inner.live.run.span_id(inner.id)
    }

    /// What is needed to begin children of this span elsewhere, for example on another thread. Cheap to clone.
    pub fn context(&self) -> SpanContext {
        SpanContext::new(self.current())
    }

    /// Makes this the current span while `work` runs on this thread, so that [`Instance::span`](super::Instance::span)
    /// and [`SpanContext::current`] find it without its being passed.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        self.context().in_scope(work)
    }

    fn current(&self) -> Option<Current> {
        let inner = self.inner.as_ref()?;
        Some(Current { live: Arc::clone(&inner.live), parent: inner.parent_of_children })
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // The finish of an instance has finished its open spans: nothing is left to say then.
        if let Some(inner) = &self.inner
            && !inner.finished.load(Ordering::Relaxed)
            && !inner.live.is_finished()
        {
            self.finish(status_of_drop(), &());
        }
    }
}
