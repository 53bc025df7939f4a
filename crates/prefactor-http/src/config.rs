use std::time::Duration;

use thiserror::Error;

use crate::sdk::SdkEntry;
use crate::{
    ApiToken, ApiTokenError, ApiUrl, ApiUrlError, IdempotencyKey, IdempotencyKeyPrefix, RetryPolicy,
    StatusCodes,
};

/// How a [`PrefactorClient`](crate::PrefactorClient) reaches the API and how patient it is.
///
/// ```
/// use prefactor_http::{ApiToken, ApiUrl, HttpClientConfig};
/// use std::time::Duration;
///
/// let config = HttpClientConfig::new(ApiUrl::default(), ApiToken::new("your-token")?)
///     .with_request_timeout(Duration::from_secs(5))
///     .with_max_retries(1);
/// assert_eq!(config.connect_timeout(), Duration::from_secs(10));
/// # Ok::<(), prefactor_http::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpClientConfig {
    api_url: ApiUrl,
    api_token: ApiToken,
    request_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    retry_on_status_codes: StatusCodes,
    default_idempotency_key: Option<IdempotencyKeyPrefix>,
    max_response_bytes: usize,
    /// Outermost adapter first, this crate last.
    sdk_entries: Vec<SdkEntry>,
}

/// Why the environment does not make a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no token.
    #[error("the environment variable {} is not set", HttpClientConfig::API_TOKEN_VARIABLE)]
    MissingToken,
    /// The token cannot be one.
    #[error("the api token is not usable")]
    ApiToken(#[from] ApiTokenError),
    /// The address cannot be one.
    #[error("the api url is not usable")]
    ApiUrl(#[from] ApiUrlError),
}

impl HttpClientConfig {
    /// The variable that holds the API's address.
    pub const API_URL_VARIABLE: &str = "PREFACTOR_API_URL";
    /// The variable that holds the token.
    pub const API_TOKEN_VARIABLE: &str = "PREFACTOR_API_TOKEN";
    /// The variable that lists the status codes to retry on, with commas.
    pub const RETRY_ON_STATUS_CODES_VARIABLE: &str = "PREFACTOR_RETRY_ON_STATUS_CODES";

    /// For a whole attempt, from connecting to the last byte of the answer; as in the existing clients.
    pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
    /// For connecting alone, TLS included; as in the existing clients.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The longest answer that is read, in bytes: far above any answer of the API (a bulk request of 1,000 spans is answered
    /// with less than 1 MiB), far below what would hurt.
    pub const DEFAULT_MAX_RESPONSE_BYTES: usize = 32 << 20;

    /// All defaults, for this address and token.
    #[must_use]
    pub fn new(api_url: ApiUrl, api_token: ApiToken) -> Self {
        Self {
            api_url,
            api_token,
            request_timeout: Self::DEFAULT_REQUEST_TIMEOUT,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            retry: RetryPolicy::default(),
            retry_on_status_codes: StatusCodes::default(),
            default_idempotency_key: None,
            max_response_bytes: Self::DEFAULT_MAX_RESPONSE_BYTES,
            sdk_entries: vec![SdkEntry::own()],
        }
    }

    /// Reads `PREFACTOR_API_URL` (default: the hosted service), `PREFACTOR_API_TOKEN` and `PREFACTOR_RETRY_ON_STATUS_CODES`
    /// (wrong entries are ignored). A variable that is empty counts as not set (API contract, Transport).
    ///
    /// # Errors
    /// [`ConfigError`] when there is no token, or when the token or the address is not usable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        let api_url = set(Self::API_URL_VARIABLE).map_or(Ok(ApiUrl::default()), |url| ApiUrl::new(&url))?;
        let api_token = ApiToken::new(&set(Self::API_TOKEN_VARIABLE).ok_or(ConfigError::MissingToken)?)?;
        let codes = set(Self::RETRY_ON_STATUS_CODES_VARIABLE).and_then(|list| StatusCodes::from_list(&list));
        Ok(Self::new(api_url, api_token).with_retry_on_status_codes(codes.unwrap_or_default()))
    }

    /// Time for a whole attempt, from connecting to the last byte of the answer.
    #[must_use]
    pub fn with_request_timeout(mut self, request_timeout: Duration) -> Self {
        self.request_timeout = request_timeout;
        self
    }

    /// Time for connecting, TLS included.
    #[must_use]
    pub fn with_connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.connect_timeout = connect_timeout;
        self
    }

    /// All that concerns the waits between attempts, at once.
    #[must_use]
    pub fn with_retry_policy(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Attempts after the first one. 0 turns retries off.
    #[must_use]
    pub fn with_max_retries(mut self, max_retries: u32) -> Self {
        self.retry = self.retry.with_max_retries(max_retries);
        self
    }

    /// The first wait between attempts.
    #[must_use]
    pub fn with_initial_retry_delay(mut self, initial_retry_delay: Duration) -> Self {
        self.retry = self.retry.with_initial_delay(initial_retry_delay);
        self
    }

    /// The longest wait between attempts, also when the server asks for more.
    #[must_use]
    pub fn with_max_retry_delay(mut self, max_retry_delay: Duration) -> Self {
        self.retry = self.retry.with_max_delay(max_retry_delay);
        self
    }

    /// Growth from one wait to the next, at least 1.
    #[must_use]
    pub fn with_retry_multiplier(mut self, retry_multiplier: f64) -> Self {
        self.retry = self.retry.with_multiplier(retry_multiplier);
        self
    }

    /// Statuses after which a request is sent again.
    #[must_use]
    pub fn with_retry_on_status_codes(mut self, retry_on_status_codes: StatusCodes) -> Self {
        self.retry_on_status_codes = retry_on_status_codes;
        self
    }

    /// What generated idempotency keys begin with.
    #[must_use]
    pub fn with_default_idempotency_key(mut self, prefix: IdempotencyKeyPrefix) -> Self {
        self.default_idempotency_key = Some(prefix);
        self
    }

    /// The longest answer that is read, in bytes. A longer one is an error.
    #[must_use]
    pub fn with_max_response_bytes(mut self, max_response_bytes: usize) -> Self {
        self.max_response_bytes = max_response_bytes;
        self
    }

    /// Names one more layer around this client in the `X-Prefactor-SDK` header, before those that are there.
    #[must_use]
    pub fn with_sdk_entry(mut self, entry: SdkEntry) -> Self {
        self.sdk_entries.insert(0, entry);
        self
    }

    /// Where the API is.
    #[must_use]
    pub fn api_url(&self) -> &ApiUrl {
        &self.api_url
    }

    /// The bearer token.
    #[must_use]
    pub fn api_token(&self) -> &ApiToken {
        &self.api_token
    }

    /// Time for a whole attempt.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Time for connecting.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// All that concerns the waits between attempts.
    #[must_use]
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry
    }

    /// Attempts after the first one.
    #[must_use]
    pub fn max_retries(&self) -> u32 {
        self.retry.max_retries()
    }

    /// The first wait between attempts.
    #[must_use]
    pub fn initial_retry_delay(&self) -> Duration {
        self.retry.initial_delay()
    }

    /// The longest wait between attempts.
    #[must_use]
    pub fn max_retry_delay(&self) -> Duration {
        self.retry.max_delay()
    }

    /// Growth from one wait to the next.
    #[must_use]
    pub fn retry_multiplier(&self) -> f64 {
        self.retry.multiplier()
    }

    /// Statuses after which a request is sent again.
    #[must_use]
    pub fn retry_on_status_codes(&self) -> StatusCodes {
        self.retry_on_status_codes
    }

    /// What generated idempotency keys begin with.
    #[must_use]
    pub fn default_idempotency_key(&self) -> Option<&IdempotencyKeyPrefix> {
        self.default_idempotency_key.as_ref()
    }

    /// The longest answer that is read, in bytes.
    #[must_use]
    pub fn max_response_bytes(&self) -> usize {
        self.max_response_bytes
    }

    /// The value of the `X-Prefactor-SDK` header.
    #[must_use]
    pub fn sdk_header(&self) -> String {
        self.sdk_entries.iter().map(SdkEntry::to_string).collect::<Vec<_>>().join(" ")
    }

    /// A key for an operation whose caller has given none.
    pub(crate) fn idempotency_key(&self) -> IdempotencyKey {
        self.default_idempotency_key.as_ref().map_or_else(IdempotencyKey::random, IdempotencyKeyPrefix::key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<HttpClientConfig, ConfigError> {
        HttpClientConfig::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_are_those_of_the_existing_clients() {
        let config = read(&[("PREFACTOR_API_TOKEN", "tok"), ("PREFACTOR_API_URL", "")]).unwrap();

        assert_eq!(config.api_url().as_str(), "https://app.prefactorai.com");
        assert_eq!(config.request_timeout(), Duration::from_secs(30));
        assert_eq!(config.connect_timeout(), Duration::from_secs(10));
        assert_eq!(config.max_retries(), 3);
        assert_eq!(config.initial_retry_delay(), Duration::from_secs(1));
        assert_eq!(config.max_retry_delay(), Duration::from_secs(60));
        assert!((config.retry_multiplier() - 2.0).abs() < f64::EPSILON);
        assert_eq!(config.retry_on_status_codes(), StatusCodes::TRANSIENT);
        assert_eq!(config.default_idempotency_key(), None);
    }

    #[test]
    fn the_environment_is_heard() {
        let config = read(&[
            ("PREFACTOR_API_TOKEN", " tok\n"),
            ("PREFACTOR_API_URL", "http://localhost:4010/x/"),
            ("PREFACTOR_RETRY_ON_STATUS_CODES", "503,nonsense"),
        ])
        .unwrap();

        assert_eq!(config.api_token(), &ApiToken::new("tok").unwrap());
        assert_eq!(config.api_url().as_str(), "http://localhost:4010/x");
        assert_eq!(config.retry_on_status_codes(), StatusCodes::NONE.with(503));
    }

    #[test]
    fn a_wrong_environment_is_refused() {
        assert_eq!(read(&[]).unwrap_err(), ConfigError::MissingToken);
        assert_eq!(read(&[("PREFACTOR_API_TOKEN", " ")]).unwrap_err(), ConfigError::MissingToken);
        assert!(matches!(read(&[("PREFACTOR_API_TOKEN", "a b")]), Err(ConfigError::ApiToken(_))));
        let insecure = read(&[("PREFACTOR_API_TOKEN", "tok"), ("PREFACTOR_API_URL", "http://h.example")]);
        assert_eq!(insecure.unwrap_err(), ConfigError::ApiUrl(ApiUrlError::Insecure));
    }

    #[test]
    fn adapters_stand_before_this_crate() {
        let entry = |name| SdkEntry::new(name, "1").unwrap();
        let config = read(&[("PREFACTOR_API_TOKEN", "tok")]).unwrap();

        let header = config.with_sdk_entry(entry("inner")).with_sdk_entry(entry("outer")).sdk_header();

        assert_eq!(header, concat!("outer@1 inner@1 prefactor-rs@", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let config = read(&[("PREFACTOR_API_TOKEN", "s3cret")]).unwrap();

        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
