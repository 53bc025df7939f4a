//! The lists: filtered, sorted, cut into pages.

use std::cmp::Ordering;

use super::Store;
use crate::answer::{self, View};
use crate::error::ApiError;
use crate::params::list::{Direction, List, Times};

impl Store {
    pub(super) fn list_instances(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let agent = match params.agent_id.as_deref() {
            Some(id) => Some(self.agents[self.agent_of(Some(id))?].id),
            None => None,
        };
        let wanted = self.instances.iter().filter(|instance| agent.is_none_or(|id| instance.agent_id == id));
        let times = |instance: &super::Instance| Times {
            inserted_at: instance.inserted_at,
            updated_at: instance.updated_at,
            started_at: instance.started_at,
            finished_at: instance.finished_at,
        };
        write_page(params, wanted.collect(), times, out, answer::instance)
    }

    pub(super) fn list_spans(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let instance = self.instance_of(params.agent_instance_id.as_deref())?;
        let times = |span: &super::Span| Times {
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
        write_page(params, wanted, times, out, |out, span| answer::span(out, span, owner, View::AsItIs))
    }

    pub(super) fn list_agents(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let wanted = self.agents.iter().filter(|agent| !agent.is_deleted());
        let times = |agent: &super::Agent| Times {
            inserted_at: agent.inserted_at,
            updated_at: agent.updated_at,
            started_at: None,
            finished_at: None,
        };
        write_page(params, wanted.collect(), times, out, |out, agent| {
            answer::agent(out, agent, &self.instance_counts(agent.id));
        })
    }
}

/// The sort is stable, so things of the same time stay in the order in which they arrived (or in its reverse).
fn write_page<T>(
    params: &List<'_>,
    mut items: Vec<&T>,
    times: impl Fn(&T) -> Times,
    out: &mut Vec<u8>,
    mut entry: impl FnMut(&mut Vec<u8>, &T),
) -> Result<(), ApiError> {
    let page = params.page()?;
    let (field, direction) = params.sorting()?;
    if direction == Direction::Desc {
        items.reverse();
    }
    items.sort_by(|a, b| {
        let order: Ordering = times(a).by(field).cmp(&times(b).by(field));
        if direction == Direction::Desc { order.reverse() } else { order }
    });
    let start = page.offset.min(items.len());
    let end = page.offset.saturating_add(page.size).min(items.len());
    answer::page(out, &items[start..end], items.len(), page, (field, direction), |out, item| {
        entry(out, item)
    });
    Ok(())
}
