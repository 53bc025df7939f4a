use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// The API's answer to a request that it refuses or cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} ({code}, status {status})")]
pub struct ApiError {
    message: String,
    code: String,
    status: u16,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// The code of an answer that names none.
    pub const UNKNOWN_CODE: &str = "unknown_error";

    /// An error of this status, code and text.
    #[must_use]
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), code: code.into(), status, retry_after: None }
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// The API's text for humans.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The API's word for programs, such as `not_found`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The HTTP status (`status_code` in Python).
    #[doc(alias = "status_code")]
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// How long the server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// What is wrong with each field of a request.
pub type ValidationErrors = BTreeMap<String, FieldErrors>;

/// What is wrong with one field, in any of the forms that the API uses (API contract, Transport).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum FieldErrors {
    /// A list of texts.
    Messages(Vec<String>),
    /// A code with a text.
    Fault {
        /// For programs.
        code: String,
        /// For humans.
        message: String,
    },
    /// Any other form, kept as it is.
    Other(Value),
}

/// The API refuses the request for what it says.
#[doc(alias = "PrefactorValidationError")]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{api}")]
pub struct ValidationError {
    api: ApiError,
    errors: ValidationErrors,
}

impl ValidationError {
    /// An error with what is wrong with each field.
    #[must_use]
    pub fn new(api: ApiError, errors: ValidationErrors) -> Self {
        Self { api, errors }
    }

    /// The error as a whole.
    #[must_use]
    pub fn api(&self) -> &ApiError {
        &self.api
    }

    /// What is wrong with each field. Empty when the API names none.
    #[must_use]
    pub fn errors(&self) -> &ValidationErrors {
        &self.errors
    }
}
