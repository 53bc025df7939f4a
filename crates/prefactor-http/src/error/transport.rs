use std::error::Error as StdError;

use thiserror::Error;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an attempt has brought no complete answer.
///
/// Nothing in it, sources included, shows the token or the request's address.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection came about, in time or at all: the request was not sent.
    #[error("could not connect to the api")]
    Connect(#[source] Source),
    /// The attempt took longer than the request timeout. The server may have done its work.
    #[error("the api did not answer in time")]
    Timeout(#[source] Source),
    /// The connection broke in the middle of the answer. The server has probably done its work.
    #[error("the answer broke off")]
    Body(#[source] Source),
    /// The answer is longer than the configured limit; reading stopped there.
    #[error("the answer is longer than {limit} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The path is not absolute, would lead out of the base address, or holds a query or a fragment.
    #[error("the request path is not usable")]
    Path,
    /// Anything else, such as a connection that was closed before an answer came.
    #[error("the request could not be completed")]
    Other(#[source] Source),
}

impl TransportError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout(_) | Self::Body(_) | Self::Other(_) => true,
            Self::BodyTooLarge { .. } | Self::Path => false,
        }
    }

    /// Tells failures of sending and of waiting for the answer's head apart.
    pub(crate) fn of_request(error: reqwest::Error) -> Self {
        Self::classified(error, Self::Other)
    }

    /// Tells failures of reading the answer's body apart.
    pub(crate) fn of_body(error: reqwest::Error) -> Self {
        Self::classified(error, Self::Body)
    }

    fn classified(error: reqwest::Error, otherwise: fn(Source) -> Self) -> Self {
        // Connecting first, as a time-out while connecting is both.
        let kind = if error.is_connect() {
            Self::Connect
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            otherwise
        };
        kind(Box::new(error.without_url()))
    }
}
