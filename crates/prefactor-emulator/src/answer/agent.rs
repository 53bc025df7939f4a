//! How an agent is shown.

use super::json::ObjectWriter;
use crate::status::AgentStatus;
use crate::store::{Agent, InstanceCounts};

pub(crate) fn agent(out: &mut Vec<u8>, agent: &Agent, counts: &InstanceCounts) {
    let mut object = ObjectWriter::open(out);
    object.text("type", "agent");
    object.id("id", agent.id);
    object.id("account_id", agent.account_id);
    object.text("name", &agent.name);
    object.optional_text("description", agent.description.as_deref());
    object.optional_text("external_identifier", agent.external_identifier.as_deref());
    object.optional_text("owner_person_id", agent.owner_person_id.as_deref());
    object.optional_text("risk_profile_id", agent.risk_profile_id.as_deref());
    object.optional_text("team_id", agent.team_id.as_deref());
    object.text("status", agent.status.as_str());
    object.optional_id("current_version_id", agent.current_version().map(|version| version.id));
    object.moment("inserted_at", agent.inserted_at);
    object.moment("updated_at", agent.updated_at);

    let mut instances = object.object("instance_counts");
    instances.number("total", counts.total());
    instances.number("pending", counts.pending);
    instances.number("active", counts.active);
    instances.number("complete", counts.complete);
    instances.number("failed", counts.failed);
    instances.number("cancelled", counts.cancelled);
    instances.number("terminated", counts.terminated);
    instances.number("finished", counts.finished());
    instances.close();

    let is_retired = agent.status == AgentStatus::Retired;
    let mut actions = object.object("available_actions");
    actions.flag("update", true);
    actions.flag("retire", !is_retired);
    actions.flag("reinstate", is_retired);
    actions.flag("delete", counts.total() == 0);
    actions.close();
    object.close();
}
