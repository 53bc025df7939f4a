//! What tests of the pipeline, and of programs that embed it, are made with.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use prefactor_http::{RawResponse, TransportError};

use crate::sender::{BoxFuture, Transport};

/// The actors of the pipeline, as [`Builder::interrupt`](crate::Builder::interrupt) names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Routes operations to their instances.
    Intake,
    /// The actor of one instance.
    Instance,
    /// Cuts batches.
    Batcher,
    /// Sends them.
    Sender,
}

type Script = dyn Fn(Bytes) -> BoxFuture<'static, Result<RawResponse, TransportError>> + Send + Sync;

/// A transport that a test answers by a function, without a network. It works under tokio's paused time.
///
/// ```
/// use prefactor_pipeline::testing::ScriptedTransport;
/// use prefactor_http::RawResponse;
///
/// let _ = ScriptedTransport::new(|_body| async { Ok(RawResponse::new(503, "")) });
/// ```
#[derive(Clone)]
pub struct ScriptedTransport(Arc<Script>);

impl ScriptedTransport {
    /// Answers each request, given by its body, with what the future gives.
    pub fn new<F, A>(script: F) -> Self
    where
        F: Fn(Bytes) -> A + Send + Sync + 'static,
        A: Future<Output = Result<RawResponse, TransportError>> + Send + 'static,
    {
        Self(Arc::new(move |body| Box::pin(script(body))))
    }
}

impl Transport for ScriptedTransport {
    fn post_bulk(&self, body: Bytes) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        self.0(body)
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedTransport")
    }
}

type InterruptFn = Arc<dyn Fn(Stage) + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Interrupt(pub(crate) Option<InterruptFn>);

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupt")
    }
}
