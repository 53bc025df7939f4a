//! What the API keeps, and the rules by which it changes.

use std::collections::BTreeMap;

use prefactor_pfid::{Pfid, Stem};
use serde_json::{Value, json};

use super::partition;

#[derive(Debug)]
pub(super) struct SpanRecord {
    pub(super) instance: String,
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) status: String,
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) instances: BTreeMap<String, String>,
    /// In the order of their creation.
    pub(super) spans: Vec<(String, SpanRecord)>,
    pub(super) strict_cancel: bool,
    pub(super) assigns_ids: bool,
    pub(super) assigns_span_ids: bool,
    /// The runs that an operator has ended, and why.
    terminated: BTreeMap<String, Option<String>>,
    assigned: u64,
}

/// An item's error code.
type Code = &'static str;

impl World {
    /// Does what an item says; gives its `details`.
    pub(super) fn apply(&mut self, item: &Value) -> Result<Value, Code> {
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        let instance = text("agent_instance_id").unwrap_or_default();
        match item["_type"].as_str().unwrap_or_default() {
            "agent_instances/register" => Ok(self.register(text("id"))),
            "agent_instances/start" => {
                self.change_instance(&instance, "active", |status| status == "pending")
            }
            "agent_instances/finish" => {
                let (to, strict) = (text("status").ok_or("validation_errors")?, self.strict_cancel);
                self.change_instance(&instance, &to, |status| match to.as_str() {
                    "cancelled" => status == "pending" || (!strict && status == "active"),
                    _ => status == "active",
                })
            }
            "agent_instances/show" => {
                let status = self.instances.get(&instance).ok_or("not_found")?;
                let reason = self.terminated.get(&instance);
                Ok(json!({ "id": instance, "status": status, "termination_reason": reason }))
            }
            "agent_instances/record_quality" => {
                self.instances.get(&instance).map(|_| json!({ "id": instance })).ok_or("not_found")
            }
            "agent_spans/create" => self.create_span(&item["details"]),
            "agent_spans/finish" => self.finish_span(
                &text("agent_span_id").unwrap_or_default(),
                &text("status").ok_or("validation_errors")?,
            ),
            _ => Err("bad_request"),
        }
    }

    pub(super) fn terminate(&mut self, run: &str, reason: Option<&str>) {
        *self.instances.get_mut(run).expect("a registered run") = "terminated".to_owned();
        self.terminated.insert(run.to_owned(), reason.map(str::to_owned));
    }

    /// What comes beside the answer to an operation on a span.
    pub(super) fn control(&self, item: &Value) -> Option<Value> {
        let run = item["details"]["agent_instance_id"].as_str()?;
        let reason = self.terminated.get(run)?;
        Some(json!({ "terminate": true, "reason": reason }))
    }

    fn register(&mut self, asked: Option<String>) -> Value {
        let id = asked.filter(|_| !self.assigns_ids).unwrap_or_else(|| self.assign());
        self.instances.insert(id.clone(), "pending".to_owned());
        json!({ "type": "agent_instance", "id": id, "status": "pending" })
    }

    fn assign(&mut self) -> String {
        self.assigned += 1;
        let stem = Stem::new(self.assigned, [7; 10]).expect("a small time");
        Pfid::to_string(&stem.with_partition(partition()))
    }

    fn change_instance(&mut self, id: &str, to: &str, allowed: impl Fn(&str) -> bool) -> Result<Value, Code> {
        let status = self.instances.get_mut(id).ok_or("not_found")?;
        if !allowed(status) {
            return Err("invalid_action");
        }
        to.clone_into(status);
        let open = |span: &SpanRecord| span.instance == id && matches!(&*span.status, "active" | "pending");
        if to != "active" {
            assert!(!self.spans.iter().any(|(_, span)| open(span)), "a run finishes after its spans");
        }
        Ok(json!({ "id": id, "status": to }))
    }

    fn create_span(&mut self, details: &Value) -> Result<Value, Code> {
        let text = |name: &str| details[name].as_str().map(str::to_owned);
        let instance = text("agent_instance_id").unwrap_or_default();
        let state = self.instances.get(&instance).ok_or("not_found")?;
        assert!(
            matches!(&**state, "active" | "terminated"),
            "a span comes between start and finish of its run, not {state}"
        );
        let asked = text("id").expect("spans choose their ids");
        let id = if self.assigns_span_ids { self.assign() } else { asked };
        let parent = text("parent_span_id");
        if let Some(parent) = &parent
            && !self.spans.iter().any(|(id, span)| id == parent && span.instance == instance)
        {
            return Err("validation_errors");
        }
        if self.spans.iter().any(|(known, _)| *known == id) {
            return Err("conflict");
        }
        let status = text("status").unwrap_or_default();
        if status == "cancelled" {
            return Err("validation_errors");
        }
        let name = details["payload"]["name"].as_str().unwrap_or_default().to_owned();
        let answer = json!({ "type": "agent_span", "id": id, "status": status });
        self.spans.push((id, SpanRecord { instance, parent, name, status }));
        Ok(answer)
    }

    fn finish_span(&mut self, id: &str, to: &str) -> Result<Value, Code> {
        let strict = self.strict_cancel;
        let (_, span) = self.spans.iter_mut().find(|(known, _)| known == id).ok_or("not_found")?;
        let allowed = match to {
            "cancelled" => span.status == "pending" || (!strict && span.status == "active"),
            _ => span.status == "active",
        };
        if !allowed {
            return Err("invalid_action");
        }
        to.clone_into(&mut span.status);
        Ok(json!({ "id": id, "status": to }))
    }
}
