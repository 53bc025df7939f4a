//! Things of the API, with all that the API said of them.
//!
//! For people we show what we know. Programs get the answer itself, so that a field is there from the day on which the API
//! has it.

use std::ops::Deref;

use prefactor_http::{
    Agent, AgentClient, AgentInstance, AgentInstanceClient, AgentSpan, AgentSpanClient, PrefactorClient,
};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::output::{Cell, Shown};

/// A thing as it is known, and as it was said: that is what it serializes to.
#[derive(Debug, Clone)]
pub(crate) struct Verbatim<T> {
    known: T,
    said: Box<RawValue>,
}

/// The endpoints of agents, told verbatim.
pub(crate) fn agents(client: &PrefactorClient) -> AgentClient<'_, Verbatim<Agent>> {
    client.agents().reading()
}

/// The endpoints of runs, told verbatim.
pub(crate) fn instances(client: &PrefactorClient) -> AgentInstanceClient<'_, Verbatim<AgentInstance>> {
    client.agent_instances().reading()
}

/// The endpoints of spans, told verbatim.
pub(crate) fn spans(client: &PrefactorClient) -> AgentSpanClient<'_, Verbatim<AgentSpan>> {
    client.agent_spans().reading()
}

impl<T> Deref for Verbatim<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.known
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Verbatim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Box::<RawValue>::deserialize(deserializer)?;
        let known = serde_json::from_str(said.get()).map_err(D::Error::custom)?;
        Ok(Self { known, said })
    }
}

/// In the form of whatever it is part of, not in that of the answer: that could have line breaks.
impl<T> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(self.said.get()), serializer)
    }
}

impl<T: Shown> Shown for Verbatim<T> {
    const PLURAL: &'static str = T::PLURAL;
    const COLUMNS: &'static [&'static str] = T::COLUMNS;

    fn id(&self) -> &str {
        self.known.id()
    }

    fn row(&self) -> Vec<Cell> {
        self.known.row()
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        self.known.fields()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_do_not_know_is_kept_in_its_place() {
        let said = r#"[{
            "new": {"b": [1.5, null], "a": 18446744073709551615},
            "type": "agent", "id": "a-1", "name": "A", "status": "odd"
        }]"#;

        let agents: Vec<Verbatim<Agent>> = serde_json::from_str(said).unwrap();

        assert_eq!(agents[0].name, "A");
        assert_eq!(
            serde_json::to_string(&agents[0]).unwrap(),
            r#"{"new":{"b":[1.5,null],"a":18446744073709551615},"type":"agent","id":"a-1","name":"A","status":"odd"}"#
        );
    }

    #[test]
    fn what_is_no_such_thing_is_refused() {
        assert!(serde_json::from_str::<Verbatim<Agent>>(r#"{"type": "agent", "id": 3}"#).is_err());
    }
}
