//! The ping, the refusals nobody else gives, and what steers the emulator itself.

use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;

use super::response;
use crate::error::ApiError;
use crate::faults::Faults;
use crate::shared::Shared;

/// What the API answers is not known, beyond that it is an object.
pub(crate) async fn ping(State(shared): State<Arc<Shared>>) -> Response {
    let account_id = shared.store().account_id().to_string();
    json_response(&json!({ "status": "success", "details": { "type": "ping", "account_id": account_id } }))
}

pub(crate) async fn unknown_path(uri: Uri) -> Response {
    response::error(&ApiError::new(404, "not_found", format!("There is nothing at {}.", uri.path())))
}

pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{} can't be called with {method}.", uri.path());
    response::error(&ApiError::new(405, "method_not_allowed", message))
}

/// With what it has counted so far, for those who make load.
pub(crate) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let store = shared.store();
    let (runs, spans, replayed) = (store.instances().len(), store.span_count(), store.replayed());
    drop(store);
    json_response(&json!({ "status": "ok", "runs": runs, "spans": spans, "replayed": replayed }))
}

pub(crate) async fn show_faults(State(shared): State<Arc<Shared>>) -> Response {
    faults_response(&shared.injector.faults())
}

pub(crate) async fn set_faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match Faults::from_json(&body) {
        Ok(faults) => {
            shared.set_faults(faults.clone());
            faults_response(&faults)
        }
        Err(error) => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            response::error(&ApiError::bad_request(format!("{error}{source}")))
        }
    }
}

pub(crate) async fn clear_faults(State(shared): State<Arc<Shared>>) -> Response {
    shared.set_faults(Faults::new());
    faults_response(&Faults::new())
}

fn faults_response(faults: &Faults) -> Response {
    match serde_json::to_vec(faults) {
        Ok(body) => response::json(200, body),
        Err(_) => response::error(&ApiError::of_status(500)),
    }
}

fn json_response(value: &serde_json::Value) -> Response {
    response::json(200, value.to_string().into_bytes())
}
