//! The lists: filtered, sorted, cut into pages.

use std::cmp::Ordering;

use super::Store;
use crate::answer::{self, View};
use crate::error::ApiError;
use crate::params::list::{Direction, List, SortField, SortKeys};
use crate::read::Text;

impl Store {
    pub(super) fn list_instances(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let agent = match params.agent_id.as_deref() {
            Some(id) => Some(self.agents[self.agent_of(Some(id))?].id),
            None => None,
        };
        let wanted = self.instances.iter().filter(|instance| agent.is_none_or(|id| instance.agent_id == id));
        let keys = |instance: &super::Instance| SortKeys {
            id: instance.id,
            name: "",
            inserted_at: instance.inserted_at,
            updated_at: instance.updated_at,
            started_at: instance.started_at,
            finished_at: instance.finished_at,
        };
        write_page(params, wanted.collect(), (SortField::OF_RUNS, keys), out, answer::instance)
    }

    pub(super) fn list_spans(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let instance = self.instance_of(params.agent_instance_id.as_deref())?;
        let keys = |span: &super::Span| SortKeys {
            id: span.id,
            name: "",
            inserted_at: span.inserted_at,
            updated_at: span.finish.as_ref().map_or(span.inserted_at, |finish| finish.updated_at),
            started_at: span.started_at,
            finished_at: span.finish.as_ref().map_or(span.finished_at, |finish| Some(finish.finished_at)),
        };
        // A span that has not started counts from its creation.
        let is_within = |span: &&super::Span| {
            let at = span.started_at.unwrap_or(span.inserted_at);
            params.start_time.is_none_or(|start| at >= start.0)
                && params.end_time.is_none_or(|end| at < end.0)
        };
        let wanted = self.spans_of(instance).filter(is_within).collect();
        let owner = &self.instances[instance];
        write_page(params, wanted, (SortField::OF_RUNS, keys), out, |out, span| {
            answer::span(out, span, owner, View::AsItIs);
        })
    }

    pub(super) fn list_agents(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let is_wanted = |agent: &&super::Agent| {
            !agent.is_deleted()
                && matches(params.owner_person_id.as_ref(), agent.owner_person_id.as_deref())
                && matches(params.risk_profile_id.as_ref(), agent.risk_profile_id.as_deref())
                && matches(params.team_id.as_ref(), agent.team_id.as_deref())
        };
        let wanted = self.agents.iter().filter(is_wanted).collect();
        fn keys(agent: &super::Agent) -> SortKeys<'_> {
            SortKeys {
                id: agent.id,
                name: &agent.name,
                inserted_at: agent.inserted_at,
                updated_at: agent.updated_at,
                started_at: None,
                finished_at: None,
            }
        }
        write_page(params, wanted, (SortField::OF_AGENTS, keys), out, |out, agent| {
            answer::agent(out, agent, &self.instance_counts(agent.id));
        })
    }
}

/// What is asked for by `null`, a text in query strings, is what has none.
fn matches(asked: Option<&Text<'_>>, known: Option<&str>) -> bool {
    asked.is_none_or(|asked| if &**asked == "null" { known.is_none() } else { known == Some(&**asked) })
}

/// The sort is stable, so things of the same time stay in the order in which they arrived (or in its reverse).
fn write_page<'t, T>(
    params: &List<'_>,
    mut items: Vec<&'t T>,
    (sortable, keys): (&[SortField], impl Fn(&'t T) -> SortKeys<'t>),
    out: &mut Vec<u8>,
    mut entry: impl FnMut(&mut Vec<u8>, &T),
) -> Result<(), ApiError> {
    let page = params.page()?;
    let (field, direction) = params.sorting(sortable)?;
    if direction == Direction::Desc {
        items.reverse();
    }
    items.sort_by(|a, b| {
        let order: Ordering = keys(a).compare(&keys(b), field);
        if direction == Direction::Desc { order.reverse() } else { order }
    });
    let start = page.offset.min(items.len());
    let end = page.offset.saturating_add(page.size).min(items.len());
    answer::page(out, &items[start..end], items.len(), page, (field, direction), |out, item| {
        entry(out, item)
    });
    Ok(())
}
