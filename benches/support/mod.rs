//! What the benchmarks share: an API in the process that takes everything, and the payloads that they send.

use bytes::Bytes;
use memchr::memmem;
use prefactor::testing::ScriptedTransport;
use prefactor_http::RawResponse;
use serde::Serialize;

/// Room for everything that a benchmark queues between two flushes.
pub(crate) const ROOMY: u64 = 4 << 30;

/// Confirms every item of every request, in as few bytes as an answer can have.
pub(crate) fn sink() -> ScriptedTransport {
    ScriptedTransport::new(|body| async move { Ok(RawResponse::new(200, confirmation(&body))) })
}

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
        answer.extend_from_slice(b":{\"status\":\"success\"}");
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
