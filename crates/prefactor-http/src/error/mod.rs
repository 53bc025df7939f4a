//! What can go wrong: one enum, and a struct for each kind that carries fields.

mod api;
mod client;
mod contract;
mod retry;
mod transport;

use std::time::Duration;

use thiserror::Error;

use crate::StatusCodes;
use crate::{BulkRequestError, ConfigError, IdempotencyKeyError};

pub use api::{ApiError, FieldErrors, ValidationError, ValidationErrors};
pub use client::ClientError;
pub use contract::ResponseContractError;
pub use retry::RetryExhaustedError;
pub use transport::TransportError;

/// Every way in which a call of this crate fails.
///
/// ```
/// use prefactor_http::{ApiError, PrefactorError};
///
/// let error = PrefactorError::from(ApiError::new(409, "invalid_action", "already started"));
/// assert_eq!(error.status(), Some(409));
/// assert_eq!(error.code(), Some("invalid_action"));
/// assert!(error.is_already_done() && !error.is_retryable());
/// ```
#[doc(alias = "PrefactorHttpError")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrefactorError {
    /// The API answered with an error that none of the following is more precise about. Python: `PrefactorApiError`.
    #[doc(alias = "PrefactorApiError")]
    #[error(transparent)]
    Api(ApiError),
    /// 401 or 403: the token is unknown or may not do this. Python: `PrefactorAuthError`.
    #[doc(alias = "PrefactorAuthError")]
    #[error(transparent)]
    Auth(ApiError),
    /// 404: there is no such thing, or it is not visible yet. Python: `PrefactorNotFoundError`.
    #[doc(alias = "PrefactorNotFoundError")]
    #[error(transparent)]
    NotFound(ApiError),
    /// 400 or 422: the request itself is wrong. Python: `PrefactorValidationError`.
    #[doc(alias = "PrefactorValidationError")]
    #[error(transparent)]
    Validation(ValidationError),
    /// Every attempt failed. Python: `PrefactorRetryExhaustedError`.
    #[doc(alias = "PrefactorRetryExhaustedError")]
    #[error(transparent)]
    RetryExhausted(RetryExhaustedError),
    /// The answer is none that the API's contract allows. Python: `PrefactorResponseContractError`.
    #[doc(alias = "PrefactorResponseContractError")]
    #[error(transparent)]
    ResponseContract(ResponseContractError),
    /// No answer, or no request in the first place. Python: `PrefactorClientError`.
    #[doc(alias = "PrefactorClientError")]
    #[error(transparent)]
    Client(ClientError),
}

impl PrefactorError {
    /// Whether the same request may succeed later: the network failed, or the status is 429 or any 5xx (API contract,
    /// Transport).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.is_retryable_on(StatusCodes::TRANSIENT)
    }

    /// Like [`is_retryable`](Self::is_retryable), with other statuses.
    pub(crate) fn is_retryable_on(&self, codes: StatusCodes) -> bool {
        match self {
            Self::RetryExhausted(error) => error.last_error().is_retryable_on(codes),
            Self::Client(ClientError::Transport(error)) => error.is_retryable(),
            _ => self.status().is_some_and(|status| codes.contains(status)),
        }
    }

    /// Whether the thing is in the wanted state already, as when a run is started or finished twice: 409 `invalid_action`
    /// (API contract, Transport).
    #[must_use]
    pub fn is_already_done(&self) -> bool {
        self.status() == Some(409) && self.code() == Some("invalid_action")
    }

    /// How long the server asked to wait, in the answer that failed last.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryExhausted(error) => error.last_error().retry_after(),
            Self::ResponseContract(error) => error.retry_after(),
            _ => self.api().and_then(ApiError::retry_after),
        }
    }

    /// The HTTP status of the answer that failed last, if one came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::RetryExhausted(error) => error.last_error().status(),
            Self::ResponseContract(error) => Some(error.status()),
            _ => self.api().map(ApiError::status),
        }
    }

    /// The API's own word for the error, such as `not_found`. There are more of them than anybody has listed.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::RetryExhausted(error) => error.last_error().code(),
            _ => self.api().map(ApiError::code),
        }
    }

    fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) | Self::Auth(error) | Self::NotFound(error) => Some(error),
            Self::Validation(error) => Some(error.api()),
            Self::RetryExhausted(_) | Self::ResponseContract(_) | Self::Client(_) => None,
        }
    }
}

impl From<ApiError> for PrefactorError {
    /// Sorts by status.
    fn from(error: ApiError) -> Self {
        match error.status() {
            401 | 403 => Self::Auth(error),
            404 => Self::NotFound(error),
            400 | 422 => Self::Validation(ValidationError::new(error, ValidationErrors::new())),
            _ => Self::Api(error),
        }
    }
}

impl From<TransportError> for PrefactorError {
    fn from(error: TransportError) -> Self {
        Self::Client(ClientError::Transport(error))
    }
}

impl From<ConfigError> for PrefactorError {
    fn from(error: ConfigError) -> Self {
        Self::Client(ClientError::Config(error))
    }
}

impl From<IdempotencyKeyError> for PrefactorError {
    fn from(error: IdempotencyKeyError) -> Self {
        Self::Client(ClientError::IdempotencyKey(error))
    }
}

impl From<BulkRequestError> for PrefactorError {
    fn from(error: BulkRequestError) -> Self {
        Self::Client(ClientError::BulkRequest(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> PrefactorError {
        ApiError::new(status, "some_code", "some text").into()
    }

    #[test]
    fn the_status_decides_the_kind() {
        assert!(matches!(answered(401), PrefactorError::Auth(_)));
        assert!(matches!(answered(403), PrefactorError::Auth(_)));
        assert!(matches!(answered(404), PrefactorError::NotFound(_)));
        assert!(matches!(answered(400), PrefactorError::Validation(_)));
        assert!(matches!(answered(422), PrefactorError::Validation(_)));
        assert!(matches!(answered(409), PrefactorError::Api(_)));
        assert!(matches!(answered(500), PrefactorError::Api(_)));
    }

    #[test]
    fn only_429_and_5xx_are_retryable() {
        for (status, retryable) in
            [(400, false), (401, false), (404, false), (409, false), (429, true), (500, true), (529, true)]
        {
            assert_eq!(answered(status).is_retryable(), retryable, "{status}");
        }
        let broken = |status| PrefactorError::ResponseContract(ResponseContractError::new("no json", status));
        assert!(broken(502).is_retryable());
        assert!(!broken(200).is_retryable());
        assert!(PrefactorError::from(TransportError::Connect("down".into())).is_retryable());
        assert!(!PrefactorError::from(TransportError::BodyTooLarge { limit: 1 }).is_retryable());
    }

    #[test]
    fn exhausted_retries_answer_for_their_last_error() {
        let last =
            ApiError::new(429, "rate_limited", "slow down").with_retry_after(Some(Duration::from_secs(7)));
        let error = PrefactorError::RetryExhausted(RetryExhaustedError::new(4, last.into()));

        assert_eq!(error.to_string(), "gave up after 4 attempts");
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "slow down (rate_limited, status 429)"
        );
        assert_eq!(error.status(), Some(429));
        assert_eq!(error.code(), Some("rate_limited"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(error.is_retryable());
    }

    #[test]
    fn only_409_invalid_action_is_already_done() {
        let done = |status, code| PrefactorError::from(ApiError::new(status, code, "")).is_already_done();

        assert!(done(409, "invalid_action"));
        assert!(!done(409, "conflict"));
        assert!(!done(422, "invalid_action"));
    }
}
