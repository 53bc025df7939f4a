use std::marker::PhantomData;

use reqwest::Method;
use serde::de::DeserializeOwned;

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
#[derive(Debug)]
pub struct AgentInstanceClient<'a, T = AgentInstance> {
    client: &'a PrefactorClient,
    answer: PhantomData<fn() -> T>,
}

impl PrefactorClient {
    /// The endpoints for runs of agents.
    #[must_use]
    pub fn agent_instances(&self) -> AgentInstanceClient<'_> {
        AgentInstanceClient { client: self, answer: PhantomData }
    }
}

impl<T> Clone for AgentInstanceClient<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AgentInstanceClient<'_, T> {}

impl<'a, T: DeserializeOwned> AgentInstanceClient<'a, T> {
    /// The same endpoints with another type for what they answer: one of your own, or
    /// [`serde_json::Value`](https://docs.rs/serde_json) for fields that [`AgentInstance`] does not know.
    #[must_use]
    pub fn reading<U: DeserializeOwned>(self) -> AgentInstanceClient<'a, U> {
        AgentInstanceClient { client: self.client, answer: PhantomData }
    }

    /// Announces a run, which is `pending` then.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn register(self, mut request: RegisterInstanceRequest) -> Result<T, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post("/api/v1/agent_instance/register".to_owned(), &request).await
    }

    /// Starts a run.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`is_already_done`](PrefactorError::is_already_done) when it was started before.
    pub async fn start(self, id: &str, mut request: StartInstanceRequest) -> Result<T, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post(format!("/api/v1/agent_instance/{}/start", segment(id)?), &request).await
    }

    /// Ends a run.
    ///
    /// # Errors
    /// [`PrefactorError`]; [`is_already_done`](PrefactorError::is_already_done) when it was ended before.
    pub async fn finish(self, id: &str, mut request: FinishInstanceRequest) -> Result<T, PrefactorError> {
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
    ) -> Result<T, PrefactorError> {
        request.idempotency_key.get_or_insert_with(|| self.client.config().idempotency_key());
        self.post(format!("/api/v1/agent_instance/{}/record_quality", segment(id)?), &request).await
    }

    /// Ends a run as an operator. Needs a token for the whole account.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn terminate(self, id: &str, request: TerminateInstanceRequest) -> Result<T, PrefactorError> {
        self.post(format!("/api/v1/agent_instance/{}/terminate", segment(id)?), &request).await
    }

    /// Reads a run.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn get(self, id: &str) -> Result<T, PrefactorError> {
        let path = format!("/api/v1/agent_instance/{}", segment(id)?);
        let answer: ApiResponse<T> = self.client.request(Method::GET, path).fetch().await?;
        Ok(answer.details)
    }

    /// Reads a page of the list of an agent's runs. Needs a token for the whole account.
    ///
    /// # Errors
    /// [`PrefactorError`].
    pub async fn list(self, query: ListInstancesQuery) -> Result<ListResponse<T>, PrefactorError> {
        self.client.request(Method::GET, "/api/v1/agent_instance").params(params(&query)?).fetch().await
    }

    async fn post(self, path: String, body: &impl serde::Serialize) -> Result<T, PrefactorError> {
        let answer: ApiResponse<T> = self.client.request(Method::POST, path).json_data(body).fetch().await?;
        Ok(answer.details)
    }
}
