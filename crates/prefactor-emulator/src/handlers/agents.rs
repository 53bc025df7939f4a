//! The agent endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, Scope};
use crate::error::ApiError;
use crate::params::agents::{NamedAgent, WriteAgent};
use crate::params::list;
use crate::read::{self, Text};
use crate::shared::Shared;

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    let action = wrapped(&body).map(|mut params| {
        let key = params.idempotency_key.take();
        (Action::CreateAgent(params.into_details()), key)
    });
    shared.respond(scope, action)
}

pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let action = wrapped(&body).map(|mut params| {
        let key = params.idempotency_key.take();
        (Action::UpdateAgent(Some(Text::from(&*id)), params.into_details()), key)
    });
    shared.respond(scope, action)
}

/// Single calls put everything under `details`.
fn wrapped(body: &[u8]) -> Result<WriteAgent<'_>, ApiError> {
    let params: WriteAgent<'_> = read::body(body)?;
    if params.details.is_some() { Ok(params) } else { Err(ApiError::required("details")) }
}

/// A call on the agent of the path.
macro_rules! agent_call {
    ($handler:ident, $action:ident) => {
        pub(crate) async fn $handler(
            State(shared): State<Arc<Shared>>,
            Extension(scope): Extension<Scope>,
            Path(id): Path<String>,
            body: Bytes,
        ) -> Response {
            let action = read::body::<NamedAgent<'_>>(&body).map(|mut params| {
                params.agent_id = Some(Text::from(&*id));
                let key = params.idempotency_key.take();
                (Action::$action(params), key)
            });
            shared.respond(scope, action)
        }
    };
}

agent_call!(retire, RetireAgent);
agent_call!(reinstate, ReinstateAgent);
agent_call!(delete, DeleteAgent);
agent_call!(show, ShowAgent);

pub(crate) async fn show_by_query(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.respond(scope, read::object(&query).map(|params| (Action::ShowAgent(params), None)))
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.respond(scope, read::object(&query).map(|params| (Action::ListAgents(params), None)))
}
