//! The lists: what is in them, in which order, cut into pages.

use super::cut::{self, Numbers, SortKey, Sortable};
use super::{Agent, Instance, Span, Store};
use crate::answer::{self, View};
use crate::error::ApiError;
use crate::params::list::{List, SortField};
use crate::read::Text;

impl Store {
    pub(super) fn list_instances(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let all = self.instances.len();
        let wanted = match params.agent_id.as_deref() {
            Some(id) => {
                let agent = self.agents[self.agent_of(Some(id))?].id;
                Numbers::Some((0..all).filter(|number| self.instances[*number].agent_id == agent).collect())
            }
            None => Numbers::All(all),
        };
        let instance = |number: usize| &self.instances[number];
        write_page(params, &wanted, (SortField::OF_RUNS, instance), out, answer::instance)
    }

    pub(super) fn list_spans(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let owner = &self.instances[self.instance_of(params.agent_instance_id.as_deref())?];
        let span = |number: usize| &self.spans[owner.spans[number]];
        let all = owner.spans.len();
        // A span that has not started counts from its creation.
        let is_within = |number: &usize| {
            let at = span(*number).started_at.unwrap_or(span(*number).inserted_at);
            params.start_time.is_none_or(|start| at >= start.0)
                && params.end_time.is_none_or(|end| at < end.0)
        };
        let wanted = match (params.start_time, params.end_time) {
            (None, None) => Numbers::All(all),
            _ => Numbers::Some((0..all).filter(is_within).collect()),
        };
        write_page(params, &wanted, (SortField::OF_RUNS, span), out, |out, span| {
            answer::span(out, span, owner, View::AsItIs);
        })
    }

    pub(super) fn list_agents(&self, params: &List<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let agent = |number: usize| &self.agents[number];
        let is_wanted = |number: &usize| {
            let agent = agent(*number);
            !agent.is_deleted()
                && matches(params.owner_person_id.as_ref(), agent.owner_person_id.as_deref())
                && matches(params.risk_profile_id.as_ref(), agent.risk_profile_id.as_deref())
                && matches(params.team_id.as_ref(), agent.team_id.as_deref())
        };
        let wanted = Numbers::Some((0..self.agents.len()).filter(is_wanted).collect());
        write_page(params, &wanted, (SortField::OF_AGENTS, agent), out, |out, agent| {
            answer::agent(out, agent, &self.instance_counts(agent.id));
        })
    }
}

impl Sortable for Instance {
    fn key(&self, field: SortField) -> SortKey<'_> {
        match field {
            SortField::Id => SortKey::Id(self.id),
            SortField::Name => SortKey::Text(""),
            SortField::Inserted => SortKey::Moment(Some(self.inserted_at)),
            SortField::Updated => SortKey::Moment(Some(self.updated_at)),
            SortField::Started => SortKey::Moment(self.started_at),
            SortField::Finished => SortKey::Moment(self.finished_at),
        }
    }
}

impl Sortable for Span {
    fn key(&self, field: SortField) -> SortKey<'_> {
        let finish = self.finish.as_ref();
        match field {
            SortField::Id => SortKey::Id(self.id),
            SortField::Name => SortKey::Text(""),
            SortField::Inserted => SortKey::Moment(Some(self.inserted_at)),
            SortField::Updated => {
                SortKey::Moment(Some(finish.map_or(self.inserted_at, |finish| finish.updated_at)))
            }
            SortField::Started => SortKey::Moment(self.started_at),
            SortField::Finished => {
                SortKey::Moment(finish.map_or(self.finished_at, |finish| Some(finish.finished_at)))
            }
        }
    }
}

impl Sortable for Agent {
    fn key(&self, field: SortField) -> SortKey<'_> {
        match field {
            SortField::Id => SortKey::Id(self.id),
            SortField::Name => SortKey::Text(&self.name),
            SortField::Inserted => SortKey::Moment(Some(self.inserted_at)),
            SortField::Updated => SortKey::Moment(Some(self.updated_at)),
            SortField::Started | SortField::Finished => SortKey::Moment(None),
        }
    }
}

/// What is asked for by `null`, a text in query strings, is what has none.
fn matches(asked: Option<&Text<'_>>, known: Option<&str>) -> bool {
    asked.is_none_or(|asked| if &**asked == "null" { known.is_none() } else { known == Some(&**asked) })
}

fn write_page<'t, T: Sortable + 't>(
    params: &List<'_>,
    wanted: &Numbers,
    (sortable, thing): (&[SortField], impl Fn(usize) -> &'t T),
    out: &mut Vec<u8>,
    mut entry: impl FnMut(&mut Vec<u8>, &T),
) -> Result<(), ApiError> {
    let page = params.page()?;
    let order = params.sorting(sortable)?;
    let shown = cut::cut(wanted, page, order, &thing);
    answer::page(out, &shown, wanted.len(), page, order, |out, number| entry(out, thing(*number)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use prefactor_pfid::Partition;
    use serde_json::Value;

    use super::*;
    use crate::action::{Action, ActionName, Scope};
    use crate::call;
    use crate::read;
    use crate::store::{Call, Ids};

    #[test]
    fn a_clock_that_goes_back_changes_no_order() {
        let noon: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut store = Store::new(Ids::new(Partition::new(7).unwrap()), noon);
        let mut answer = |seconds, scope, action| {
            let mut out = Vec::new();
            let now = noon + TimeDelta::seconds(seconds);
            store.apply(Call { action, key: None, scope, now }, &mut out).unwrap();
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        for seconds in [5, 3, 9, -60] {
            let (action, _) = call::read(ActionName::RegisterInstance, None, b"").unwrap();
            answer(seconds, Scope::Deployment, action);
        }

        let list = Action::ListInstances(read::object(b"{}").unwrap());
        let listed = answer(0, Scope::Account, list);

        let runs = listed["summaries"].as_array().unwrap();
        let times: Vec<_> = runs.iter().map(|run| run["inserted_at"].as_str().unwrap()).collect();
        assert_eq!(times.len(), 4);
        assert!(times.is_sorted(), "{times:?}");
    }
}
