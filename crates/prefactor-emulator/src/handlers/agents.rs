//! The agent endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, ActionName, Scope};
use crate::params::agents::NamedAgent;
use crate::params::list;
use crate::read::{self, Text};
use crate::shared::Shared;

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    shared.call(scope, ActionName::CreateAgent, None, body).await
}

/// A call on the agent of the path.
macro_rules! agent_call {
    ($handler:ident, $name:ident) => {
        pub(crate) async fn $handler(
            State(shared): State<Arc<Shared>>,
            Extension(scope): Extension<Scope>,
            Path(id): Path<String>,
            body: Bytes,
        ) -> Response {
            shared.call(scope, ActionName::$name, Some(&id), body).await
        }
    };
}

agent_call!(update, UpdateAgent);
agent_call!(retire, RetireAgent);
agent_call!(reinstate, ReinstateAgent);
agent_call!(delete, DeleteAgent);

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Response {
    let agent_id = Some(Text::from(&*id));
    let params = NamedAgent { agent_id, external_identifier: None, idempotency_key: None };
    shared.read(scope, Ok(Action::ShowAgent(params))).await
}

pub(crate) async fn show_by_query(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.read(scope, read::object(&query).map(Action::ShowAgent)).await
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.read(scope, read::object(&query).map(Action::ListAgents)).await
}
