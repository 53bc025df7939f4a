use thiserror::Error;

use crate::PrefactorError;

/// Every attempt of a request failed in a way that is worth another one.
#[doc(alias = "PrefactorRetryExhaustedError")]
#[derive(Debug, Error)]
#[error("gave up after {attempts} attempts")]
pub struct RetryExhaustedError {
    attempts: u32,
    #[source]
    last_error: Box<PrefactorError>,
}

impl RetryExhaustedError {
    pub(crate) fn new(attempts: u32, last_error: PrefactorError) -> Self {
        Self { attempts, last_error: Box::new(last_error) }
    }

    /// How often the request was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How the last attempt failed.
    #[must_use]
    pub fn last_error(&self) -> &PrefactorError {
        &self.last_error
    }
}
