//! How an instance is shown, and the signal that it was terminated.

use super::json::{ObjectWriter, string};
use crate::status::InstanceStatus;
use crate::store::Instance;

pub(crate) fn instance(out: &mut Vec<u8>, instance: &Instance) {
    let mut object = ObjectWriter::open(out);
    object.text("type", "agent_instance");
    object.id("id", instance.id);
    object.id("account_id", instance.account_id);
    object.id("agent_id", instance.agent_id);
    object.id("agent_version_id", instance.version.id);
    object.id("agent_deployment_id", instance.agent_deployment_id);
    object.id("environment_id", instance.environment_id);
    object.text("status", instance.status.as_str());
    object.moment("inserted_at", instance.inserted_at);
    object.moment("updated_at", instance.updated_at);
    object.optional_moment("started_at", instance.started_at);
    object.optional_moment("finished_at", instance.finished_at);
    object.optional_text("termination_reason", instance.termination_reason.as_deref());
    object.optional_text("external_identifier", instance.external_identifier.as_deref());
    object.text("purpose", instance.purpose.as_str());

    let mut payloads = object.object("quality_payloads");
    for (name, payload) in &instance.qualities {
        payloads.entry(name).extend_from_slice(payload.get().as_bytes());
    }
    payloads.close();
    let mut summaries = object.object("quality_summaries");
    for (name, payload) in &instance.qualities {
        string(summaries.entry(name), payload.get());
    }
    summaries.close();

    let counts = &instance.span_counts;
    let mut object_counts = object.object("span_counts");
    object_counts.number("total", counts.total());
    object_counts.number("pending", counts.pending);
    object_counts.number("active", counts.active);
    object_counts.number("complete", counts.complete);
    object_counts.number("failed", counts.failed);
    object_counts.number("cancelled", counts.cancelled);
    object_counts.number("finished", counts.finished());
    object_counts.close();
    object.close();
}

/// Adds `control` to the answer of a span call when an operator has ended the run.
pub(crate) fn control(answer: &mut ObjectWriter<'_>, instance: &Instance) {
    if instance.status == InstanceStatus::Terminated {
        let mut control = answer.object("control");
        control.flag("terminate", true);
        control.optional_text("reason", instance.termination_reason.as_deref());
        control.close();
    }
}
