use reqwest::Method;

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
#[derive(Debug, Clone, Copy)]
pub struct AgentClient<'a> {
    client: &'a PrefactorClient,
}

impl PrefactorClient {
    /// The endpoints for agents.
    #[must_use]
    pub fn agents(&self) -> AgentClient<'_> {
        AgentClient { client: self }
    }
}

impl AgentClient<'_> {
    /// Creates an agent. Gets an idempotency key if the request has none.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn create(self, mut request: CreateAgentRequest) -> Result<Agent, PrefactorError> {
        let key = request.idempotency_key.take().unwrap_or_else(|| self.client.config().idempotency_key());
        let body = Detailed { details: &request, idempotency_key: Some(key) };
        details(self.client.request(Method::POST, "/api/v1/agent").json_data(&body)).await
    }

    /// Reads an agent.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn get(self, id: &str) -> Result<Agent, PrefactorError> {
        details(self.client.request(Method::GET, format!("/api/v1/agent/{}", segment(id)?))).await
    }

    /// Changes an agent.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn update(self, id: &str, mut request: UpdateAgentRequest) -> Result<Agent, PrefactorError> {
        let idempotency_key = request.idempotency_key.take();
        let body = Detailed { details: &request, idempotency_key };
        let path = format!("/api/v1/agent/{}", segment(id)?);
        details(self.client.request(Method::PUT, path).json_data(&body)).await
    }

    /// Reads a page of the list of agents.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn list(self, query: ListAgentsQuery) -> Result<ListResponse<Agent>, PrefactorError> {
        self.client.request(Method::GET, "/api/v1/agent").params(params(&query)?).fetch().await
    }

    /// Reads an agent by its id or by the caller's own name for it.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn show(self, query: ShowAgentQuery) -> Result<Agent, PrefactorError> {
        details(self.client.request(Method::GET, "/api/v1/agent/show").params(params(&query)?)).await
    }

    /// Takes an agent out of service.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn retire(self, id: &str) -> Result<Agent, PrefactorError> {
        details(self.client.request(Method::POST, format!("/api/v1/agent/{}/retire", segment(id)?))).await
    }

    /// Brings an agent back into service.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn reinstate(self, id: &str) -> Result<Agent, PrefactorError> {
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

async fn details(request: Request<'_>) -> Result<Agent, PrefactorError> {
    request.fetch::<ApiResponse<Agent>>().await.map(|answer| answer.details)
}
