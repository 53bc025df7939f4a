//! Steps of runs (API contract, Spans).

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde::{Deserialize, Serialize};

use super::request::request;
use super::tolerant::null_as_default;
use super::{FinishStatus, Payload, SpanStatus};
use crate::IdempotencyKey;

/// One step of a run, as the API knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentSpan {
    /// Always `agent_span`.
    #[doc(alias = "type")]
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The span's id.
    pub id: String,
    /// The account it belongs to.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The agent that ran.
    #[serde(default)]
    pub agent_id: Option<String>,
    /// The run it belongs to.
    pub agent_instance_id: String,
    /// The span it is part of; `None` for a root.
    #[serde(default)]
    pub parent_span_id: Option<String>,
    /// The name of its type.
    pub schema_name: String,
    /// The title of its type.
    #[serde(default)]
    pub schema_title: Option<String>,
    /// Where it is in its life.
    pub status: SpanStatus,
    /// What went in.
    #[serde(default, deserialize_with = "null_as_default")]
    pub payload: Payload,
    /// What came out.
    #[serde(default)]
    pub result_payload: Option<Payload>,
    /// The payload summed up by the type's template.
    #[serde(default)]
    pub summary: Option<String>,
    /// When it started.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was recorded.
    #[serde(default)]
    pub inserted_at: Option<DateTime<Utc>>,
    /// When it changed last.
    #[serde(default)]
    pub updated_at: Option<DateTime<Utc>>,
    /// When it finished.
    #[serde(default)]
    pub finished_at: Option<DateTime<Utc>>,
}

request! {
    /// A new span, which may be finished already: then with its status, result and both times.
    ///
    /// ```
    /// use prefactor_http::{CreateSpanRequest, Payload, SpanStatus};
    ///
    /// let payload = Payload::of(&serde_json::json!({ "model": "m", "prompt": "…" }))?;
    /// let request = CreateSpanRequest::new("013xrzp12g3nqk8n04hmasw9nf6yy093", "agent:llm", SpanStatus::Active, payload);
    /// assert_eq!(request.schema_name, "agent:llm");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct CreateSpanRequest {
        required {
            /// The run it belongs to.
            agent_instance_id: String,
            /// The name of its type.
            schema_name: String,
            /// Where it is in its life.
            status: SpanStatus,
            /// What goes in.
            payload: Payload,
        }
        optional {
            /// What came out.
            result_payload: Payload,
            /// The span's id, with the account's partition. The server chooses one if it is left out.
            id: Pfid,
            /// The span it is part of, which must exist.
            parent_span_id: String,
            /// When it started.
            started_at: DateTime<Utc>,
            /// When it finished.
            finished_at: DateTime<Utc>,
            /// Whether `$sensitive` values in the payloads are to be stored apart.
            sensitive_encoding: bool,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// The end of a span.
    #[derive(Default)]
    pub struct FinishSpanRequest {
        required {}
        optional {
            /// How it ended; `complete` if it is left out.
            status: FinishStatus,
            /// What came out.
            result_payload: Payload,
            /// When it ended; the server's time if it is left out.
            timestamp: DateTime<Utc>,
            /// Whether `$sensitive` values in the result are to be stored apart.
            sensitive_encoding: bool,
            /// Makes a repetition harmless. One is made if it is left out.
            idempotency_key: IdempotencyKey,
        }
    }
}

request! {
    /// Which spans to list. Needs a token for the whole account.
    pub struct ListSpansQuery {
        required {
            /// The run whose spans they are.
            agent_instance_id: String,
        }
        optional {
            /// Spans from this time on.
            start_time: DateTime<Utc>,
            /// Spans until this time.
            end_time: DateTime<Utc>,
            /// Whether each span comes with its summary.
            include_summaries: bool,
            /// How many spans to skip.
            #[serde(rename = "pagination[offset]")]
            offset: u64,
            /// How many spans to return, at most 100.
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
    fn a_span_with_the_least_fields_is_read() {
        let span: AgentSpan = serde_json::from_value(json!({
            "type": "agent_span", "id": "s", "agent_instance_id": "i", "schema_name": "agent:llm", "status": "active",
            "payload": null, "result_payload": null,
        }))
        .unwrap();

        assert!(span.payload.is_empty());
        assert_eq!(span.result_payload, None);
    }

    #[test]
    fn debug_does_not_show_payloads() {
        let payload = Payload::of(&json!({"prompt": "my diary"})).unwrap();
        let request = CreateSpanRequest::new("i", "agent:llm", SpanStatus::Active, payload.clone())
            .result_payload(payload);

        assert!(!format!("{request:?}").contains("diary"));
    }
}
