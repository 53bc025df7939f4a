//! Instances: the runs of agents.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde_json::value::RawValue;

use super::{Store, Version};
use crate::action::Scope;
use crate::error::ApiError;
use crate::params::instances::{
    FinishInstance, Purpose, RecordQuality, Register, ShowInstance, StartInstance, owned, span_titles,
};
use crate::rules;
use crate::status::{AgentStatus, InstanceStatus, SpanStatus};

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: Pfid,
    pub(crate) account_id: Pfid,
    pub(crate) agent_id: Pfid,
    pub(crate) agent_deployment_id: Pfid,
    pub(crate) environment_id: Pfid,
    pub(crate) version: Version,
    pub(crate) schema_version: Option<Box<RawValue>>,
    /// Titles of span types by their names.
    pub(crate) titles: HashMap<String, String>,
    pub(crate) status: InstanceStatus,
    pub(crate) inserted_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) termination_reason: Option<String>,
    pub(crate) external_identifier: Option<String>,
    pub(crate) purpose: Purpose,
    pub(crate) qualities: BTreeMap<String, Box<RawValue>>,
    pub(crate) span_counts: SpanCounts,
    /// Where its spans stand, in the order in which they arrived.
    pub(crate) spans: Vec<usize>,
    pub(crate) registered_sequence: u64,
    pub(crate) started_sequence: Option<u64>,
    pub(crate) finished_sequence: Option<u64>,
}

/// How many spans of an instance stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Announced, not started.
    pub pending: u64,
    /// Started, not finished.
    pub active: u64,
    /// Ended well.
    pub complete: u64,
    /// Ended in an error.
    pub failed: u64,
    /// Called off.
    pub cancelled: u64,
}

impl SpanCounts {
    /// All spans.
    pub const fn total(&self) -> u64 {
        self.pending + self.active + self.finished()
    }

    /// The spans that have ended one way or another.
    pub const fn finished(&self) -> u64 {
        self.complete + self.failed + self.cancelled
    }

    pub(super) fn of(&mut self, status: SpanStatus) -> &mut u64 {
        match status {
            SpanStatus::Pending => &mut self.pending,
            SpanStatus::Active => &mut self.active,
            SpanStatus::Complete => &mut self.complete,
            SpanStatus::Failed => &mut self.failed,
            SpanStatus::Cancelled => &mut self.cancelled,
        }
    }
}

impl Store {
    pub(super) fn register_instance(
        &mut self,
        params: &Register<'_>,
        scope: Scope,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let agent = match (params.agent_id.as_deref(), scope) {
            (Some(id), _) => self.agent_of(Some(id))?,
            (None, Scope::Deployment) => self.default_agent,
            (None, Scope::Account) => return Err(ApiError::required("agent_id")),
        };
        if params.environment_id.as_deref().is_some_and(|id| id.parse() != Ok(self.environment_id)) {
            return Err(ApiError::not_found("environment"));
        }
        if self.agents[agent].status == AgentStatus::Retired {
            return Err(ApiError::invalid_action("The agent is retired."));
        }
        let id = match params.id {
            Some(id) => {
                let id = rules::check_chosen_id(id.0, self.ids.partition())?;
                if self.policy.ignored_ids.instances { self.ids.next() } else { id }
            }
            None => self.ids.next(),
        };
        if self.instance_index.contains_key(&id) {
            return Err(ApiError::conflict("There is an instance of this id already."));
        }
        let agent_id = self.agents[agent].id;
        let external_identifier = params.external_identifier.as_deref().map(str::to_owned);
        let identifier = external_identifier.clone().map(|identifier| (agent_id, identifier));
        if identifier.as_ref().is_some_and(|identifier| self.identifiers.contains(identifier)) {
            return Err(ApiError::conflict("The agent has an instance of this external_identifier already."));
        }
        let titles = params.agent_schema_version.as_ref().map(span_titles).transpose()?.unwrap_or_default();

        let makes_current = params.update_current_version.unwrap_or(true);
        let version = self.version_for(agent, params.agent_version.as_ref().map(|v| &v.0), makes_current);
        let agent = &mut self.agents[agent];
        if agent.status == AgentStatus::Pending {
            agent.status = AgentStatus::Active;
        }
        let agent_deployment_id = agent.deployment_id;
        let index = self.instances.len();
        let registered_sequence = self.next_sequence();
        self.instance_index.insert(id, index);
        self.identifiers.extend(identifier);
        self.instances.push(Instance {
            id,
            account_id: self.account_id,
            agent_id,
            agent_deployment_id,
            environment_id: self.environment_id,
            version,
            schema_version: owned(params.agent_schema_version.as_ref()),
            titles,
            status: InstanceStatus::Pending,
            inserted_at: now,
            updated_at: now,
            started_at: None,
            finished_at: None,
            termination_reason: None,
            external_identifier,
            purpose: params.purpose.unwrap_or(Purpose::Live),
            qualities: BTreeMap::new(),
            span_counts: SpanCounts::default(),
            spans: Vec::new(),
            registered_sequence,
            started_sequence: None,
            finished_sequence: None,
        });
        Ok(index)
    }

    pub(super) fn start_instance(
        &mut self,
        params: &StartInstance<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.instance_of(params.agent_instance_id.as_deref())?;
        let status = rules::start_instance(self.instances[index].status)?;
        let sequence = self.next_sequence();
        let instance = &mut self.instances[index];
        instance.status = status;
        instance.started_at = Some(params.timestamp.map_or(now, |at| at.0));
        instance.updated_at = now;
        instance.started_sequence = Some(sequence);
        Ok(index)
    }

    pub(super) fn finish_instance(
        &mut self,
        params: &FinishInstance<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.instance_of(params.agent_instance_id.as_deref())?;
        let status = rules::finish_instance(
            self.instances[index].status,
            params.status.unwrap_or_default(),
            self.policy.cancel,
        )?;
        let sequence = self.next_sequence();
        let instance = &mut self.instances[index];
        instance.status = status;
        instance.finished_at = Some(params.timestamp.map_or(now, |at| at.0));
        instance.updated_at = now;
        instance.finished_sequence = Some(sequence);
        self.forget_beyond(index);
        Ok(index)
    }

    pub(super) fn record_quality(
        &mut self,
        params: &RecordQuality<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.instance_of(params.agent_instance_id.as_deref())?;
        rules::check_not_blank("name", &params.name)?;
        self.next_sequence();
        let instance = &mut self.instances[index];
        match owned(params.payload.as_ref()) {
            Some(payload) => instance.qualities.insert(params.name.to_string(), payload),
            None => instance.qualities.remove(&*params.name),
        };
        instance.updated_at = now;
        Ok(index)
    }

    pub(crate) fn terminate_instance(
        &mut self,
        index: usize,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), ApiError> {
        let now = self.moment(now);
        let status = rules::terminate_instance(self.instances[index].status)?;
        let sequence = self.next_sequence();
        let instance = &mut self.instances[index];
        instance.status = status;
        instance.termination_reason = Some(reason.to_owned());
        instance.finished_at = Some(now);
        instance.updated_at = now;
        instance.finished_sequence = Some(sequence);
        self.forget_beyond(index);
        Ok(())
    }

    pub(super) fn find_instance(&self, params: &ShowInstance<'_>) -> Result<usize, ApiError> {
        self.instance_of(params.agent_instance_id.as_deref())
    }

    /// A text that is no PFID at all names no instance either.
    pub(super) fn instance_of(&self, id: Option<&str>) -> Result<usize, ApiError> {
        let id = id.ok_or_else(|| ApiError::required("agent_instance_id"))?;
        let index = id.parse().ok().and_then(|id| self.instance_at(id));
        index.ok_or_else(|| ApiError::not_found("agent instance"))
    }
}
