//! Snapshots of what the emulator holds, for tests to assert on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::status::{AgentStatus, InstanceStatus, SpanStatus};
use crate::store::{Agent, Instance, Span, SpanCounts};

/// One run of an agent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InstanceRecord {
    /// Its id.
    pub id: Pfid,
    /// The agent that ran.
    pub agent_id: Pfid,
    /// Where the run stands.
    pub status: InstanceStatus,
    /// The version that ran, as registered.
    pub agent_version: VersionRecord,
    /// The schemas that were registered with it.
    pub agent_schema_version: Option<Value>,
    /// The client's own name for the run.
    pub external_identifier: Option<String>,
    /// `live`, `smoke_test` or `eval`.
    pub purpose: &'static str,
    /// What the client said about when it started.
    pub started_at: Option<DateTime<Utc>>,
    /// What the client said about when it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was registered, by the emulator's clock.
    pub inserted_at: DateTime<Utc>,
    /// When it last changed, by the emulator's clock.
    pub updated_at: DateTime<Utc>,
    /// Why an operator ended it.
    pub termination_reason: Option<String>,
    /// The recorded qualities by name.
    pub qualities: BTreeMap<String, Value>,
    /// Its spans by status.
    pub span_counts: SpanCounts,
    /// The number of its registration among all effects.
    pub registered_sequence: u64,
    /// The number of its start among all effects.
    pub started_sequence: Option<u64>,
    /// The number of its end among all effects.
    pub finished_sequence: Option<u64>,
}

/// A version of an agent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VersionRecord {
    /// Its id.
    pub id: Pfid,
    /// Its name.
    pub name: Option<String>,
    /// The client's own name for it.
    pub external_identifier: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What it runs on.
    pub runtime_environment: Option<Value>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SpanRecord {
    /// Its id.
    pub id: Pfid,
    /// The run it belongs to.
    pub agent_instance_id: Pfid,
    /// The step it is a part of.
    pub parent_span_id: Option<Pfid>,
    /// Its type.
    pub schema_name: String,
    /// Where it stands.
    pub status: SpanStatus,
    /// As received, sensitive values included.
    pub payload: Value,
    /// As received, sensitive values included.
    pub result_payload: Option<Value>,
    /// Whether its creation said that sensitive values are marked.
    pub sensitive_encoding: bool,
    /// When it started, by the client's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, by the client's clock.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was created, by the emulator's clock.
    pub inserted_at: DateTime<Utc>,
    /// When it last changed, by the emulator's clock.
    pub updated_at: DateTime<Utc>,
    /// The number of its creation among all effects.
    pub created_sequence: u64,
    /// The number of its finish among all effects; that of its creation if it was born finished.
    pub finished_sequence: Option<u64>,
}

/// An agent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AgentRecord {
    /// Its id.
    pub id: Pfid,
    /// Its name.
    pub name: String,
    /// The client's own name for it.
    pub external_identifier: Option<String>,
    /// Where it stands.
    pub status: AgentStatus,
}

impl InstanceRecord {
    pub(crate) fn of(instance: &Instance) -> Self {
        let version = &instance.version;
        Self {
            id: instance.id,
            agent_id: instance.agent_id,
            status: instance.status,
            agent_version: VersionRecord {
                id: version.id,
                name: version.name.clone(),
                external_identifier: version.external_identifier.clone(),
                description: version.description.clone(),
                runtime_environment: version.runtime_environment.as_deref().map(value),
            },
            agent_schema_version: instance.schema_version.as_deref().map(value),
            external_identifier: instance.external_identifier.clone(),
            purpose: instance.purpose.as_str(),
            started_at: instance.started_at,
            finished_at: instance.finished_at,
            inserted_at: instance.inserted_at,
            updated_at: instance.updated_at,
            termination_reason: instance.termination_reason.clone(),
            qualities: instance.qualities.iter().map(|(name, raw)| (name.clone(), value(raw))).collect(),
            span_counts: instance.span_counts,
            registered_sequence: instance.registered_sequence,
            started_sequence: instance.started_sequence,
            finished_sequence: instance.finished_sequence,
        }
    }
}

impl SpanRecord {
    pub(crate) fn of(span: &Span, agent_instance_id: Pfid) -> Self {
        let finish = span.finish.as_ref();
        let result =
            finish.and_then(|finish| finish.result_payload.as_ref()).or(span.result_payload.as_ref());
        let born_finished = span.born.is_ended().then_some(span.sequence);
        Self {
            id: span.id,
            agent_instance_id,
            parent_span_id: span.parent_span_id,
            schema_name: span.schema_name.to_string(),
            status: span.status(),
            payload: value(&span.payload),
            result_payload: result.map(|raw| value(raw)),
            sensitive_encoding: span.is_sensitive,
            started_at: span.started_at,
            finished_at: finish.map_or(span.finished_at, |finish| Some(finish.finished_at)),
            inserted_at: span.inserted_at,
            updated_at: finish.map_or(span.inserted_at, |finish| finish.updated_at),
            created_sequence: span.sequence,
            finished_sequence: finish.map(|finish| finish.sequence).or(born_finished),
        }
    }
}

impl AgentRecord {
    pub(crate) fn of(agent: &Agent) -> Self {
        Self {
            id: agent.id,
            name: agent.name.clone(),
            external_identifier: agent.external_identifier.clone(),
            status: agent.status,
        }
    }
}

/// What nests too deep to become a value is given as its text.
fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::String(raw.get().to_owned()))
}
