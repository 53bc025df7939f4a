use std::marker::PhantomData;

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::{Detailed, params, segment};
use crate::{
    AgentSpan, ApiResponse, CreateSpanRequest, FinishSpanRequest, ListResponse, ListSpansQuery,
    PrefactorClient, PrefactorError,
};

/// Steps of runs: [`PrefactorClient::agent_spans`] (API contract, Spans).
///
/// Answers keep their envelope, since an order to end the run may come beside the span. Operations that change a span get an
/// idempotency key if they have none. Every method fails with [`PrefactorError`].
///
/// ```no_run
/// # async fn run(client: prefactor_http::PrefactorClient, run_id: String) -> Result<(), Box<dyn std::error::Error>> {
/// use prefactor_http::{CreateSpanRequest, FinishSpanRequest, Payload, SpanStatus};
///
/// let payload = Payload::of(&serde_json::json!({ "query": "rust" }))?;
/// let span = CreateSpanRequest::new(run_id, "agent:tool", SpanStatus::Active, payload);
/// let answer = client.agent_spans().create(span).await?;
/// if answer.control.is_some_and(|control| control.terminate) {
///     return Ok(());
/// }
/// client.agent_spans().finish(&answer.details.id, FinishSpanRequest::new()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AgentSpanClient<'a, T = AgentSpan> {
    client: &'a PrefactorClient,
    answer: PhantomData<fn() -> T>,
}

impl PrefactorClient {
    /// The endpoints for steps of runs.
    #[must_use]
    pub fn agent_spans(&self) -> AgentSpanClient<'_> {
        AgentSpanClient { client: self, answer: PhantomData }
    }
}

impl<T> Clone for AgentSpanClient<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AgentSpanClient<'_, T> {}

impl<'a, T: DeserializeOwned> AgentSpanClient<'a, T> {
    /// The same endpoints with another type for what they answer: one of your own, or
    /// [`serde_json::Value`](https://docs.rs/serde_json) for fields that [`AgentSpan`] does not know.
    ///
    /// ```no_run
    /// # async fn run(client: prefactor_http::PrefactorClient, id: &str) -> Result<(), prefactor_http::PrefactorError> {
    /// use prefactor_http::FinishSpanRequest;
    /// use serde_json::Value;
    ///
    /// let answer = client.agent_spans().reading::<Value>().finish(id, FinishSpanRequest::new()).await?;
    /// println!("{}", answer.details["a_field_of_next_year"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reading<U: DeserializeOwned>(self) -> AgentSpanClient<'a, U> {
        AgentSpanClient { client: self.client, answer: PhantomData }
    }

    /// Creates a span. Its parent must exist.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn create(self, mut request: CreateSpanRequest) -> Result<ApiResponse<T>, PrefactorError> {
        let key = request.idempotency_key.take().unwrap_or_else(|| self.client.config().idempotency_key());
        let body = Detailed { details: &request, idempotency_key: Some(key) };
        self.client.request(Method::POST, "/api/v1/agent_spans").json_data(&body).fetch().await
    }

    /// Ends a span.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`is_already_done`](PrefactorError::is_already_done) when it was ended before.
    pub async fn finish(
        self,
        id: &str,
        mut request: FinishSpanRequest,
    ) -> Result<ApiResponse<T>, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        let path = format!("/api/v1/agent_spans/{}/finish", segment(id)?);
        self.client.request(Method::POST, path).json_data(&request).fetch().await
    }

    /// Reads a page of the list of a run's spans. Needs a token for the whole account.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn list(self, query: ListSpansQuery) -> Result<ListResponse<T>, PrefactorError> {
        self.client.request(Method::GET, "/api/v1/agent_spans").params(params(&query)?).fetch().await
    }
}
