//! An emulator with a client that speaks to it in JSON.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prefactor_emulator::{Emulator, EmulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

/// How long a test waits for what must happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Api {
    pub(crate) emulator: Emulator,
    pub(crate) client: reqwest::Client,
    keys: AtomicU64,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The details of a success.
    pub(crate) fn details(&self) -> &Value {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.body["status"], "success", "{self:?}");
        &self.body["details"]
    }

    /// The id in the details of a success.
    pub(crate) fn id(&self) -> String {
        self.details()["id"].as_str().expect("an id").to_owned()
    }

    /// The code of an error, after a look at its envelope.
    pub(crate) fn code(&self) -> &str {
        assert_eq!(self.body["status"], "error", "{self:?}");
        assert!(self.body["message"].is_string(), "{self:?}");
        self.body["code"].as_str().expect("a code")
    }

    /// Status and code of an error.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    /// The fields a validation error complains about.
    pub(crate) fn fields(&self) -> Vec<&str> {
        assert_eq!(self.refusal(), (422, "validation_errors"), "{self:?}");
        self.body["errors"].as_object().expect("errors").keys().map(String::as_str).collect()
    }
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(Emulator::builder()).await
    }

    pub(crate) async fn with(builder: EmulatorBuilder) -> Self {
        let emulator = builder.start().await.expect("a free port");
        Self { emulator, client: client(), keys: AtomicU64::new(0) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, self.emulator.token(), None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, self.emulator.token(), Some(body.to_string())).await
    }

    pub(crate) async fn post_nothing(&self, path: &str) -> Answer {
        self.call(Method::POST, path, self.emulator.token(), None).await
    }

    /// A call with the account-wide token.
    pub(crate) async fn account(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call(method, path, self.emulator.account_token(), body.map(|body| body.to_string())).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<String>) -> Answer {
        self.try_call(method, path, token, body).await.expect("an answer")
    }

    pub(crate) async fn try_call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<String>,
    ) -> reqwest::Result<Answer> {
        let url = format!("{}/api/v1{path}", self.emulator.url());
        let request = self.client.request(method, url).bearer_auth(token);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body),
            None => request,
        };
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, headers, body })
    }

    pub(crate) async fn register(&self) -> String {
        self.post("/agent_instance/register", json!({ "agent_version": { "external_identifier": "v1" } }))
            .await
            .id()
    }

    pub(crate) async fn started(&self) -> String {
        let id = self.register().await;
        self.post_nothing(&format!("/agent_instance/{id}/start")).await.details();
        id
    }

    pub(crate) async fn create_span(&self, instance: &str, fields: Value) -> Answer {
        self.post("/agent_spans", json!({ "details": span(instance, fields) })).await
    }

    pub(crate) async fn finish_span(&self, id: &str, body: Value) -> Answer {
        self.post(&format!("/agent_spans/{id}/finish"), body).await
    }

    pub(crate) async fn bulk(&self, items: Value) -> Answer {
        self.post("/bulk", json!({ "items": items })).await
    }

    /// A key nobody has used yet.
    pub(crate) fn key(&self) -> String {
        format!("test-key-{:04}", self.keys.fetch_add(1, Ordering::Relaxed))
    }
}

/// The fields of an active span, with those given in place of or beside the usual ones.
pub(crate) fn span(instance: &str, fields: Value) -> Value {
    let mut span = json!({
        "agent_instance_id": instance,
        "schema_name": "agent:llm",
        "status": "active",
        "payload": { "prompt": "hello" },
    });
    for (name, value) in fields.as_object().expect("fields") {
        span[name] = value.clone();
    }
    span
}

/// An id of a partition that is not the account's.
pub(crate) fn foreign_id(api: &Api) -> String {
    let own = api.emulator.agent_id().partition().get();
    let other = prefactor_pfid::Partition::new(own + 1).expect("a partition");
    prefactor_pfid::generate(other).to_string()
}

/// A fresh id of the account's partition.
pub(crate) fn own_id(api: &Api) -> String {
    prefactor_pfid::generate(api.emulator.agent_id().partition()).to_string()
}

/// The provider is this test binary's own business; where it is installed already that is just as well.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(LIMIT).build().expect("a client")
}
