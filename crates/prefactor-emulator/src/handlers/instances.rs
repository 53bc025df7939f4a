//! The instance endpoints.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, ActionName, Scope};
use crate::params::instances::ShowInstance;
use crate::params::list;
use crate::read::{self, Text};
use crate::shared::Shared;

pub(crate) async fn register(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    shared.call(scope, ActionName::RegisterInstance, None, body).await
}

/// A call on the instance of the path.
macro_rules! instance_call {
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
    shared.read(scope, Ok(Action::ShowInstance(params))).await
}

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let query = list::query_object(pairs);
    shared.read(scope, read::object(&query).map(Action::ListInstances)).await
}
