//! Ends a run, as an operator of the whole account may.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{ActionName, Scope};
use crate::shared::Shared;

pub(super) async fn terminate(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    shared.call(Scope::Account, ActionName::TerminateInstance, Some(&id), body).await
}
