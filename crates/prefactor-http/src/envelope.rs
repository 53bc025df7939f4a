//! From an answer's bytes to a value or an error: pure.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::error::{ApiError, PrefactorError, ResponseContractError, ValidationError, ValidationErrors};
use crate::{ApiToken, RawResponse};

/// Turns every answer that is no success into its error. Texts of the server, or of a proxy that echoes the request, have the
/// token taken out.
pub(crate) fn succeeded(answer: RawResponse, token: &ApiToken) -> Result<RawResponse, PrefactorError> {
    match answer.status {
        200..=299 => Ok(answer),
        300..=399 => Err(contract_error(&answer, "the answer is a redirect, which is not followed", token)),
        _ => Err(refusal(&answer, token)),
    }
}

/// Reads a successful answer.
pub(crate) fn read<T: DeserializeOwned>(answer: &RawResponse, token: &ApiToken) -> Result<T, PrefactorError> {
    serde_json::from_slice(&answer.body).map_err(|error| contract_error(answer, &misfit(&error), token))
}

fn refusal(answer: &RawResponse, token: &ApiToken) -> PrefactorError {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&answer.body) else {
        return contract_error(answer, "the answer is not a json object", token);
    };
    let text = |name| body.get(name).and_then(Value::as_str);
    let code = text("code").map_or_else(|| ApiError::UNKNOWN_CODE.to_owned(), |text| token.redact(text));
    let message =
        text("message").map_or_else(|| "the api gave no reason".to_owned(), |text| token.redact(text));
    let api = ApiError::new(answer.status, code, message).with_retry_after(answer.retry_after);
    match PrefactorError::from(api) {
        PrefactorError::Validation(error) => {
            let errors = body.get("errors").map(|errors| redacted(errors, token)).unwrap_or_default();
            let errors = ValidationErrors::deserialize(errors).unwrap_or_default();
            PrefactorError::Validation(ValidationError::new(error.api().clone(), errors))
        }
        error => error,
    }
}

fn redacted(value: &Value, token: &ApiToken) -> Value {
    match value {
        Value::String(text) => Value::String(token.redact(text)),
        Value::Array(values) => values.iter().map(|value| redacted(value, token)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (token.redact(name), redacted(value, token))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn contract_error(answer: &RawResponse, message: &str, token: &ApiToken) -> PrefactorError {
    // All of it, so that no token is cut in two before it is taken out.
    let body = token.redact(&String::from_utf8_lossy(&answer.body));
    PrefactorError::ResponseContract(
        ResponseContractError::new(message, answer.status)
            .with_retry_after(answer.retry_after)
            .with_body(&body),
    )
}

/// What does not fit, without the values that serde quotes: they may be payload.
fn misfit(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        Category::Data if !text.contains(['"', '`']) || text.starts_with("missing field") => {
            format!("the answer has another form than expected: {text}")
        }
        Category::Data => {
            format!(
                "the answer has another form than expected at line {} column {}",
                error.line(),
                error.column()
            )
        }
        Category::Io | Category::Syntax | Category::Eof => "the answer is not json".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{AgentSpan, ApiResponse, FieldErrors};

    fn token() -> ApiToken {
        ApiToken::new("s3cret-token").unwrap()
    }

    fn error(status: u16, body: &'static str) -> PrefactorError {
        let answer = RawResponse::new(status, body).with_retry_after(Duration::from_secs(9));
        succeeded(answer, &token()).unwrap_err()
    }

    fn misread(body: &'static str) -> ResponseContractError {
        match read::<ApiResponse<AgentSpan>>(&RawResponse::new(200, body), &token()) {
            Err(PrefactorError::ResponseContract(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_keeps_code_text_and_wait() {
        let error = error(429, r#"{"status":"error","code":"brand_new","message":"slow down"}"#);

        assert_eq!(error.to_string(), "slow down (brand_new, status 429)");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_refusal_without_code_or_text_is_still_one() {
        let error = error(500, r#"{"error":"x","code":7}"#);

        assert_eq!(error.code(), Some("unknown_error"));
        assert_eq!(error.status(), Some(500));
    }

    #[test]
    fn validation_errors_are_read_in_every_form() {
        let error = error(
            422,
            r#"{"code":"validation_errors","message":"no","errors":{"a":["x","y"],"b":{"status":"error","code":"c","message":"m"},"d":7}}"#,
        );

        let PrefactorError::Validation(error) = error else { panic!("{error:?}") };
        assert_eq!(error.errors()["a"], FieldErrors::Messages(vec!["x".into(), "y".into()]));
        assert_eq!(error.errors()["b"], FieldErrors::Fault { code: "c".into(), message: "m".into() });
        assert_eq!(error.errors()["d"], FieldErrors::Other(7.into()));
    }

    #[test]
    fn a_page_of_html_is_a_contract_error_that_the_status_makes_retryable() {
        let page = "<html>502 Bad Gateway</html>";
        let error = error(502, page);

        let PrefactorError::ResponseContract(contract) = &error else { panic!("{error:?}") };
        assert_eq!(contract.body_snippet(), Some(page));
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
        assert!(!self::error(404, page).is_retryable());
        assert!(matches!(self::error(400, "[]"), PrefactorError::ResponseContract(_)));
    }

    #[test]
    fn a_redirect_is_a_contract_error() {
        assert!(matches!(error(302, "{}"), PrefactorError::ResponseContract(_)));
    }

    #[test]
    fn an_echoed_token_is_taken_out() {
        for body in [
            r#"{"code":"bad","message":"no s3cret-token","errors":{"a":["s3cret-token"],"b":{"x":"s3cret-token"}}}"#,
            r#"{"code":"s3cret-token","errors":{"s3cret-token":{"s3cret-token":1}}}"#,
            "<html>Authorization: Bearer s3cret-token</html>",
        ] {
            let error = error(400, body);
            let snippet = match &error {
                PrefactorError::ResponseContract(error) => error.body_snippet().unwrap(),
                _ => "",
            };
            assert!(!format!("{error} {error:?} {snippet}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn a_token_that_is_echoed_many_times_is_never_cut_in_two() {
        let long = ApiToken::new(&"s3cret".repeat(200)).unwrap();
        let page = format!("<{}>", "s3cret".repeat(200)).repeat(14);

        let error = contract_error(&RawResponse::new(502, page), "", &long);

        let PrefactorError::ResponseContract(error) = error else { panic!("{error:?}") };
        assert_eq!(error.body_snippet(), Some("<[redacted]>".repeat(14).as_str()));
    }

    #[test]
    fn a_snippet_is_bounded() {
        let error = contract_error(&RawResponse::new(200, "ü".repeat(100_000)), "", &token());

        let PrefactorError::ResponseContract(error) = error else { panic!("{error:?}") };
        assert_eq!(
            error.body_snippet().unwrap().chars().count(),
            ResponseContractError::MAX_SNIPPET_CHARACTERS
        );
    }

    #[test]
    fn a_misfit_says_where_but_quotes_nothing() {
        let missing = misread(r#"{"status":"success","details":{"type":"agent_span"}}"#);
        assert!(missing.message().contains("missing field `id`"), "{missing}");

        let wrong = misread(r#"{"status":"success","details":"my diary"}"#);
        assert!(wrong.message().ends_with("at line 1 column 40"), "{wrong}");
        assert!(!format!("{wrong} {wrong:?}").contains("diary"));

        assert_eq!(misread("<html>").message(), "the answer is not json");
        assert_eq!(misread("").message(), "the answer is not json");
    }
}
