//! The instance endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, Scope};
use crate::params::instances::{
    FinishInstance, RecordQuality, Register, ShowInstance, StartInstance, TerminateInstance,
};
use crate::params::list;
use crate::read::{self, Text};
use crate::shared::Shared;

pub(crate) async fn register(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    let action = read::body::<Register<'_>>(&body).map(|mut params| {
        let key = params.idempotency_key.take();
        (Action::RegisterInstance(params), key)
    });
    shared.respond(scope, action)
}

/// A call on the instance of the path: the path's id takes the place of one in the body.
macro_rules! instance_call {
    ($handler:ident, $params:ident) => {
        pub(crate) async fn $handler(
            State(shared): State<Arc<Shared>>,
            Extension(scope): Extension<Scope>,
            Path(id): Path<String>,
            body: Bytes,
        ) -> Response {
            let action = read::body::<$params<'_>>(&body).map(|mut params| {
                params.agent_instance_id = Some(Text::from(&*id));
                let key = params.idempotency_key.take();
                (Action::$params(params), key)
            });
            shared.respond(scope, action)
        }
    };
}

instance_call!(start, StartInstance);
instance_call!(finish, FinishInstance);
instance_call!(record_quality, RecordQuality);
instance_call!(terminate, TerminateInstance);

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Response {
    let params = ShowInstance { agent_instance_id: Some(Text::from(&*id)) };
    shared.respond(scope, Ok((Action::ShowInstance(params), None)))
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.respond(scope, read::object(&query).map(|params| (Action::ListInstances(params), None)))
}
