//! Runs of agents (API contract, Instances).

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde::{Deserialize, Serialize};

use super::request::request;
use super::tolerant::{absent_unless_fitting, null_as_default};
use super::{
    AgentSchemaVersionForRegister, AgentVersionForRegister, FinishStatus, InstanceStatus, Payload, Purpose,
};
use crate::IdempotencyKey;

/// One run of an agent, as the API knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentInstance {
    /// Always `agent_instance`.
    #[doc(alias = "type")]
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The run's id.
    pub id: String,
    /// The account it belongs to.
    pub account_id: String,
    /// The agent that runs.
    pub agent_id: String,
    /// The version of the agent.
    pub agent_version_id: String,
    /// The deployment of the agent, on servers that know deployments.
    #[serde(default)]
    pub agent_deployment_id: Option<String>,
    /// The environment it runs in.
    pub environment_id: String,
    /// Where it is in its life.
    pub status: InstanceStatus,
    /// When it was registered.
    pub inserted_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// When it started.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it finished.
    #[serde(default)]
    pub finished_at: Option<DateTime<Utc>>,
    /// Why an operator has ended it.
    #[serde(default)]
    pub termination_reason: Option<String>,
    /// The caller's own name for it, unique for the agent.
    #[serde(default)]
    pub external_identifier: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub purpose: Option<Purpose>,
    /// What was recorded of its quality, by name.
    #[serde(default, deserialize_with = "absent_unless_fitting")]
    pub quality_payloads: Option<Payload>,
    /// The same in words, by name.
    #[serde(default, deserialize_with = "absent_unless_fitting")]
    pub quality_summaries: Option<Payload>,
    /// How many spans it has.
    #[serde(default)]
    pub span_counts: Option<AgentInstanceSpanCounts>,
}

/// How many spans a run has. A count that the API leaves out is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct AgentInstanceSpanCounts {
    /// All of them.
    #[serde(deserialize_with = "null_as_default")]
    pub total: u64,
    /// Created, not started.
    #[serde(deserialize_with = "null_as_default")]
    pub pending: u64,
    /// Started.
    #[serde(deserialize_with = "null_as_default")]
    pub active: u64,
    /// Finished well.
    #[serde(deserialize_with = "null_as_default")]
    pub complete: u64,
    /// Finished with a failure.
    #[serde(deserialize_with = "null_as_default")]
    pub failed: u64,
    /// Given up.
    #[serde(deserialize_with = "null_as_default")]
    pub cancelled: u64,
    /// Complete, failed and cancelled.
    #[serde(deserialize_with = "null_as_default")]
    pub finished: u64,
}

request! {
    /// A new run.
    ///
    /// ```
    /// use prefactor_http::{AgentVersionForRegister, RegisterInstanceRequest};
    ///
    /// let request = RegisterInstanceRequest::new()
    ///     .agent_id("013xrzp12g3nqk8n04hmasw9nf6yy093")
    ///     .agent_version(AgentVersionForRegister::new().name("research-agent").external_identifier("v1.4.0"));
    /// assert_eq!(request.agent_version.unwrap().name.as_deref(), Some("research-agent"));
    /// ```
    #[derive(Default)]
    pub struct RegisterInstanceRequest {
        required {}
        optional {
            /// The agent that runs. Left out with a token that belongs to a deployment.
            agent_id: String,
            /// The environment it runs in. Left out with a token that belongs to a deployment.
            environment_id: String,
            /// The version of the agent.
            agent_version: AgentVersionForRegister,
            /// What its spans look like.
            agent_schema_version: AgentSchemaVersionForRegister,
            /// The run's id, with the account's partition. The server chooses one if it is left out.
            id: Pfid,
            /// The caller's own name for the run, unique for the agent.
            external_identifier: String,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
            /// Whether the version becomes the agent's current one; the server's default is `true`.
            update_current_version: bool,
            /// What the run is for.
            purpose: Purpose,
        }
    }
}

request! {
    /// The start of a run.
    #[derive(Default)]
    pub struct StartInstanceRequest {
        required {}
        optional {
            /// When it started; the server's time if it is left out.
            timestamp: DateTime<Utc>,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// The end of a run.
    #[derive(Default)]
    pub struct FinishInstanceRequest {
        required {}
        optional {
            /// How it ended; `complete` if it is left out.
            status: FinishStatus,
            /// When it ended; the server's time if it is left out.
            timestamp: DateTime<Utc>,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// A judgement of a run's quality.
    pub struct RecordQualityRequest {
        required {
            /// Which of the quality schemas it follows.
            name: String,
            /// The judgement; `None` clears an earlier one.
            payload: Option<Payload>,
        }
        optional {
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// An operator's order to end a run. Needs a token for the whole account.
    pub struct TerminateInstanceRequest {
        required {
            /// Why, for whoever finds the run ended.
            reason: String,
        }
        optional {}
    }
}

request! {
    /// Which runs to list. Needs a token for the whole account.
    pub struct ListInstancesQuery {
        required {
            /// The agent whose runs they are.
            agent_id: String,
        }
        optional {
            /// How many runs to skip.
            #[serde(rename = "pagination[offset]")]
            offset: u64,
            /// How many runs to return, at most 100.
            #[serde(rename = "pagination[page_size]")]
            page_size: u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_of_a_later_server_is_read() {
        let instance: AgentInstance = serde_json::from_value(json!({
            "type": "agent_instance", "id": "i", "account_id": "a", "agent_id": "g", "agent_version_id": "v",
            "environment_id": "e", "status": "hibernating", "purpose": "audit",
            "inserted_at": "2024-05-01T12:00:00.123456Z", "updated_at": "2024-05-01T14:00:00+02:00",
            "started_at": null, "quality_payloads": ["another form"], "span_counts": {"total": 3, "pending": null},
            "news": {"of": ["tomorrow"]},
        }))
        .unwrap();

        assert_eq!(instance.status, InstanceStatus::Other("hibernating".into()));
        assert_eq!(instance.purpose, Some(Purpose::Other("audit".into())));
        assert_eq!(instance.updated_at.to_rfc3339(), "2024-05-01T12:00:00+00:00");
        assert_eq!(instance.started_at, None);
        assert_eq!(instance.quality_payloads, None);
        assert_eq!(instance.span_counts.unwrap().total, 3);
    }

    #[test]
    fn an_instance_without_an_id_is_refused() {
        let error = serde_json::from_value::<AgentInstance>(json!({"type": "agent_instance"})).unwrap_err();

        assert!(error.to_string().contains("missing field `id`"));
    }

    #[test]
    fn what_is_absent_is_not_sent() {
        assert_eq!(serde_json::to_value(FinishInstanceRequest::new()).unwrap(), json!({}));
        assert_eq!(
            serde_json::to_value(FinishInstanceRequest::new().status(FinishStatus::Failed)).unwrap(),
            json!({"status": "failed"})
        );
    }

    #[test]
    fn clearing_a_judgement_sends_null() {
        let request = RecordQualityRequest::new("tone", None);

        assert_eq!(serde_json::to_value(request).unwrap(), json!({"name": "tone", "payload": null}));
    }
}
