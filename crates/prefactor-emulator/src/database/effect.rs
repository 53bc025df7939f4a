//! What the log holds: one entry for each request that changed something.

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde::{Deserialize, Serialize};

use crate::action::Scope;
use crate::policy::Policy;
use crate::shared::Request;
use crate::store::Store;

/// One effect with all that is needed to have it again, but the body of its request, which stands beside it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(super) at: DateTime<Utc>,
    /// The number of the last effect afterwards: doing it again must lead there too.
    pub(super) sequence: u64,
    /// The ids that were drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ids: Vec<String>,
    pub(super) effect: Effect,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Effect {
    /// The account was made.
    Began { partition: u32 },
    /// An agent was added without a request.
    AgentAdded { agent: String },
    /// Other rules are in force from here.
    Ruled(Policy),
    /// A request: a call by its action's name, or a bulk request, which has none.
    Called {
        scope: Scope,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
    },
    /// A run was ended without a request.
    Terminated { instance: String, reason: String },
}

impl Effect {
    pub(crate) fn called(request: Request<'_>) -> Self {
        Self::Called {
            scope: request.scope,
            action: request.name.map(|name| name.as_str().to_owned()),
            target: request.target.map(str::to_owned),
        }
    }

    pub(crate) fn terminated(instance: Pfid, reason: &str) -> Self {
        Self::Terminated { instance: instance.to_string(), reason: reason.to_owned() }
    }

    /// What this effect, the last one on the store, leaves in the log.
    pub(crate) fn entry(self, store: &mut Store) -> Entry {
        let ids = store.ids().take_made().iter().map(Pfid::to_string).collect();
        Entry { at: store.latest(), sequence: store.sequence(), ids, effect: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        let entry = Entry {
            at: "2026-02-03T04:05:06.000789123Z".parse().unwrap(),
            sequence: 7,
            ids: Vec::new(),
            effect: Effect::Called { scope: Scope::Account, action: None, target: None },
        };

        let json = serde_json::to_string(&entry).unwrap();

        assert_eq!(
            json,
            r#"{"at":"2026-02-03T04:05:06.000789123Z","sequence":7,"effect":{"called":{"scope":"account"}}}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), entry);
    }
}
