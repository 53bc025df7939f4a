//! Bulk requests and answers, read and written without a line of the pipeline's own code.

use serde::Deserialize;

#[derive(Deserialize)]
struct Request {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    #[serde(rename = "_type")]
    pub(crate) action: String,
    #[serde(rename = "idempotency_key")]
    pub(crate) key: String,
    pub(crate) id: Option<String>,
    pub(crate) external_identifier: Option<String>,
    pub(crate) agent_version: Option<serde_json::Value>,
    pub(crate) agent_instance_id: Option<String>,
    pub(crate) agent_span_id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) result_payload: Option<Content>,
    pub(crate) name: Option<String>,
    pub(crate) payload: Option<Content>,
    pub(crate) details: Option<SpanDetails>,
}

impl Item {
    pub(crate) fn without_ids(&self) -> Self {
        let details = self.details.clone().map(|details| SpanDetails {
            agent_instance_id: String::new(),
            parent_span_id: None,
            ..details
        });
        Self { agent_instance_id: None, agent_span_id: None, details, ..self.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpanDetails {
    pub(crate) agent_instance_id: String,
    pub(crate) id: String,
    pub(crate) parent_span_id: Option<String>,
    pub(crate) schema_name: String,
    pub(crate) payload: Content,
    pub(crate) status: String,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) result_payload: Option<Content>,
}

/// A payload or a result: the number of what it belongs to, and filling.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) number: usize,
    #[serde(default)]
    pub(crate) filling: String,
}

pub(crate) fn items(body: &[u8]) -> Result<Vec<Item>, String> {
    let request: Request = serde_json::from_slice(body).map_err(|error| format!("a bad request: {error}"))?;
    Ok(request.items)
}

pub(crate) fn success(id: &str) -> String {
    format!(r#"{{"status":"success","details":{{"id":"{id}","status":"s"}}}}"#)
}

pub(crate) fn error(code: &str) -> String {
    format!(r#"{{"status":"error","code":"{code}","message":"no"}}"#)
}

/// The reason that an operator gives for ending a run.
pub(crate) fn reason(run: usize) -> String {
    format!("run {run} is over")
}

pub(crate) fn control(run: usize) -> String {
    format!(r#"{{"terminate":true,"reason":"{}"}}"#, reason(run))
}

/// A successful output with an order to its run.
pub(crate) fn with_control(output: &str, control: &str) -> String {
    let open = output.strip_suffix('}').unwrap_or(output);
    format!(r#"{open},"control":{control}}}"#)
}

pub(crate) fn shown(id: &str, terminated: Option<usize>) -> String {
    let status = match terminated {
        None => r#""status":"active""#.to_owned(),
        Some(run) => format!(r#""status":"terminated","termination_reason":"{}""#, reason(run)),
    };
    format!(r#"{{"status":"success","details":{{"id":"{id}",{status}}}}}"#)
}

pub(crate) fn answer(outputs: &[(String, String)]) -> String {
    let outputs: Vec<_> = outputs.iter().map(|(key, output)| format!("\"{key}\":{output}")).collect();
    format!(r#"{{"status":"success","outputs":{{{}}}}}"#, outputs.join(","))
}
