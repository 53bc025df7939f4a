//! What the API allows: transitions and checks of single values. Pure: no store, no clock, no I/O.

use prefactor_pfid::{Partition, Pfid};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::status::{AgentStatus, FinishStatus, InstanceStatus, SpanStatus};

/// From where a run or a span may be cancelled. The reference and the Python SDK disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CancelRule {
    /// Pending or active, as the Python SDK does.
    #[default]
    PendingOrActive,
    /// Pending only, as the reference says.
    PendingOnly,
}

impl CancelRule {
    fn allows_active(self) -> bool {
        self == Self::PendingOrActive
    }
}

pub(crate) fn start_instance(from: InstanceStatus) -> Result<InstanceStatus, ApiError> {
    match from {
        InstanceStatus::Pending => Ok(InstanceStatus::Active),
        other => Err(refused("start", "instance", other.as_str())),
    }
}

pub(crate) fn finish_instance(
    from: InstanceStatus,
    to: FinishStatus,
    cancel: CancelRule,
) -> Result<InstanceStatus, ApiError> {
    match (from, to) {
        (InstanceStatus::Active, FinishStatus::Complete) => Ok(InstanceStatus::Complete),
        (InstanceStatus::Active, FinishStatus::Failed) => Ok(InstanceStatus::Failed),
        (InstanceStatus::Pending, FinishStatus::Cancelled) => Ok(InstanceStatus::Cancelled),
        (InstanceStatus::Active, FinishStatus::Cancelled) if cancel.allows_active() => {
            Ok(InstanceStatus::Cancelled)
        }
        _ => Err(refused("finish", "instance", from.as_str())),
    }
}

pub(crate) fn terminate_instance(from: InstanceStatus) -> Result<InstanceStatus, ApiError> {
    if from.is_ended() {
        return Err(refused("terminate", "instance", from.as_str()));
    }
    Ok(InstanceStatus::Terminated)
}

/// A span may be born in any status but cancelled.
pub(crate) fn create_span(status: SpanStatus) -> Result<SpanStatus, ApiError> {
    match status {
        SpanStatus::Cancelled => {
            Err(ApiError::field("status", "must be one of pending, active, complete, failed"))
        }
        other => Ok(other),
    }
}

pub(crate) fn finish_span(
    from: SpanStatus,
    to: FinishStatus,
    cancel: CancelRule,
) -> Result<SpanStatus, ApiError> {
    match (from, to) {
        (SpanStatus::Active, FinishStatus::Complete) => Ok(SpanStatus::Complete),
        (SpanStatus::Active, FinishStatus::Failed) => Ok(SpanStatus::Failed),
        (SpanStatus::Pending, FinishStatus::Cancelled) => Ok(SpanStatus::Cancelled),
        (SpanStatus::Active, FinishStatus::Cancelled) if cancel.allows_active() => Ok(SpanStatus::Cancelled),
        _ => Err(refused("finish", "span", from.as_str())),
    }
}

pub(crate) fn retire_agent(from: AgentStatus) -> Result<AgentStatus, ApiError> {
    match from {
        AgentStatus::Retired => Err(refused("retire", "agent", from.as_str())),
        _ => Ok(AgentStatus::Retired),
    }
}

/// A reinstated agent is active again if it ever ran.
pub(crate) fn reinstate_agent(from: AgentStatus, has_run: bool) -> Result<AgentStatus, ApiError> {
    match from {
        AgentStatus::Retired if has_run => Ok(AgentStatus::Active),
        AgentStatus::Retired => Ok(AgentStatus::Pending),
        _ => Err(refused("reinstate", "agent", from.as_str())),
    }
}

/// Checks the length of an idempotency key.
pub(crate) fn check_idempotency_key(key: &str) -> Result<(), ApiError> {
    match key.chars().count() {
        8..=64 => Ok(()),
        _ => Err(ApiError::field("idempotency_key", "must have 8 to 64 characters")),
    }
}

/// An id chosen by the client must belong to the account.
pub(crate) fn check_chosen_id(id: Pfid, account: Partition) -> Result<Pfid, ApiError> {
    if id.partition() == account {
        return Ok(id);
    }
    Err(ApiError::field("id", "has another partition than the account"))
}

pub(crate) fn check_not_blank(name: &str, text: &str) -> Result<(), ApiError> {
    if text.trim().is_empty() {
        return Err(ApiError::field(name, "can't be blank"));
    }
    Ok(())
}

fn refused(action: &str, what: &str, status: &str) -> ApiError {
    ApiError::invalid_action(format!("Can't {action} this {what} this way: it is {status}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANCEL_RULES: [CancelRule; 2] = [CancelRule::PendingOrActive, CancelRule::PendingOnly];
    const FINISHES: [FinishStatus; 3] =
        [FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled];
    const ENDED_INSTANCES: [InstanceStatus; 4] = [
        InstanceStatus::Complete,
        InstanceStatus::Failed,
        InstanceStatus::Cancelled,
        InstanceStatus::Terminated,
    ];

    #[test]
    fn only_a_pending_instance_starts() {
        assert_eq!(start_instance(InstanceStatus::Pending), Ok(InstanceStatus::Active));

        for from in ENDED_INSTANCES.into_iter().chain([InstanceStatus::Active]) {
            assert_eq!(start_instance(from).unwrap_err().code, "invalid_action", "{from}");
        }
    }

    #[test]
    fn a_pending_instance_can_only_be_cancelled() {
        for rule in CANCEL_RULES {
            let finish = |to| finish_instance(InstanceStatus::Pending, to, rule);

            assert_eq!(finish(FinishStatus::Cancelled), Ok(InstanceStatus::Cancelled));
            assert_eq!(finish(FinishStatus::Complete).unwrap_err().status, 409);
            assert_eq!(finish(FinishStatus::Failed).unwrap_err().status, 409);
        }
    }

    #[test]
    fn an_active_instance_is_cancelled_unless_the_reference_is_followed() {
        let cancel = |rule| finish_instance(InstanceStatus::Active, FinishStatus::Cancelled, rule);

        assert_eq!(cancel(CancelRule::PendingOrActive), Ok(InstanceStatus::Cancelled));
        assert_eq!(cancel(CancelRule::PendingOnly).unwrap_err().code, "invalid_action");
    }

    #[test]
    fn what_has_ended_stays_as_it_is() {
        for to in FINISHES {
            for from in ENDED_INSTANCES {
                assert_eq!(finish_instance(from, to, CancelRule::default()).unwrap_err().status, 409);
                assert_eq!(terminate_instance(from).unwrap_err().status, 409);
            }
            for from in [SpanStatus::Complete, SpanStatus::Failed, SpanStatus::Cancelled] {
                assert_eq!(finish_span(from, to, CancelRule::default()).unwrap_err().code, "invalid_action");
            }
        }
    }

    #[test]
    fn a_span_takes_the_transitions_of_the_contract() {
        let lenient = |from, to| finish_span(from, to, CancelRule::PendingOrActive).ok();
        let strict = |from, to| finish_span(from, to, CancelRule::PendingOnly).ok();

        assert_eq!(lenient(SpanStatus::Active, FinishStatus::Complete), Some(SpanStatus::Complete));
        assert_eq!(lenient(SpanStatus::Active, FinishStatus::Failed), Some(SpanStatus::Failed));
        assert_eq!(lenient(SpanStatus::Active, FinishStatus::Cancelled), Some(SpanStatus::Cancelled));
        assert_eq!(lenient(SpanStatus::Pending, FinishStatus::Cancelled), Some(SpanStatus::Cancelled));
        assert_eq!(lenient(SpanStatus::Pending, FinishStatus::Complete), None);
        assert_eq!(strict(SpanStatus::Active, FinishStatus::Cancelled), None);
        assert_eq!(strict(SpanStatus::Pending, FinishStatus::Cancelled), Some(SpanStatus::Cancelled));
    }

    #[test]
    fn no_span_is_born_cancelled() {
        assert!(create_span(SpanStatus::Cancelled).unwrap_err().errors.contains_key("status"));
        assert_eq!(create_span(SpanStatus::Failed), Ok(SpanStatus::Failed));
    }

    #[test]
    fn an_idempotency_key_has_8_to_64_characters() {
        assert!(check_idempotency_key("1234567").is_err());
        assert!(check_idempotency_key("12345678").is_ok());
        assert!(check_idempotency_key(&"é".repeat(64)).is_ok());
        assert!(check_idempotency_key(&"k".repeat(65)).is_err());
    }

    #[test]
    fn a_reinstated_agent_remembers_whether_it_ran() {
        assert_eq!(reinstate_agent(AgentStatus::Retired, true), Ok(AgentStatus::Active));
        assert_eq!(reinstate_agent(AgentStatus::Retired, false), Ok(AgentStatus::Pending));
        assert_eq!(reinstate_agent(AgentStatus::Active, true).unwrap_err().status, 409);
        assert_eq!(retire_agent(AgentStatus::Retired).unwrap_err().status, 409);
    }
}
