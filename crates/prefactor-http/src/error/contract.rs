use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// The answer is none that the API's contract allows: no JSON object (an HTML page of a proxy), a success of another form, or
/// a redirect.
///
/// The body's beginning is kept for diagnosis, with the token taken out. It may hold payload, so neither `Debug` nor the text
/// shows it.
#[doc(alias = "PrefactorResponseContractError")]
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ResponseContractError {
    message: String,
    status: u16,
    retry_after: Option<Duration>,
    body_snippet: Option<String>,
}

impl ResponseContractError {
    /// The greatest length of [`body_snippet`](Self::body_snippet), in characters.
    pub const MAX_SNIPPET_CHARACTERS: usize = 500;

    pub(crate) fn new(message: impl Into<String>, status: u16) -> Self {
        Self { message: message.into(), status, retry_after: None, body_snippet: None }
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Keeps the beginning of a body that has no token in it.
    pub(crate) fn with_body(mut self, body: &str) -> Self {
        self.body_snippet = Some(body.chars().take(Self::MAX_SNIPPET_CHARACTERS).collect());
        self
    }

    /// What does not fit.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status of the answer (`status_code` in Python).
    #[doc(alias = "status_code")]
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// How long the server, or the proxy before it, asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The beginning of the answer's body.
    #[must_use]
    pub fn body_snippet(&self) -> Option<&str> {
        self.body_snippet.as_deref()
    }
}

impl fmt::Debug for ResponseContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseContractError")
            .field("message", &self.message)
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
