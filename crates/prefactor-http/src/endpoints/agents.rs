use std::marker::PhantomData;

use reqwest::Method;
use serde::de::DeserializeOwned;

use super::{Detailed, params, segment};
use crate::{
    Agent, ApiResponse, CreateAgentRequest, ListAgentsQuery, ListResponse, PrefactorClient, PrefactorError,
    Request, ShowAgentQuery, UpdateAgentRequest,
};

/// Management of agents: [`PrefactorClient::agents`] (API contract, Agents).
///
/// Every method fails with [`PrefactorError`].
///
/// ```no_run
/// # async fn run(client: prefactor_http::PrefactorClient) -> Result<(), prefactor_http::PrefactorError> {
/// use prefactor_http::CreateAgentRequest;
///
/// let agent = client.agents().create(CreateAgentRequest::new("Research agent")).await?;
/// client.agents().retire(&agent.id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AgentClient<'a, T = Agent> {
    client: &'a PrefactorClient,
    answer: PhantomData<fn() -> T>,
}

impl PrefactorClient {
    /// The endpoints for agents.
    #[must_use]
    pub fn agents(&self) -> AgentClient<'_> {
        AgentClient { client: self, answer: PhantomData }
    }
}

impl<T> Clone for AgentClient<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AgentClient<'_, T> {}

impl<'a, T: DeserializeOwned> AgentClient<'a, T> {
    /// The same endpoints with another type for what they answer: one of your own, or
    /// [`serde_json::Value`](https://docs.rs/serde_json) for fields that [`Agent`] does not know.
    #[must_use]
    pub fn reading<U: DeserializeOwned>(self) -> AgentClient<'a, U> {
        AgentClient { client: self.client, answer: PhantomData }
    }

    /// Creates an agent. Gets an idempotency key if the request has none.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn create(self, mut request: CreateAgentRequest) -> Result<T, PrefactorError> {
        let key = request.idempotency_key.take().unwrap_or_else(|| self.client.config().idempotency_key());
        let body = Detailed { details: &request, idempotency_key: Some(key) };
        details(self.client.request(Method::POST, "/api/v1/agent").json_data(&body)).await
    }

    /// Reads an agent.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn get(self, id: &str) -> Result<T, PrefactorError> {
        details(self.client.request(Method::GET, format!("/api/v1/agent/{}", segment(id)?))).await
    }

    /// Changes an agent.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn update(self, id: &str, mut request: UpdateAgentRequest) -> Result<T, PrefactorError> {
        let idempotency_key = request.idempotency_key.take();
        let body = Detailed { details: &request, idempotency_key };
        let path = format!("/api/v1/agent/{}", segment(id)?);
        details(self.client.request(Method::PUT, path).json_data(&body)).await
    }

    /// Reads a page of the list of agents.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn list(self, query: ListAgentsQuery) -> Result<ListResponse<T>, PrefactorError> {
        self.client.request(Method::GET, "/api/v1/agent").params(params(&query)?).fetch().await
    }

    /// Reads an agent by its id or by the caller's own name for it.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn show(self, query: ShowAgentQuery) -> Result<T, PrefactorError> {
        details(self.client.request(Method::GET, "/api/v1/agent/show").params(params(&query)?)).await
    }

    /// Takes an agent out of service.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn retire(self, id: &str) -> Result<T, PrefactorError> {
        details(self.client.request(Method::POST, format!("/api/v1/agent/{}/retire", segment(id)?))).await
    }

    /// Brings an agent back into service.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn reinstate(self, id: &str) -> Result<T, PrefactorError> {
        details(self.client.request(Method::POST, format!("/api/v1/agent/{}/reinstate", segment(id)?))).await
    }

    /// Removes an agent. What the API answers to success is not documented and not read.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`PrefactorError::NotFound`] also when an earlier attempt removed it and its answer was lost.
    pub async fn delete(self, id: &str) -> Result<(), PrefactorError> {
        let path = format!("/api/v1/agent/{}", segment(id)?);
        self.client.request(Method::DELETE, path).exchange().await.map(drop)
    }
}

async fn details<T: DeserializeOwned>(request: Request<'_>) -> Result<T, PrefactorError> {
    request.fetch::<ApiResponse<T>>().await.map(|answer| answer.details)
}
