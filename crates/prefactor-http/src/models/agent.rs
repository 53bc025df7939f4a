//! Agents and their management (API contract, Agents).

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AgentStatus;
use super::request::request;
use super::tolerant::absent_unless_fitting;
use crate::IdempotencyKey;

/// An agent, as the API knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Agent {
    /// Always `agent`.
    #[doc(alias = "type")]
    #[serde(rename = "type", default)]
    pub resource_type: Option<String>,
    /// The agent's id.
    pub id: String,
    /// The account it belongs to.
    #[serde(default)]
    pub account_id: Option<String>,
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// The caller's own name for it, which never changes.
    #[serde(default)]
    pub external_identifier: Option<String>,
    /// What has become of it.
    pub status: AgentStatus,
    /// The person who answers for it.
    #[serde(default)]
    pub owner_person_id: Option<String>,
    /// How its risk is judged.
    #[serde(default)]
    pub risk_profile_id: Option<String>,
    /// The team it belongs to.
    #[serde(default)]
    pub team_id: Option<String>,
    /// How many runs it has, by status.
    #[serde(default, deserialize_with = "absent_unless_fitting")]
    pub instance_counts: Option<Map<String, Value>>,
    /// What may be done with it now.
    #[serde(default, deserialize_with = "absent_unless_fitting")]
    pub available_actions: Option<AvailableActions>,
    /// When it was created.
    #[serde(default)]
    pub inserted_at: Option<DateTime<Utc>>,
    /// When it changed last.
    #[serde(default)]
    pub updated_at: Option<DateTime<Utc>>,
}

/// What may be done with an agent in its present state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AvailableActions {
    /// Change it.
    pub update: bool,
    /// Take it out of service.
    pub retire: bool,
    /// Bring it back into service.
    pub reinstate: bool,
    /// Remove it.
    pub delete: bool,
}

request! {
    /// A new agent.
    pub struct CreateAgentRequest {
        required {
            /// Its name.
            name: String,
        }
        optional {
            /// What it does.
            description: String,
            /// The caller's own name for it, which never changes.
            external_identifier: String,
            /// Its id, with the account's partition. The server chooses one if it is left out.
            id: Pfid,
            /// The person who answers for it.
            owner_person_id: String,
            /// How its risk is judged.
            risk_profile_id: String,
            /// The team it belongs to.
            team_id: String,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// A change of an agent. What is left out stays as it is.
    #[derive(Default)]
    pub struct UpdateAgentRequest {
        required {}
        optional {
            /// Its name.
            name: String,
            /// What it does.
            description: String,
            /// The person who answers for it.
            owner_person_id: String,
            /// How its risk is judged.
            risk_profile_id: String,
            /// The team it belongs to.
            team_id: String,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// Which agents to list.
    #[derive(Default)]
    pub struct ListAgentsQuery {
        required {}
        optional {
            /// How many agents to skip.
            #[serde(rename = "pagination[offset]")]
            offset: u64,
            /// How many agents to return, at most 100.
            #[serde(rename = "pagination[page_size]")]
            page_size: u64,
            /// Their order, in the API's own notation.
            sorting: String,
        }
    }
}

request! {
    /// Which agent to show, by its id or by the caller's own name for it, and with what.
    #[derive(Default)]
    pub struct ShowAgentQuery {
        required {}
        optional {
            /// The agent's id.
            agent_id: String,
            /// The caller's own name for it.
            external_identifier: String,
            /// The environment that counts are limited to.
            environment_id: String,
            /// Whether the numbers of runs are wanted.
            include_counts: bool,
            /// Whether its risk is wanted.
            include_risk_rollup: bool,
        }
    }
}
