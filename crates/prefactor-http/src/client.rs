use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, redirect};

use crate::error::{ClientError, PrefactorError, TransportError};
use crate::transport::{self, Attempt, RawResponse};
use crate::{HttpClientConfig, Request, tls};

/// The client of the Prefactor API: connections, credentials and one method per group of endpoints.
///
/// ```no_run
/// use prefactor_http::{HttpClientConfig, PrefactorClient};
///
/// # async fn run() -> Result<(), prefactor_http::PrefactorError> {
/// let client = PrefactorClient::new(HttpClientConfig::from_env()?)?;
/// client.ping().await?;
/// # Ok(())
/// # }
/// ```
///
/// Cloning is cheap, and clones share their connections; they are closed when the last clone is gone.
#[doc(alias = "PrefactorHttpClient")]
#[doc(alias = "close")]
#[derive(Clone)]
pub struct PrefactorClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    config: HttpClientConfig,
}

const SDK_HEADER: &str = "x-prefactor-sdk";

impl PrefactorClient {
    /// Prepares a client. Nothing is sent yet, and no runtime is needed.
    ///
    /// # Errors
    /// When TLS cannot be set up, such as on a system without any certificates.
    pub fn new(config: HttpClientConfig) -> Result<Self, PrefactorError> {
        let builder = reqwest::Client::builder()
            .default_headers(headers(&config))
            .timeout(config.request_timeout())
            .connect_timeout(config.connect_timeout())
            .http1_only()
            .tcp_nodelay(true)
            // A redirect would carry the token to wherever it points. The API has none, so a 3xx is an error.
            .redirect(redirect::Policy::none())
            // Invariant: a request has one owner of its retries, and that is not the HTTP library.
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(tls::client_config(config.api_url()).map_err(setup)?);
        // The proxies of the environment (`HTTPS_PROXY`, `NO_PROXY`, …) count, as a service behind a company's proxy has no
        // other way out; but no proxy reaches this machine's own addresses.
        let builder = if config.api_url().is_loopback() { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(setup)?;
        Ok(Self { inner: Arc::new(Inner { http, config }) })
    }

    /// What the client was made with.
    #[must_use]
    pub fn config(&self) -> &HttpClientConfig {
        &self.inner.config
    }

    /// Sends a request once: no retry, whatever comes back. For callers who own their retries; everybody else takes
    /// [`request`](Self::request) or an endpoint's method.
    ///
    /// The path begins with `/api/v1/`; the body is JSON already.
    ///
    /// # Errors
    /// [`TransportError`] when no complete answer came. Every answer that came is `Ok`, whatever its status.
    pub async fn send_once(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<RawResponse, TransportError> {
        let url = self.config().api_url().join(path).ok_or(TransportError::Path)?;
        self.attempt(&Attempt { method, url, body, idempotency_header: None }).await
    }

    /// A request to any path, with retries. The path begins with `/api/v1/`.
    ///
    /// ```no_run
    /// # async fn run(client: prefactor_http::PrefactorClient) -> Result<(), prefactor_http::PrefactorError> {
    /// use prefactor_http::Method;
    ///
    /// let agents = client.request(Method::GET, "/api/v1/agent").params([("pagination[page_size]", "10")]).send().await?;
    /// println!("{}", agents["summaries"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request<'_> {
        Request::new(self, method, path.into())
    }

    pub(crate) async fn attempt(&self, attempt: &Attempt) -> Result<RawResponse, TransportError> {
        transport::send(&self.inner.http, attempt, self.config().max_response_bytes()).await
    }
}

fn setup(error: impl std::error::Error + Send + Sync + 'static) -> PrefactorError {
    PrefactorError::Client(ClientError::Setup(Box::new(error)))
}

fn headers(config: &HttpClientConfig) -> HeaderMap {
    let sdk = HeaderValue::try_from(config.sdk_header()).expect("checked entries are a valid header value");
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, config.api_token().authorization());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(SDK_HEADER, sdk);
    headers
}

impl fmt::Debug for PrefactorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefactorClient").field("config", self.config()).finish_non_exhaustive()
    }
}
