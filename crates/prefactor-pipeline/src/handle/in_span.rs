//! The current span of a future, wherever it is polled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{Span, SpanContext};

/// Makes a span the current one of a future.
///
/// ```
/// # use prefactor_pipeline::{AgentVersion, InSpan, Prefactor, SpanContext};
/// # use serde_json::json;
/// # let run = Prefactor::disabled().instance(AgentVersion::default()).start();
/// # async fn search() { SpanContext::current().child("agent:tool", &json!({ "name": "search" })).complete(&()); }
/// # let _ = async {
/// let llm = run.span("agent:llm", &json!({ "prompt": "why?" }));
/// search().in_span(&llm).await;
/// # };
/// ```
pub trait InSpan: Future + Sized {
    /// Runs this future with `span` as its current span. The future does not keep the span open.
    fn in_span(self, span: &Span) -> WithSpan<Self> {
        self.in_context(span.context())
    }

    /// The same with a context.
    fn in_context(self, context: SpanContext) -> WithSpan<Self> {
        WithSpan { future: self, context }
    }
}

impl<F: Future> InSpan for F {}

pin_project! {
    /// A future with a current span, from [`InSpan::in_span`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct WithSpan<F> {
        #[pin]
        future: F,
        context: SpanContext,
    }
}

impl<F: Future> Future for WithSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.context.in_scope(|| this.future.poll(cx))
    }
}
