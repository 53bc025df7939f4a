//! Typed async HTTP client for the Prefactor API.

mod client;
mod config;
mod error;
mod idempotency;
mod models;
mod retry;
mod sdk;
mod status_codes;
mod tls;
mod token;
mod transport;
mod url;

pub use bytes::Bytes;
pub use client::PrefactorClient;
pub use config::{ConfigError, HttpClientConfig};
pub use error::{
    ApiError, ClientError, FieldErrors, PrefactorError, ResponseContractError, RetryExhaustedError,
    TransportError, ValidationError, ValidationErrors,
};
pub use idempotency::{IdempotencyKey, IdempotencyKeyError, IdempotencyKeyPrefix};
pub use models::*;
pub use reqwest::Method;
pub use retry::{RetryPolicy, parse_retry_after};
pub use sdk::{SdkEntry, SdkEntryError};
pub use status_codes::StatusCodes;
pub use token::{ApiToken, ApiTokenError};
pub use transport::RawResponse;
pub use url::{ApiUrl, ApiUrlError};
