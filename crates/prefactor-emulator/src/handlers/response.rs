//! Responses of the kinds the API and the proxies before it give.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::answer;
use crate::error::ApiError;
use crate::faults::{FaultKind, Refusal, RetryAfter};

pub(crate) const JSON: &str = "application/json";

pub(crate) fn json(status: u16, body: Vec<u8>) -> Response {
    with_type(status, JSON, Body::from(body))
}

pub(crate) fn error(error: &ApiError) -> Response {
    let mut body = Vec::new();
    answer::error(&mut body, error);
    json(error.status, body)
}

pub(crate) fn html(status: u16) -> Response {
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1><p>proxy</p></body></html>\n"
    );
    with_type(status, "text/html", Body::from(page))
}

/// What a fault refuses after the body was read; the response carries the fault's kind for the journal.
pub(crate) fn refused(refusal: Refusal) -> Response {
    let (mut response, kind) = match refusal {
        Refusal::RateLimited { seconds } => {
            (too_many_requests(RetryAfter::Seconds(seconds)), FaultKind::RateLimited)
        }
        Refusal::TooManyItems { limit } => {
            let message = format!("A bulk request may have {limit} items, not more.");
            (error(&ApiError::bad_request(message)), FaultKind::TooManyItems)
        }
    };
    response.extensions_mut().insert(kind);
    response
}

pub(crate) fn too_many_requests(retry_after: RetryAfter) -> Response {
    let mut response = error(&ApiError::of_status(429));
    let text = match retry_after {
        RetryAfter::None => return response,
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::HttpDate(seconds) => {
            // A date no header can hold is replaced by the last that fits.
            let at = SystemTime::now().checked_add(Duration::from_secs(seconds.min(MAX_DATE_SECONDS)));
            httpdate::fmt_http_date(at.unwrap_or_else(SystemTime::now))
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A thousand years: HTTP dates end with the year 9999.
const MAX_DATE_SECONDS: u64 = 1_000 * 365 * 24 * 60 * 60;

fn with_type(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
