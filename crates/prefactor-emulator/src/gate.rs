//! What every request passes on its way in and out: its body is read, faults strike, the token is checked, the journal
//! is written.

use std::error::Error;
use std::sync::Arc;

use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::LengthLimitError;

use crate::error::ApiError;
use crate::faults::{FaultKind, Interruption, RetryAfter};
use crate::handlers::response;
use crate::journal::RequestRecord;
use crate::server::Connection;
use crate::shared::Shared;

/// No body is read past this, whatever the faults say.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

pub(crate) async fn gate(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // Always there: the server adds it to each request.
    let connection = parts.extensions.remove::<Connection>();
    let body = match body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return response::error(&unread(&error)),
    };
    let mut entry = Entry::new(&shared, &parts, &body);
    let decision = shared.injector.decide(parts.uri.path(), body.len());

    if let Some(latency) = decision.latency {
        tokio::time::sleep(latency).await;
    }
    let answer = match decision.interruption {
        None => work(&shared, parts, body, next).await,
        Some(interruption) => {
            entry.fault(interruption.kind());
            match interruption {
                Interruption::BlackHole => {
                    entry.write(None);
                    shared.injector.black_hole_gone().await;
                    return cut(connection).await;
                }
                Interruption::DropBefore => {
                    entry.write(None);
                    return cut(connection).await;
                }
                Interruption::BodyTooLarge { limit } => response::error(&too_large(limit)),
                Interruption::TooManyRequests(retry_after) => response::too_many_requests(retry_after),
                Interruption::RateLimited { seconds } => {
                    response::too_many_requests(RetryAfter::Seconds(seconds))
                }
                Interruption::ServerError(status) => response::error(&ApiError::of_status(status)),
                Interruption::HtmlBody(status) => response::html(status),
            }
        }
    };
    if let Some(kind) = answer.extensions().get::<FaultKind>() {
        entry.fault(*kind);
    }
    if decision.drop_after {
        entry.fault(FaultKind::DropAfter);
        entry.write(None);
        return cut(connection).await;
    }
    entry.write(Some(answer.status().as_u16()));
    answer
}

async fn work(shared: &Shared, mut parts: Parts, body: Bytes, next: Next) -> Response {
    let Some(scope) = bearer(&parts).and_then(|token| shared.scope_of(token)) else {
        return response::error(&ApiError::bad_authtoken());
    };
    parts.extensions.insert(scope);
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    // What axum refuses by itself it refuses as plain text; the API speaks JSON only.
    let is_json =
        answer.headers().get(header::CONTENT_TYPE) == Some(&HeaderValue::from_static(response::JSON));
    match answer.status().as_u16() {
        _ if is_json => answer,
        400 => response::error(&ApiError::bad_request("The path is not UTF-8.")),
        status => response::error(&ApiError::of_status(status)),
    }
}

/// Why a body could not be read: it has no end that can be waited for, or it broke off.
fn unread(error: &axum::Error) -> ApiError {
    match error.source() {
        Some(cause) if cause.is::<LengthLimitError>() => too_large(MAX_BODY_BYTES),
        _ => ApiError::bad_request("The body ended before its end, or is not what its headers say."),
    }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(413, "payload_too_large", format!("The body is longer than {limit} bytes."))
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn cut(connection: Option<Connection>) -> Response {
    match connection {
        Some(connection) => match connection.cut().await {},
        None => response::error(&ApiError::of_status(500)),
    }
}

/// The journal's record of a request in the making; nothing at all when there is no journal.
struct Entry<'a> {
    shared: &'a Shared,
    record: Option<RequestRecord>,
}

impl<'a> Entry<'a> {
    fn new(shared: &'a Shared, parts: &Parts, body: &Bytes) -> Self {
        let record = (!shared.journal.is_off()).then(|| RequestRecord {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| {
                    let text = match *name == header::AUTHORIZATION {
                        true => "[hidden]".into(),
                        false => String::from_utf8_lossy(value.as_bytes()),
                    };
                    (name.to_string(), text.into_owned())
                })
                .collect(),
            body: body.clone(),
            status: None,
            fault: None,
        });
        Self { shared, record }
    }

    fn fault(&mut self, kind: FaultKind) {
        if let Some(record) = &mut self.record {
            record.fault = Some(kind);
        }
    }

    fn write(self, status: Option<u16>) {
        if let Some(record) = self.record {
            self.shared.journal.record(RequestRecord { status, ..record });
        }
    }
}
