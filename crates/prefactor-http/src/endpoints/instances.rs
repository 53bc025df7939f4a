use reqwest::Method;

use super::{params, segment};
use crate::{
    AgentInstance, ApiResponse, FinishInstanceRequest, ListInstancesQuery, ListResponse, PrefactorClient,
    PrefactorError, RecordQualityRequest, RegisterInstanceRequest, StartInstanceRequest,
    TerminateInstanceRequest,
};

/// Runs of agents: [`PrefactorClient::agent_instances`] (API contract, Instances).
///
/// Operations that change a run get an idempotency key if they have none. Every method fails with [`PrefactorError`].
///
/// ```no_run
/// # async fn run(client: prefactor_http::PrefactorClient) -> Result<(), prefactor_http::PrefactorError> {
/// use prefactor_http::{AgentVersionForRegister, FinishInstanceRequest, FinishStatus, RegisterInstanceRequest, StartInstanceRequest};
///
/// let instances = client.agent_instances();
/// let version = AgentVersionForRegister::new().name("research-agent").external_identifier("v1.4.0");
/// let run = instances.register(RegisterInstanceRequest::new().agent_version(version)).await?;
/// instances.start(&run.id, StartInstanceRequest::new()).await?;
/// instances.finish(&run.id, FinishInstanceRequest::new().status(FinishStatus::Complete)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AgentInstanceClient<'a> {
    client: &'a PrefactorClient,
}

impl PrefactorClient {
    /// The endpoints for runs of agents.
    #[must_use]
    pub fn agent_instances(&self) -> AgentInstanceClient<'_> {
        AgentInstanceClient { client: self }
    }
}

impl AgentInstanceClient<'_> {
    /// Announces a run, which is `pending` then.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn register(
        self,
        mut request: RegisterInstanceRequest,
    ) -> Result<AgentInstance, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post("/api/v1/agent_instance/register".to_owned(), &request).await
    }

    /// Starts a run.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`is_already_done`](PrefactorError::is_already_done) when it was started before.
    pub async fn start(
        self,
        id: &str,
        mut request: StartInstanceRequest,
    ) -> Result<AgentInstance, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post(format!("/api/v1/agent_instance/{}/start", segment(id)?), &request).await
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`is_already_done`](PrefactorError::is_already_done) when it was ended before.
    pub async fn finish(
        self,
        id: &str,
        mut request: FinishInstanceRequest,
    ) -> Result<AgentInstance, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post(format!("/api/v1/agent_instance/{}/finish", segment(id)?), &request).await
    }

    /// Records a judgement of a run's quality, or clears one.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn record_quality(
        self,
        id: &str,
        mut request: RecordQualityRequest,
    ) -> Result<AgentInstance, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post(format!("/api/v1/agent_instance/{}/record_quality", segment(id)?), &request).await
    }

    /// Ends a run as an operator. Needs a token for the whole account.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn terminate(
        self,
        id: &str,
        request: TerminateInstanceRequest,
    ) -> Result<AgentInstance, PrefactorError> {
        self.post(format!("/api/v1/agent_instance/{}/terminate", segment(id)?), &request).await
    }

    /// Reads a run.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn get(self, id: &str) -> Result<AgentInstance, PrefactorError> {
        let path = format!("/api/v1/agent_instance/{}", segment(id)?);
        let answer: ApiResponse<AgentInstance> = self.client.request(Method::GET, path).fetch().await?;
        Ok(answer.details)
    }

    /// Reads a page of the list of an agent's runs. Needs a token for the whole account.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn list(
        self,
        query: ListInstancesQuery,
    ) -> Result<ListResponse<AgentInstance>, PrefactorError> {
        self.client.request(Method::GET, "/api/v1/agent_instance").params(params(&query)?).fetch().await
    }

    async fn post(self, path: String, body: &impl serde::Serialize) -> Result<AgentInstance, PrefactorError> {
        let answer: ApiResponse<AgentInstance> =
            self.client.request(Method::POST, path).json_data(body).fetch().await?;
        Ok(answer.details)
    }
}
