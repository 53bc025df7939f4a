//! What bends the rules for everything that is processed: it is part of the account's state, so that the same requests
//! under the same policy have the same effects.

use serde::{Deserialize, Serialize};

use crate::faults::{IgnoredIds, TerminateRun};
use crate::rules::CancelRule;

/// The bent rules in force.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) cancel: CancelRule,
    #[serde(default)]
    pub(crate) ignored_ids: IgnoredIds,
    /// What `terminate_run` draws from.
    #[serde(default)]
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) terminate_run: Option<TerminateRun>,
}
