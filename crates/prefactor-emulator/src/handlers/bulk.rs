//! Many actions in one request: in order, each on its own, until the first that errors.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::response;
use crate::action::Scope;
use crate::answer::{self, ObjectWriter};
use crate::params::bulk::{self, Item};
use crate::shared::{Request, Shared};
use crate::store::{Call, Store};

/// Room for the answer to one item, so that the buffer seldom grows.
const ANSWER_BYTES: usize = 1024;

pub(crate) async fn bulk(
    State(shared): State<Arc<Shared>>,
    Extension(scope): Extension<Scope>,
    body: Bytes,
) -> Response {
    let answer = match bulk::items(&body) {
        Ok(items) => {
            if let Err(refusal) = shared.injector.admit(items.len()) {
                return response::refused(refusal);
            }
            let request = Request { scope, name: None, target: None, body: &body };
            response::json(200, shared.work(request, |store, now| process(store, scope, items, now)))
        }
        Err(error) => return response::error(&error),
    };
    shared.settled(answer).await
}

/// An item that was not reached has no output.
pub(crate) fn process(store: &mut Store, scope: Scope, items: Vec<Item<'_>>, now: DateTime<Utc>) -> Vec<u8> {
    let mut out = Vec::with_capacity(items.len() * ANSWER_BYTES);
    let mut object = ObjectWriter::open(&mut out);
    object.text("status", "success");
    let mut outputs = object.object("outputs");
    for Item { key, action } in items {
        let output = outputs.entry(&key);
        let done = action.and_then(|action| store.apply(Call { action, key: Some(key), scope, now }, output));
        if let Err(error) = done {
            answer::error(output, &error);
            break;
        }
    }
    outputs.close();
    object.close();
    out
}
