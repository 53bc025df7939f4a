use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};

use super::End;
use crate::span;

/// fastrace as it comes, with a reporter that only counts what it gets: what is measured is the caller.
pub struct Fastrace {
    shape: Shape,
    reported: Arc<AtomicU64>,
}

/// Where the spans are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each is a trace of its own: it is collected when it ends, as ours is.
    Roots,
    /// All of a caller are in one trace, as ours are in one run.
    Children,
}

/// Counts the spans that are to be made.
struct Count(Arc<AtomicU64>);

impl Reporter for Count {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let count = spans.iter().filter(|record| record.name == span::NAME).count();
        self.0.fetch_add(count as u64, Ordering::SeqCst);
    }
}

impl Fastrace {
    pub(super) fn start(shape: Shape) -> Self {
        let reported = Arc::default();
        fastrace::set_reporter(Count(Arc::clone(&reported)), Config::default());
        Self { shape, reported }
    }

    pub(super) fn caller(&self) -> Box<dyn FnMut(u64) + '_> {
        let texts = span::Texts::new();
        let root = match self.shape {
            Shape::Roots => Span::noop(),
            Shape::Children => Span::root("run", SpanContext::random()),
        };
        Box::new(move |step| {
            let span = match self.shape {
                Shape::Roots => Span::root(span::NAME, SpanContext::random()),
                Shape::Children => Span::enter_with_parent(span::NAME, &root),
            };
            let span = span.with_properties(|| {
                let properties: [(_, Cow<'static, str>); 5] = [
                    ("model", span::MODEL.into()),
                    ("temperature", span::TEMPERATURE.to_string().into()),
                    ("step", step.to_string().into()),
                    ("stream", if span::STREAM { "true" } else { "false" }.into()),
                    ("prompt", texts.prompt.clone().into()),
                ];
                properties
            });
            span.add_properties(|| [("tokens", step.to_string()), ("text", texts.text.clone())]);
        })
    }

    pub(super) fn flush(&self) {
        fastrace::flush();
    }

    pub(super) fn finish(&self, made: u64) -> End {
        self.flush();
        End { lost: made - self.reported.load(Ordering::SeqCst), traffic: None }
    }
}
