//! Many actions in one request: in order, each on its own, until the first that errors.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::Utc;

use super::response;
use crate::action::Scope;
use crate::answer::{self, ObjectWriter};
use crate::params::bulk::{self, Item};
use crate::shared::Shared;
use crate::store::Call;

/// Room for the answer to one item, so that the buffer seldom grows.
const ANSWER_BYTES: usize = 1024;

pub(crate) async fn bulk(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    match bulk::items(&body) {
        Ok(items) => response::json(200, process(&shared, scope, items)),
        Err(error) => response::error(&error),
    }
}

/// An item that was not reached has no output.
fn process(shared: &Shared, scope: Scope, items: Vec<Item<'_>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.len() * ANSWER_BYTES);
    let mut object = ObjectWriter::open(&mut out);
    object.text("status", "success");
    let mut outputs = object.object("outputs");
    let mut store = shared.store();
    for Item { key, action } in items {
        let output = outputs.field(&key);
        let done = action
            .and_then(|action| store.apply(Call { action, key: Some(key), scope, now: Utc::now() }, output));
        if let Err(error) = done {
            answer::error(output, &error);
            break;
        }
    }
    drop(store);
    outputs.close();
    object.close();
    out
}
