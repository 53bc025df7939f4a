//! An emulator and the runs in it, made over the API.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prefactor_emulator::Emulator;
use serde_json::{Value, json};

/// How long a test waits for what must happen: a browser shares its processor with the other tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Account {
    pub(crate) emulator: Emulator,
    pub(crate) client: reqwest::Client,
    keys: AtomicU64,
}

/// A span in a few words; times are milliseconds from noon of a day in 2026.
#[derive(Clone)]
pub(crate) struct Span<'a> {
    pub(crate) name: &'a str,
    pub(crate) parent: Option<&'a str>,
    pub(crate) status: &'a str,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) payload: Value,
}

impl<'a> Span<'a> {
    pub(crate) fn new(name: &'a str, parent: Option<&'a str>, from: u64, to: u64) -> Self {
        Self { name, parent, status: "complete", from, to, payload: json!({}) }
    }

    pub(crate) fn status(self, status: &'a str) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn payload(self, payload: Value) -> Self {
        Self { payload, ..self }
    }
}

impl Account {
    pub(crate) async fn start() -> Self {
        Self::of(Emulator::start().await.expect("a free port"))
    }

    pub(crate) fn of(emulator: Emulator) -> Self {
        // In a build of the whole workspace reqwest has TLS without a provider, the browser's client too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(LIMIT).build().expect("a client");
        Self { emulator, client, keys: AtomicU64::new(0) }
    }

    /// A started run of the default agent.
    pub(crate) async fn run(&self, name: &str) -> String {
        self.run_of(json!({ "external_identifier": name })).await
    }

    pub(crate) async fn run_of(&self, fields: Value) -> String {
        let id = self.post("/agent_instance/register", fields).await;
        self.post(&format!("/agent_instance/{id}/start"), json!({ "timestamp": at(0) })).await;
        id
    }

    pub(crate) async fn finish_run(&self, id: &str, status: &str, at_ms: u64) {
        let body = json!({ "status": status, "timestamp": at(at_ms) });
        self.post(&format!("/agent_instance/{id}/finish"), body).await;
    }

    pub(crate) async fn span(&self, run: &str, span: Span<'_>) -> String {
        self.post("/agent_spans", json!({ "details": details(run, &span) })).await
    }

    pub(crate) async fn finish_span(&self, id: &str, status: &str, result: Value, at_ms: u64) {
        let body = json!({ "status": status, "result_payload": result, "timestamp": at(at_ms) });
        self.post(&format!("/agent_spans/{id}/finish"), body).await;
    }

    /// A root span of a second and `count - 1` short ones in it, each named after its number.
    pub(crate) async fn many_spans(&self, run: &str, count: usize) -> String {
        let root = self.span(run, Span::new("root", None, 0, 1_000)).await;
        let mut items = Vec::new();
        for number in 1..count {
            let name = format!("step-{number}");
            let from = (number * 900 / count) as u64;
            let details = details(run, &Span::new(&name, Some(&root), from, from + 5));
            items.push(
                json!({ "_type": "agent_spans/create", "idempotency_key": self.key(), "details": details }),
            );
        }
        for part in items.chunks(2_000) {
            let answer = self.call("/bulk", json!({ "items": part })).await;
            assert_eq!(answer["outputs"].as_object().map(|outputs| outputs.len()), Some(part.len()));
        }
        root
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> String {
        let answer = self.call(path, body).await;
        answer["details"]["id"].as_str().unwrap_or_else(|| panic!("{path}: {answer}")).to_owned()
    }

    /// With the account-wide token, which may do everything that needs no agent.
    pub(crate) async fn account_post(&self, path: &str, body: Value) -> String {
        let answer = self.call_with(self.emulator.account_token(), path, body).await;
        answer["details"]["id"].as_str().unwrap_or_else(|| panic!("{path}: {answer}")).to_owned()
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        self.call_with(self.emulator.token(), path, body).await
    }

    async fn call_with(&self, token: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/api/v1{path}", self.emulator.url());
        let request = self.client.post(url).bearer_auth(token).json(&body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// What the viewer's endpoint at this path answers.
    pub(crate) async fn viewer(&self, path: &str) -> Value {
        let url = format!("{}/__viewer/{path}", self.emulator.url());
        self.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    fn key(&self) -> String {
        format!("viewer-test-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }
}

fn details(run: &str, span: &Span<'_>) -> Value {
    let is_over = ["complete", "failed"].contains(&span.status);
    json!({
        "agent_instance_id": run,
        "schema_name": span.name,
        "parent_span_id": span.parent,
        "status": span.status,
        "payload": span.payload,
        "started_at": at(span.from),
        "finished_at": is_over.then(|| at(span.to)),
        "sensitive_encoding": true,
    })
}

pub(crate) fn at(ms: u64) -> String {
    format!("2026-03-01T12:{:02}:{:02}.{:03}Z", ms / 60_000, ms / 1_000 % 60, ms % 1_000)
}
