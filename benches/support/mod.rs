//! What the benchmarks share: an API in the process that takes everything, and the payloads that they send.

use bytes::Bytes;
use memchr::memmem;
use prefactor::testing::ScriptedTransport;
use prefactor_http::RawResponse;
use serde::Serialize;

/// Room for everything that a benchmark queues between two flushes.
#[allow(dead_code, reason = "not every benchmark delivers")]
pub(crate) const ROOMY: u64 = 4 << 30;

/// Confirms every item of every request, in as few bytes as an answer can have.
#[allow(dead_code, reason = "not every benchmark delivers")]
pub(crate) fn sink() -> ScriptedTransport {
    ScriptedTransport::new(|body| async move { Ok(RawResponse::new(200, confirmation(&body))) })
}

/// Confirms every item of a request as the API does it, in some 450 bytes each.
#[allow(dead_code, reason = "not every benchmark reads answers")]
pub(crate) fn full_answer(body: &[u8]) -> Bytes {
    const DETAILS: &str = r#"{"status":"success","details":{"type":"agent_span","id":"013xrzp12g3nqk8n04hmasw9nf6yy093","agent_instance_id":"013xrzp12g3nqk8n04hmasw9nf6yy093","parent_span_id":null,"schema_name":"agent:llm","status":"complete","account_id":"013xrzp12g3nqk8n04hmasw9nf6yy093","started_at":"2026-01-02T03:04:05.678901Z","finished_at":"2026-01-02T03:04:05.678901Z","inserted_at":"2026-01-02T03:04:05.678901Z","updated_at":"2026-01-02T03:04:05.678901Z"}}"#;
    let answer = String::from_utf8_lossy(&confirmation(body)).replace(DONE, DETAILS);
    Bytes::from(answer)
}

const DONE: &str = r#"{"status":"success"}"#;

fn confirmation(body: &[u8]) -> Bytes {
    const KEY: &[u8] = b"\"idempotency_key\":";
    /// The key itself and its quotes.
    const KEY_LEN: usize = 29;
    let mut answer = b"{\"status\":\"success\",\"outputs\":{".to_vec();
    for (index, at) in memmem::find_iter(body, KEY).enumerate() {
        if index > 0 {
            answer.push(b',');
        }
        let from = at + KEY.len();
        answer.extend_from_slice(&body[from..from + KEY_LEN]);
        answer.push(b':');
        answer.extend_from_slice(DONE.as_bytes());
    }
    answer.extend_from_slice(b"}}");
    Bytes::from(answer)
}

/// A model's call: five fields, some 300 bytes of JSON.
#[derive(Clone, Serialize)]
pub(crate) struct LlmCall {
    pub(crate) model: &'static str,
    pub(crate) temperature: f64,
    pub(crate) step: u64,
    pub(crate) stream: bool,
    pub(crate) prompt: String,
}

impl LlmCall {
    /// One of about so many bytes of JSON.
    pub(crate) fn of(bytes: usize) -> Self {
        let prompt = "why is the sky blue? ".repeat(bytes / 21 + 1);
        let prompt = prompt[..bytes.saturating_sub(70)].to_owned();
        Self { model: "m-1-large", temperature: 0.7, step: 42, stream: false, prompt }
    }
}

/// A model's answer: some 100 bytes of JSON.
#[derive(Clone, Serialize)]
pub(crate) struct Answer {
    pub(crate) tokens: u64,
    pub(crate) text: &'static str,
}

pub(crate) const ANSWER: Answer = Answer {
    tokens: 128,
    text: "Short waves are scattered the most by the molecules of the air: blue wins.",
};
