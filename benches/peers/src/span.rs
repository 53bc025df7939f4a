//! The span that everybody makes: five fields of some 300 bytes, and a result of some 100.

use std::hint::black_box;

use serde::Serialize;

pub const NAME: &str = "agent:llm";

pub const MODEL: &str = "m-1-large";
pub const TEMPERATURE: f64 = 0.7;
pub const STREAM: bool = false;
const PROMPT: &str = "You are a careful assistant.\nQuestion: why is the sky blue in the day and red in the evening? \
    Answer in two sentences that a child of ten understands, and name the word \"scattering\" once.\nThink before you answer; \
    be brief.";
const TEXT: &str = "Short waves are scattered the most by the molecules of the air: blue wins.";

/// A call of a model, as a typed payload.
#[derive(Serialize)]
pub struct LlmCall<'a> {
    pub model: &'a str,
    pub temperature: f64,
    pub step: u64,
    pub stream: bool,
    pub prompt: &'a str,
}

/// A model's answer, as a typed result.
#[derive(Serialize)]
pub struct Answer<'a> {
    pub tokens: u64,
    pub text: &'a str,
}

/// What an application would have at hand, and a compiler would not know.
pub struct Texts {
    pub prompt: String,
    pub text: String,
}

impl Texts {
    pub fn new() -> Self {
        Self { prompt: black_box(PROMPT.to_owned()), text: black_box(TEXT.to_owned()) }
    }

    pub fn call(&self, step: u64) -> LlmCall<'_> {
        LlmCall { model: MODEL, temperature: TEMPERATURE, step, stream: STREAM, prompt: &self.prompt }
    }

    pub fn answer(&self, step: u64) -> Answer<'_> {
        Answer { tokens: step, text: &self.text }
    }

    /// Bytes of payload and result as JSON.
    pub fn content_len(&self) -> usize {
        let json = (serde_json::to_vec(&self.call(1_000)), serde_json::to_vec(&self.answer(1_000)));
        json.0.expect("a payload").len() + json.1.expect("a result").len()
    }
}
