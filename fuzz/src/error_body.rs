//! The answer to a single request: an error says what the answer says, and shows neither the token nor a payload.
//!
//! The input is a status and a body: `422 {"status":"error"}`.

use std::error::Error;
use std::fmt::Write;

use prefactor_http::{
    AgentSpan, ApiError, ApiResponse, ApiToken, PrefactorError, RawResponse, ResponseContractError, workbench,
};
use serde_json::Value;

use super::unique;

const TOKEN: &str = "tok-5f3a9c";

/// Stands for a payload: what a success that does not fit holds must not be quoted.
const PAYLOAD: &str = "my-diary";

/// Reads the input as an answer that should hold any JSON, and as one that should hold a span.
pub fn check(input: &[u8]) {
    let Some((status, body)) = parts(input) else { return };
    let answer = RawResponse::new(status, body.to_vec());
    let token = ApiToken::new(TOKEN).expect("a token");
    let read = workbench::read::<Value>(answer.clone(), &token);
    match (&read, serde_json::from_slice::<Value>(body)) {
        (Ok(value), expected) => {
            assert!((200..300).contains(&status));
            assert_eq!(*value, expected.expect("what was read is JSON"));
        }
        (Err(error), value) => check_error(error, status, body, value.ok()),
    }
    if let Err(error) = workbench::read::<ApiResponse<AgentSpan>>(answer, &token) {
        check_secrets(&error);
        if (200..300).contains(&status) {
            assert!(matches!(error, PrefactorError::ResponseContract(_)), "{error:?}");
            assert!(!printed(&error).contains(PAYLOAD), "{error:?}");
        }
    }
}

fn parts(input: &[u8]) -> Option<(u16, &[u8])> {
    let (status, body) = input.split_at_checked(4)?;
    let status = str::from_utf8(status).ok()?.strip_suffix(' ')?.parse().ok()?;
    (100..600).contains(&status).then_some((status, body))
}

fn check_error(error: &PrefactorError, status: u16, body: &[u8], value: Option<Value>) {
    check_secrets(error);
    assert_eq!(error.status(), Some(status));
    assert_eq!(error.is_retryable(), status == 429 || status >= 500);
    match error {
        PrefactorError::ResponseContract(error) => {
            let is_refusal = !(200..400).contains(&status);
            assert!(
                !(is_refusal && value.is_some_and(|value| value.is_object())),
                "it was an error of the API"
            );
            let snippet = error.body_snippet().unwrap_or_default();
            assert!(snippet.chars().count() <= ResponseContractError::MAX_SNIPPET_CHARACTERS);
        }
        // Of a name that stands twice any of the two may count.
        error => {
            let Some(value) = unique::value(body) else { return };
            let code = value.get("code").and_then(Value::as_str).unwrap_or(ApiError::UNKNOWN_CODE);
            assert_eq!(error.code(), Some(code.replace(TOKEN, "[redacted]").as_str()));
        }
    }
}

/// Not in anything that can be printed, the beginning of the body included.
fn check_secrets(error: &PrefactorError) {
    let mut printed = printed(error);
    match error {
        PrefactorError::ResponseContract(error) => {
            printed.push_str(error.body_snippet().unwrap_or_default());
        }
        PrefactorError::Validation(error) => {
            let _ = write!(printed, "{}", serde_json::to_string(error.errors()).expect("JSON"));
        }
        _ => {}
    }
    assert!(!printed.contains(TOKEN), "{printed}");
}

fn printed(error: &PrefactorError) -> String {
    let mut printed = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(printed, " {error} {error:?}");
        source = error.source();
    }
    printed
}
