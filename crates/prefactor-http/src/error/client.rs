use std::error::Error as StdError;

use thiserror::Error;

use crate::{BulkRequestError, ConfigError, IdempotencyKeyError, TransportError};

/// A failure on this side of the API: there was no answer, or no request to begin with.
#[doc(alias = "PrefactorClientError")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The last attempt brought no complete answer.
    #[error(transparent)]
    Transport(TransportError),
    /// The configuration is not usable.
    #[error(transparent)]
    Config(ConfigError),
    /// TLS or the HTTP client could not be set up.
    #[error("the http client could not be set up")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
    /// A body or a query could not be written as JSON.
    #[error("the request could not be written as json")]
    Body(#[source] serde_json::Error),
    /// An id that is empty or has other characters than letters, digits, `-` and `_`, and would address something else.
    #[error("{id:?} is not an id")]
    Id {
        /// What was given.
        id: String,
    },
    /// An idempotency key that the API would refuse.
    #[error(transparent)]
    IdempotencyKey(IdempotencyKeyError),
    /// A bulk request that the API would refuse.
    #[error(transparent)]
    BulkRequest(BulkRequestError),
}
