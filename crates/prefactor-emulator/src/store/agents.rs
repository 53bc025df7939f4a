//! Agents and their versions.

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde_json::value::RawValue;

use super::{InstanceCounts, Store};
use crate::error::ApiError;
use crate::params::agents::{AgentDetails, NamedAgent};
use crate::params::instances::{AgentVersion, owned};
use crate::rules;
use crate::status::AgentStatus;

#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) id: Pfid,
    pub(crate) account_id: Pfid,
    pub(crate) deployment_id: Pfid,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) external_identifier: Option<String>,
    pub(crate) owner_person_id: Option<String>,
    pub(crate) risk_profile_id: Option<String>,
    pub(crate) team_id: Option<String>,
    pub(crate) status: AgentStatus,
    pub(crate) inserted_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// A deleted agent keeps its place, so that indexes stay what they were.
    is_deleted: bool,
    versions: Vec<Version>,
    current_version: Option<usize>,
}

impl Agent {
    pub(crate) fn current_version(&self) -> Option<&Version> {
        self.current_version.map(|index| &self.versions[index])
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.is_deleted
    }
}

/// A version of an agent. Its external identifier tells it from others, or else its name.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: Pfid,
    pub(crate) name: Option<String>,
    pub(crate) external_identifier: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) runtime_environment: Option<Box<RawValue>>,
}

impl Store {
    /// Adds an agent without a request, for the one that is always there and those of the builder.
    pub(crate) fn add_agent(
        &mut self,
        id: Option<Pfid>,
        name: &str,
        external_identifier: Option<&str>,
        now: DateTime<Utc>,
    ) -> usize {
        let id = id.unwrap_or_else(|| self.ids.next());
        self.agents.push(Agent {
            id,
            account_id: self.account_id,
            deployment_id: self.ids.next(),
            name: name.to_owned(),
            description: None,
            external_identifier: external_identifier.map(str::to_owned),
            owner_person_id: None,
            risk_profile_id: None,
            team_id: None,
            status: AgentStatus::Pending,
            inserted_at: now,
            updated_at: now,
            is_deleted: false,
            versions: Vec::new(),
            current_version: None,
        });
        self.agents.len() - 1
    }

    /// Adds an agent by its id or by any other text, which becomes its `external_identifier` and its name.
    pub(crate) fn add_given_agent(&mut self, agent: &str, now: DateTime<Utc>) -> usize {
        let now = self.moment(now);
        match agent.parse::<Pfid>() {
            Ok(id) => self.add_agent(Some(id), agent, None, now),
            Err(_) => self.add_agent(None, agent, Some(agent), now),
        }
    }

    /// True when there is an agent of this id or `external_identifier`.
    pub(crate) fn has_agent(&self, agent: &str) -> bool {
        let id = agent.parse::<Pfid>().ok();
        self.agents
            .iter()
            .any(|known| Some(known.id) == id || known.external_identifier.as_deref() == Some(agent))
    }

    pub(super) fn create_agent(
        &mut self,
        details: &AgentDetails<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let name = details.name.as_deref().ok_or_else(|| ApiError::required("name"))?;
        rules::check_not_blank("name", name)?;
        let id = details.id.map(|id| rules::check_chosen_id(id.0, self.ids.partition())).transpose()?;
        let external_identifier = details.external_identifier.as_deref();
        let is_taken = |agent: &Agent| {
            Some(agent.id) == id
                || (external_identifier.is_some()
                    && agent.external_identifier.as_deref() == external_identifier)
        };
        if self.agents.iter().filter(|agent| !agent.is_deleted).any(is_taken) {
            return Err(ApiError::conflict("There is an agent of this id or external_identifier already."));
        }

        let index = self.add_agent(id, name, external_identifier, now);
        self.next_sequence();
        self.write_details(index, details);
        Ok(index)
    }

    pub(super) fn update_agent(
        &mut self,
        id: Option<&str>,
        details: &AgentDetails<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.agent_of(id)?;
        if let Some(name) = details.name.as_deref() {
            rules::check_not_blank("name", name)?;
        }
        let known = self.agents[index].external_identifier.as_deref();
        if details.external_identifier.as_deref().is_some_and(|asked| Some(asked) != known) {
            return Err(ApiError::field("external_identifier", "can't be changed"));
        }

        if let Some(name) = details.name.as_deref() {
            self.agents[index].name = name.to_owned();
        }
        self.write_details(index, details);
        self.next_sequence();
        self.agents[index].updated_at = now;
        Ok(index)
    }

    fn write_details(&mut self, index: usize, details: &AgentDetails<'_>) {
        let agent = &mut self.agents[index];
        let fields = [
            (&mut agent.description, &details.description),
            (&mut agent.owner_person_id, &details.owner_person_id),
            (&mut agent.risk_profile_id, &details.risk_profile_id),
            (&mut agent.team_id, &details.team_id),
        ];
        for (field, text) in fields {
            if let Some(text) = text.as_deref() {
                *field = Some(text.to_owned());
            }
        }
    }

    pub(super) fn retire_agent(
        &mut self,
        params: &NamedAgent<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.agent_of(params.agent_id.as_deref())?;
        let agent = &mut self.agents[index];
        agent.status = rules::retire_agent(agent.status)?;
        agent.updated_at = now;
        self.next_sequence();
        Ok(index)
    }

    pub(super) fn reinstate_agent(
        &mut self,
        params: &NamedAgent<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.agent_of(params.agent_id.as_deref())?;
        let has_run = self.instance_counts(self.agents[index].id).total() > 0;
        let agent = &mut self.agents[index];
        agent.status = rules::reinstate_agent(agent.status, has_run)?;
        agent.updated_at = now;
        self.next_sequence();
        Ok(index)
    }

    /// Only an agent that never ran can go, and never the one deployment-scoped tokens stand for.
    pub(super) fn delete_agent(
        &mut self,
        params: &NamedAgent<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let index = self.agent_of(params.agent_id.as_deref())?;
        if index == self.default_agent || self.instance_counts(self.agents[index].id).total() > 0 {
            return Err(ApiError::invalid_action("An agent in use can't be deleted."));
        }
        let agent = &mut self.agents[index];
        agent.is_deleted = true;
        agent.updated_at = now;
        self.next_sequence();
        Ok(index)
    }

    pub(super) fn find_agent(&self, params: &NamedAgent<'_>) -> Result<usize, ApiError> {
        match (params.agent_id.as_deref(), params.external_identifier.as_deref()) {
            (Some(id), _) => self.agent_of(Some(id)),
            (None, Some(identifier)) => {
                self.agent_where(|agent| agent.external_identifier.as_deref() == Some(identifier))
            }
            (None, None) => Err(ApiError::field("agent_id", "or external_identifier is required")),
        }
    }

    pub(super) fn agent_of(&self, id: Option<&str>) -> Result<usize, ApiError> {
        let id: Option<Pfid> = id.ok_or_else(|| ApiError::required("agent_id"))?.parse().ok();
        self.agent_where(|agent| Some(agent.id) == id)
    }

    fn agent_where(&self, is_wanted: impl Fn(&Agent) -> bool) -> Result<usize, ApiError> {
        let index = self.agents.iter().position(|agent| !agent.is_deleted && is_wanted(agent));
        index.ok_or_else(|| ApiError::not_found("agent"))
    }

    pub(super) fn instance_counts(&self, agent_id: Pfid) -> InstanceCounts {
        let mut counts = InstanceCounts::default();
        for run in self.instances.iter().filter(|instance| instance.agent_id == agent_id) {
            counts.count(run.status);
        }
        counts
    }

    /// The version a run belongs to: found by its identifier, else made; without any given, the current one.
    pub(super) fn version_for(
        &mut self,
        agent: usize,
        given: Option<&AgentVersion<'_>>,
        makes_current: bool,
    ) -> Version {
        let agent = &mut self.agents[agent];
        let text = |text: Option<&crate::read::Text<'_>>| text.map(|text| text.to_string());
        let name = given.and_then(|given| text(given.name.as_ref()));
        let external_identifier = given.and_then(|given| text(given.external_identifier.as_ref()));
        let is_same = |version: &Version| match &external_identifier {
            Some(identifier) => version.external_identifier.as_ref() == Some(identifier),
            None => version.external_identifier.is_none() && version.name == name,
        };
        let known = match given {
            None => agent.current_version,
            Some(_) => agent.versions.iter().position(is_same),
        };
        let index = known.unwrap_or_else(|| {
            agent.versions.push(Version {
                id: self.ids.next(),
                name,
                external_identifier,
                description: given.and_then(|given| text(given.description.as_ref())),
                runtime_environment: given.and_then(|given| owned(given.runtime_environment.as_ref())),
            });
            agent.versions.len() - 1
        });
        if makes_current || agent.current_version.is_none() {
            agent.current_version = Some(index);
        }
        agent.versions[index].clone()
    }
}
