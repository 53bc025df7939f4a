//! Ends a run, as an operator of the whole account may.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;

use crate::action::{Action, Scope};
use crate::params::instances::TerminateInstance;
use crate::read::{self, Text};
use crate::shared::Shared;

pub(super) async fn terminate(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let action = read::body::<TerminateInstance<'_>>(&body).map(|mut params| {
        params.agent_instance_id = Some(Text::from(&*id));
        (Action::TerminateInstance(params), None)
    });
    shared.respond(Scope::Account, action)
}
