//! Parameters of the agent actions.

use serde::Deserialize;

use crate::read::{Field, Id, Kind, Params, Record, Text};

/// Creating and updating take the same fields, under `details` or (in bulk) flat.
#[derive(Debug, Deserialize)]
pub(crate) struct WriteAgent<'a> {
    #[serde(borrow)]
    pub(crate) agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) details: Option<Record<AgentDetails<'a>>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
    #[serde(flatten, borrow)]
    pub(crate) flat: AgentDetails<'a>,
}

impl<'a> WriteAgent<'a> {
    pub(crate) fn into_details(self) -> AgentDetails<'a> {
        self.details.map_or(self.flat, |details| details.0)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct AgentDetails<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) description: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) external_identifier: Option<Text<'a>>,
    pub(crate) id: Option<Id>,
    #[serde(borrow)]
    pub(crate) owner_person_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) risk_profile_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) team_id: Option<Text<'a>>,
}

impl<'a> Params<'a> for WriteAgent<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_id", Kind::Text),
        Field::optional(
            "details",
            Kind::Details(&[
                Field::optional("name", Kind::Text),
                Field::optional("description", Kind::Text),
                Field::optional("external_identifier", Kind::Text),
                Field::optional("id", Kind::Id),
                Field::optional("owner_person_id", Kind::Text),
                Field::optional("risk_profile_id", Kind::Text),
                Field::optional("team_id", Kind::Text),
            ]),
        ),
        Field::optional("idempotency_key", Kind::Text),
        Field::optional("name", Kind::Text),
        Field::optional("description", Kind::Text),
        Field::optional("external_identifier", Kind::Text),
        Field::optional("id", Kind::Id),
    ];
}

/// Retire, reinstate, delete and show: an agent and nothing else.
#[derive(Debug, Deserialize)]
pub(crate) struct NamedAgent<'a> {
    #[serde(borrow)]
    pub(crate) agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) external_identifier: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for NamedAgent<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_id", Kind::Text),
        Field::optional("external_identifier", Kind::Text),
        Field::optional("idempotency_key", Kind::Text),
    ];
}
