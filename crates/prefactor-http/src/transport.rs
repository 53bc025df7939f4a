//! One attempt at one request: no retry, no reading of the answer beyond its bytes.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, Url};

use crate::error::TransportError;
use crate::retry::parse_retry_after;

/// An answer as it came.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// How long the server asks to wait, from a `Retry-After` header in either form. A date is compared with the answer's own
    /// `Date` where it has one, since the two clocks may differ.
    pub retry_after: Option<Duration>,
    /// The whole body.
    pub body: Bytes,
}

impl RawResponse {
    /// An answer without `Retry-After`, as tests need it.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, retry_after: None, body: body.into() }
    }

    /// The same answer with a wait that the server asks for.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }
}

impl fmt::Debug for RawResponse {
    /// Without the body, which may repeat a payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .field("body_len", &self.body.len())
            .finish()
    }
}

/// All that a request needs to be sent, any number of times.
pub(crate) struct Attempt {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Bytes>,
    pub(crate) idempotency_header: Option<HeaderValue>,
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(crate) async fn send(
    http: &reqwest::Client,
    attempt: &Attempt,
    max_response_bytes: usize,
) -> Result<RawResponse, TransportError> {
    let mut request = http.request(attempt.method.clone(), attempt.url.clone());
    if let Some(body) = &attempt.body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
    }
    if let Some(key) = &attempt.idempotency_header {
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    let response = request.send().await.map_err(TransportError::of_request)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), Utc::now());
    let body = read_body(response, max_response_bytes).await?;
    Ok(RawResponse { status, retry_after, body })
}

fn retry_after(headers: &HeaderMap, local: DateTime<Utc>) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let served = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).map(DateTime::from);
    parse_retry_after(text(RETRY_AFTER)?, served.unwrap_or(local))
}

/// The most that is reserved because a server announces it, in bytes.
const BELIEVED_LENGTH: u64 = 256 * 1024;

/// Reads until the end or the limit. A length that the server announces is believed for as long as it is small.
async fn read_body(mut response: Response, limit: usize) -> Result<Bytes, TransportError> {
    let announced = response.content_length().unwrap_or(0).min(BELIEVED_LENGTH);
    let mut body = BytesMut::with_capacity(limit.min(announced as usize));
    while let Some(chunk) = response.chunk().await.map_err(TransportError::of_body)? {
        if chunk.len() > limit - body.len() {
            return Err(TransportError::BodyTooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(HeaderName, &'static str)]) -> HeaderMap {
        entries.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_date_is_compared_with_the_servers_clock_first() {
        let local = DateTime::from_timestamp(1_714_564_800, 0).unwrap();
        let date = (RETRY_AFTER, "Wed, 01 May 2024 12:00:30 GMT");
        let served = (DATE, "Wed, 01 May 2024 12:00:25 GMT");

        assert_eq!(retry_after(&headers(&[date.clone(), served]), local), Some(Duration::from_secs(5)));
        assert_eq!(retry_after(&headers(std::slice::from_ref(&date)), local), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[date, (DATE, "nonsense")]), local), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[]), local), None);
    }
}
