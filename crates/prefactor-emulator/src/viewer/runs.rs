//! The list of runs, newest first: filtered, searched, and cut into the pages the page scrolls through.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::json;
use crate::shared::Shared;
use crate::status::{AgentStatus, InstanceStatus};
use crate::store::{Agent, Instance, Store};

const MAX_LIMIT: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
    status: Option<InstanceStatus>,
    agent: Option<String>,
    search: Option<String>,
}

#[derive(Debug, Serialize)]
struct Page<'a> {
    /// How many runs the filter leaves.
    total: usize,
    /// How many there are in each status, whatever status is asked for.
    by_status: BTreeMap<&'static str, usize>,
    runs: Vec<Run<'a>>,
}

/// What is shown of a run before it is opened. Times are microseconds since 1970, which JavaScript counts exactly.
#[derive(Debug, Serialize)]
pub(super) struct Run<'a> {
    id: Pfid,
    agent_id: Pfid,
    agent: Option<&'a str>,
    version: Option<&'a str>,
    external_identifier: Option<&'a str>,
    purpose: &'static str,
    status: InstanceStatus,
    inserted_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    spans: u64,
    active: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct AgentRow<'a> {
    id: Pfid,
    name: &'a str,
    status: AgentStatus,
    runs: usize,
    active: usize,
}

pub(super) async fn list(State(shared): State<Arc<Shared>>, Query(filter): Query<Filter>) -> Response {
    let store = shared.store();
    let names = AgentNames::of(&store);
    let agent: Option<Option<Pfid>> = filter.agent.as_deref().map(|id| id.parse().ok());
    let search = filter.search.as_deref().map(str::trim).filter(|search| !search.is_empty());
    let limit = filter.limit.unwrap_or(100).min(MAX_LIMIT);

    let mut page = Page { total: 0, by_status: BTreeMap::new(), runs: Vec::new() };
    for run in store.instances().iter().rev() {
        let is_wanted = agent.is_none_or(|id| id == Some(run.agent_id))
            && search.is_none_or(|text| is_found(text, run, names.get(run.agent_id)));
        if !is_wanted {
            continue;
        }
        *page.by_status.entry(run.status.as_str()).or_default() += 1;
        if filter.status.is_none_or(|status| status == run.status) {
            if page.total >= filter.offset && page.runs.len() < limit {
                page.runs.push(Run::of(run, names.get(run.agent_id)));
            }
            page.total += 1;
        }
    }
    json(&page)
}

/// All agents with their runs counted in one pass.
pub(super) async fn agents(State(shared): State<Arc<Shared>>) -> Response {
    let store = shared.store();
    let mut counts: FxHashMap<Pfid, (usize, usize)> = FxHashMap::default();
    for run in store.instances() {
        let (runs, active) = counts.entry(run.agent_id).or_default();
        *runs += 1;
        *active += usize::from(run.status == InstanceStatus::Active);
    }
    let rows: Vec<_> = store
        .agents()
        .iter()
        .filter(|agent| !agent.is_deleted())
        .map(|agent| {
            let (runs, active) = counts.get(&agent.id).copied().unwrap_or_default();
            AgentRow { id: agent.id, name: &agent.name, status: agent.status, runs, active }
        })
        .collect();
    json(&rows)
}

/// The names of all agents, found by their ids.
pub(super) struct AgentNames<'a>(FxHashMap<Pfid, &'a Agent>);

impl<'a> AgentNames<'a> {
    pub(super) fn of(store: &'a Store) -> Self {
        Self(store.agents().iter().map(|agent| (agent.id, agent)).collect())
    }

    pub(super) fn get(&self, id: Pfid) -> Option<&'a str> {
        self.0.get(&id).map(|agent| agent.name.as_str())
    }
}

impl<'a> Run<'a> {
    pub(super) fn of(run: &'a Instance, agent: Option<&'a str>) -> Self {
        Self {
            id: run.id,
            agent_id: run.agent_id,
            agent,
            version: run.version.name.as_deref().or(run.version.external_identifier.as_deref()),
            external_identifier: run.external_identifier.as_deref(),
            purpose: run.purpose.as_str(),
            status: run.status,
            inserted_at: run.inserted_at.timestamp_micros(),
            started_at: micros(run.started_at),
            finished_at: micros(run.finished_at),
            spans: run.span_counts.total(),
            active: run.span_counts.active,
            failed: run.span_counts.failed,
        }
    }
}

pub(super) fn micros(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_micros())
}

fn is_found(text: &str, run: &Instance, agent: Option<&str>) -> bool {
    let texts = [
        agent,
        run.version.name.as_deref(),
        run.version.external_identifier.as_deref(),
        run.external_identifier.as_deref(),
        run.termination_reason.as_deref(),
    ];
    // An id is pasted: a part from its middle would be found everywhere.
    texts.into_iter().flatten().any(|known| contains(known, text)) || run.id.to_string().starts_with(text)
}

/// Whether a text is in another, in whatever case as far as ASCII goes.
fn contains(haystack: &str, needle: &str) -> bool {
    haystack.as_bytes().windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_looks_past_case() {
        assert!(contains("Research Agent", "arch ag"));
        assert!(contains("Écrivain", "Écri"));
        assert!(!contains("short", "a longer text"));
    }
}
