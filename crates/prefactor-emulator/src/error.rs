//! The errors the API answers with.

use std::collections::BTreeMap;

/// Messages by field, as they stand under `errors`.
pub(crate) type FieldErrors = BTreeMap<String, Vec<String>>;

/// One error of the API: an HTTP status for single calls, an error output in bulk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Only validation errors have any.
    pub(crate) errors: FieldErrors,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), errors: FieldErrors::new() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    pub(crate) fn validation(errors: FieldErrors) -> Self {
        Self { errors, ..Self::new(422, "validation_errors", "The request is not valid.") }
    }

    pub(crate) fn field(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(FieldErrors::from([(name.into(), vec![message.into()])]))
    }

    pub(crate) fn required(name: &str) -> Self {
        Self::field(name, "is required")
    }

    /// The thing is already in the state asked for, or can't get there from where it is.
    pub(crate) fn invalid_action(message: impl Into<String>) -> Self {
        Self::new(409, "invalid_action", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", message)
    }

    pub(crate) fn bad_authtoken() -> Self {
        Self::new(401, "bad_authtoken", "The token is missing or not known.")
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(403, "unauthorized", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "not_found", format!("There is no such {what}."))
    }

    /// An error nobody's rules produced: what a fault asks for by its status.
    pub(crate) fn of_status(status: u16) -> Self {
        let code = match status {
            400 => "bad_request",
            401 => "bad_authtoken",
            403 => "unauthorized",
            404 => "not_found",
            405 => "method_not_allowed",
            409 => "conflict",
            413 => "payload_too_large",
            422 => "validation_errors",
            429 => "too_many_requests",
            503 => "service_unavailable",
            _ => "internal_server_error",
        };
        Self::new(status, code, format!("Answered with {status} by the emulator."))
    }
}
