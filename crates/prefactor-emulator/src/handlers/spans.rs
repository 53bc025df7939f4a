//! The span endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, ActionName, Scope};
use crate::params::list;
use crate::read;
use crate::shared::Shared;

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    shared.call(scope, ActionName::CreateSpan, None, body).await
}

pub(crate) async fn finish(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    shared.call(scope, ActionName::FinishSpan, Some(&id), body).await
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.read(scope, read::object(&query).map(Action::ListSpans)).await
}
