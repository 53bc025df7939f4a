//! One run: what it is, its spans as rows of the waterfall, and a single span with everything in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use prefactor_pfid::Pfid;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cursor::Cursor;
use super::json;
use super::runs::{AgentNames, Run, micros};
use crate::answer::{self, View};
use crate::error::ApiError;
use crate::handlers::response;
use crate::shared::Shared;
use crate::store::{Instance, Span, Store};

/// So many rows at once: the store is locked while they are written, and a run may have a million.
const ROWS: usize = 20_000;

#[derive(Debug, Deserialize)]
pub(super) struct Since {
    /// What the last answer gave as its cursor.
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    run: Run<'a>,
    termination_reason: Option<&'a str>,
    titles: &'a HashMap<String, String>,
    qualities: &'a BTreeMap<String, Box<RawValue>>,
    /// New spans, and those that have changed since.
    rows: Vec<Row<'a>>,
    cursor: String,
    /// There are more rows to ask for at once.
    more: bool,
    /// The cursor was of another time: the page must forget the rows it has.
    restart: bool,
}

/// Written as a list, for there are many: id, parent, type, status, start, end.
#[derive(Debug, Serialize)]
struct Row<'a>(Pfid, Option<Pfid>, &'a str, &'static str, Option<i64>, Option<i64>);

impl<'a> Row<'a> {
    fn of(span: &'a Span) -> Self {
        let finished_at = span.finish.as_ref().map_or(span.finished_at, |finish| Some(finish.finished_at));
        Self(
            span.id,
            span.parent_span_id,
            &span.schema_name,
            span.status().as_str(),
            micros(span.started_at),
            micros(finished_at),
        )
    }
}

pub(super) async fn of_run(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(since): Query<Since>,
) -> Response {
    let after = match since.after.as_deref().map(str::parse::<Cursor>).transpose() {
        Ok(after) => after.unwrap_or_default(),
        Err(()) => {
            return response::error(&ApiError::bad_request("after must be a cursor of an earlier answer."));
        }
    };
    let store = shared.store();
    let index = id.parse().ok().and_then(|id| store.instance_at(id));
    let Some(index) = index else { return response::error(&ApiError::not_found("agent instance")) };
    let run = &store.instances()[index];

    let restart = after.position > run.spans.len() || after.sequence > store.sequence();
    let after = if restart { Cursor::default() } else { after };
    let (rows, cursor) = changes(&store, index, run, after);
    json(&Answer {
        run: Run::of(run, AgentNames::of(&store).get(run.agent_id)),
        termination_reason: run.termination_reason.as_deref(),
        titles: &run.titles,
        qualities: &run.qualities,
        rows,
        more: cursor.position < run.spans.len(),
        cursor: cursor.to_string(),
        restart,
    })
}

fn changes<'a>(store: &'a Store, index: usize, run: &Instance, after: Cursor) -> (Vec<Row<'a>>, Cursor) {
    let finished = run.span_counts.finished();
    let known = if finished == after.finished { 0 } else { after.position };
    let is_new = |span: &&Span| span.finish.as_ref().is_some_and(|finish| finish.sequence > after.sequence);
    let finishes = store.spans_of(index).take(known).filter(is_new);
    let created = store.spans_of(index).skip(after.position).take(ROWS);
    let rows = finishes.chain(created).map(Row::of).collect();
    let position = run.spans.len().min(after.position + ROWS);
    (rows, Cursor { position, sequence: store.sequence(), finished })
}

/// As the API shows it: sensitive values are redacted.
pub(super) async fn show(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let store = shared.store();
    let Some(span) = id.parse().ok().and_then(|id| store.span(id)) else {
        return response::error(&ApiError::not_found("agent span"));
    };
    let mut body = Vec::new();
    answer::span(&mut body, span, &store.instances()[span.instance], View::AsItIs);
    response::json(200, body)
}
