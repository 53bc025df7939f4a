//! Typed async HTTP client for the Prefactor API.
//!
//! - [`PrefactorClient`] sends requests: [`agent_instances`](PrefactorClient::agent_instances),
//!   [`agent_spans`](PrefactorClient::agent_spans), [`bulk`](PrefactorClient::bulk), [`agents`](PrefactorClient::agents),
//!   [`ping`](PrefactorClient::ping), or any path by [`request`](PrefactorClient::request).
//! - [`HttpClientConfig`] says where to and how patiently.
//! - Failures that may pass are tried again by [`RetryPolicy`], with the same bytes and the same [`IdempotencyKey`].
//! - [`PrefactorError`] tells what went wrong.
//!
//! ```no_run
//! use prefactor_http::{ApiToken, ApiUrl, HttpClientConfig, PrefactorClient, RegisterInstanceRequest, StartInstanceRequest};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = HttpClientConfig::new(ApiUrl::default(), ApiToken::new("your-token")?);
//! let client = PrefactorClient::new(config)?;
//! let run = client.agent_instances().register(RegisterInstanceRequest::new()).await?;
//! client.agent_instances().start(&run.id, StartInstanceRequest::new()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Coming from the Python client
//!
//! | `prefactor_http` in Python | here |
//! |---|---|
//! | `PrefactorHttpClient`, `close()` | [`PrefactorClient`]; dropping the last clone closes its connections |
//! | `PrefactorHttpError` | [`PrefactorError`] |
//! | `PrefactorApiError` | [`PrefactorError::Api`], [`ApiError`] |
//! | `PrefactorAuthError`, `PrefactorNotFoundError` | [`PrefactorError::Auth`], [`PrefactorError::NotFound`] |
//! | `PrefactorValidationError` | [`PrefactorError::Validation`], [`ValidationError`] |
//! | `PrefactorRetryExhaustedError` | [`PrefactorError::RetryExhausted`], [`RetryExhaustedError`] |
//! | `PrefactorResponseContractError` | [`PrefactorError::ResponseContract`], [`ResponseContractError`] |
//! | `PrefactorClientError` | [`PrefactorError::Client`], [`ClientError`] |
//! | `HttpClientConfig` and all models | the same names |
//!
//! Differences on purpose: `Retry-After` is heeded; every 5xx is retried by default ([`StatusCodes::TRANSIENT`]); operations get
//! an idempotency key of their own accord; `type` is `resource_type` and `_type` is [`BulkItem::action`].
//!
//! # What this crate does to the process
//!
//! Nothing: no global TLS provider, no thread, no subscriber. It reads the proxies of the environment (`HTTPS_PROXY`,
//! `NO_PROXY`, …), though not for addresses of this machine, and the platform's certificates. It needs a tokio runtime with time and I/O only while a request is
//! under way. The token appears in no `Debug`, error or log line, and neither do payloads.

mod client;
mod config;
mod endpoints;
mod envelope;
mod error;
mod idempotency;
mod models;
mod request;
mod retry;
mod sdk;
mod status_codes;
mod tls;
mod token;
mod transport;
mod url;
#[doc(hidden)]
pub mod workbench;

pub use bytes::Bytes;
pub use client::PrefactorClient;
pub use config::{ConfigError, HttpClientConfig};
pub use endpoints::{AgentClient, AgentInstanceClient, AgentSpanClient, BulkClient};
pub use error::{
    ApiError, ClientError, FieldErrors, PrefactorError, ResponseContractError, RetryExhaustedError,
    TransportError, ValidationError, ValidationErrors,
};
pub use idempotency::{IdempotencyKey, IdempotencyKeyError, IdempotencyKeyPrefix};
pub use models::*;
pub use request::Request;
pub use reqwest::Method;
pub use retry::{RetryPolicy, parse_retry_after};
pub use sdk::{SdkEntry, SdkEntryError};
pub use status_codes::StatusCodes;
pub use token::{ApiToken, ApiTokenError};
pub use transport::RawResponse;
pub use url::{ApiUrl, ApiUrlError};
