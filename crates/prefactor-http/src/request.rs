use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{ClientError, PrefactorError, RetryExhaustedError, TransportError};
use crate::transport::Attempt;
use crate::{IdempotencyKey, PrefactorClient, RawResponse, envelope};

/// A request in the making, from [`PrefactorClient::request`].
///
/// Sent again after failures that may pass (API contract, Transport), each time with the same bytes and the same key. A
/// request that changes something should have a key, for an attempt may land without its answer coming back.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    client: &'a PrefactorClient,
    method: Method,
    path: String,
    params: Vec<(String, String)>,
    body: Option<Result<Bytes, serde_json::Error>>,
    idempotency_key: Option<IdempotencyKey>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(client: &'a PrefactorClient, method: Method, path: String) -> Self {
        Self { client, method, path, params: Vec::new(), body: None, idempotency_key: None }
    }

    /// Adds query parameters.
    pub fn params<K: Into<String>, V: Into<String>>(
        mut self,
        params: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.params.extend(params.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The body, written as JSON now. [`send`](Self::send) returns the error if that fails.
    pub fn json_data(mut self, data: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(data).map(Bytes::from));
        self
    }

    /// Sends the key in the `Idempotency-Key` header. Whether the API heeds it there is not known; the endpoints' methods put
    /// it in the body.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// Sends the request and returns the whole answer, a JSON object.
    ///
    /// # Errors
    /// Every variant of [`PrefactorError`].
    pub async fn send(self) -> Result<Value, PrefactorError> {
        self.fetch::<Map<String, Value>>().await.map(Value::Object)
    }

    /// Sends the request and reads the answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(self) -> Result<T, PrefactorError> {
        let client = self.client;
        envelope::read(&self.exchange().await?, client.config().api_token())
    }

    /// Sends the request until it succeeds, fails for good or has been tried often enough.
    pub(crate) async fn exchange(self) -> Result<RawResponse, PrefactorError> {
        let client = self.client;
        let attempt = self.prepare()?;
        let policy = client.config().retry_policy();
        let mut failures = 0;
        loop {
            let error = match try_once(client, &attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) if !error.is_retryable_on(client.config().retry_on_status_codes()) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            if failures == policy.max_retries() {
                // Without retries there is nothing that was exhausted.
                return Err(match failures {
                    0 => error,
                    _ => PrefactorError::RetryExhausted(RetryExhaustedError::new(failures + 1, error)),
                });
            }
            let delay = policy.delay(failures, error.retry_after(), fastrand::f64());
            failures += 1;
            tracing::debug!(%error, failures, ?delay, path = attempt.url.path(), "a request will be sent again");
            tokio::time::sleep(delay).await;
        }
    }

    fn prepare(self) -> Result<Attempt, PrefactorError> {
        let mut url = self.client.config().api_url().join(&self.path).ok_or(TransportError::Path)?;
        if !self.params.is_empty() {
            url.query_pairs_mut().extend_pairs(self.params);
        }
        let body = self.body.transpose().map_err(|error| PrefactorError::Client(ClientError::Body(error)))?;
        let idempotency_header = self
            .idempotency_key
            .map(|key| HeaderValue::try_from(key.as_str()).expect("a checked key is a valid header value"));
        Ok(Attempt { method: self.method, url, body, idempotency_header })
    }
}

impl fmt::Debug for Request<'_> {
    /// Without the parameters and the body, which may be a payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("client", &self.client)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("params", &self.params.len())
            .field("body_len", &self.body.as_ref().and_then(|body| body.as_ref().ok()).map(Bytes::len))
            .field("idempotency_key", &self.idempotency_key)
            .finish()
    }
}

async fn try_once(client: &PrefactorClient, attempt: &Attempt) -> Result<RawResponse, PrefactorError> {
    envelope::succeeded(client.attempt(attempt).await?, client.config().api_token())
}
