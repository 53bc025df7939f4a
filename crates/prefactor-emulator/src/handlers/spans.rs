//! The span endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, Scope};
use crate::params::list;
use crate::params::spans::{CreateSpan, FinishSpan};
use crate::read::{self, Text};
use crate::shared::Shared;

/// The key may stand beside `details` or inside; beside wins.
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    let action = read::body::<CreateSpan<'_>>(&body).map(|mut params| {
        let inside = params.details.0.idempotency_key.take();
        let key = params.idempotency_key.take().or(inside);
        (Action::CreateSpan(params), key)
    });
    shared.respond(scope, action)
}

pub(crate) async fn finish(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let action = read::body::<FinishSpan<'_>>(&body).map(|mut params| {
        params.agent_span_id = Some(Text::from(&*id));
        let key = params.idempotency_key.take();
        (Action::FinishSpan(params), key)
    });
    shared.respond(scope, action)
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.respond(scope, read::object(&query).map(|params| (Action::ListSpans(params), None)))
}
