//! The way out: one bulk request, one answer. Retrying is the sender's business alone.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use prefactor_http::{Method, PrefactorClient, RawResponse, TransportError};

/// The path of the bulk endpoint (API contract, Bulk).
const BULK_PATH: &str = "/api/v1/bulk";

/// A future in a box, as a [`Transport`] returns it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries the body of a bulk request to the API and its answer back, in one attempt.
///
/// The pipeline's own transport is HTTP. Tests can script one: see [`crate::testing::ScriptedTransport`].
pub trait Transport: Send + Sync + 'static {
    /// Posts `body` to the bulk endpoint.
    ///
    /// # Errors
    /// [`TransportError`] where no whole answer came back; whether the API has seen the request is not known then.
    fn post_bulk(&self, body: Bytes) -> BoxFuture<'_, Result<RawResponse, TransportError>>;
}

/// HTTP, through the client of `prefactor-http`, without its retries.
#[derive(Debug)]
pub(crate) struct HttpTransport(pub(crate) PrefactorClient);

impl Transport for HttpTransport {
    fn post_bulk(&self, body: Bytes) -> BoxFuture<'_, Result<RawResponse, TransportError>> {
        Box::pin(self.0.send_once(Method::POST, BULK_PATH, Some(body)))
    }
}
