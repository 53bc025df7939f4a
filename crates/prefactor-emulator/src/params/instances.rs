//! Parameters of the instance actions.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::read::{Field, Id, Kind, Moment, Object, Params, Record, Text, fields};
use crate::status::FinishStatus;

#[derive(Debug, Deserialize)]
pub(crate) struct Register<'a> {
    #[serde(borrow)]
    pub(crate) agent_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) environment_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) agent_version: Option<Record<AgentVersion<'a>>>,
    #[serde(borrow)]
    pub(crate) agent_schema_version: Option<Object<'a>>,
    pub(crate) id: Option<Id>,
    #[serde(borrow)]
    pub(crate) external_identifier: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
    pub(crate) update_current_version: Option<bool>,
    pub(crate) purpose: Option<Purpose>,
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    Live,
    SmokeTest,
    Eval,
}

impl Purpose {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::SmokeTest => "smoke_test",
            Self::Eval => "eval",
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct AgentVersion<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) external_identifier: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) description: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) runtime_environment: Option<Object<'a>>,
}

const RUNTIME_ENVIRONMENT: &[Field] = &[
    Field::optional("agent_sdk", Kind::Texts),
    Field::optional("os", Kind::Text),
    Field::optional("prefactor_sdk", Kind::Texts),
    Field::optional("runtime", Kind::Text),
];

const AGENT_VERSION: &[Field] = &[
    Field::optional("name", Kind::Text),
    Field::optional("external_identifier", Kind::Text),
    Field::optional("description", Kind::Text),
    Field::optional("runtime_environment", Kind::Record(RUNTIME_ENVIRONMENT)),
];

const SPAN_TYPE_SCHEMA: &[Field] = &[
    Field::required("name", Kind::Text),
    Field::required("params_schema", Kind::Object),
    Field::optional("title", Kind::Text),
];

const QUALITY_SCHEMA: &[Field] = &[
    Field::required("name", Kind::Text),
    Field::required("schema", Kind::Object),
    Field::optional("title", Kind::Text),
];

const AGENT_SCHEMA_VERSION: &[Field] = &[
    Field::optional("external_identifier", Kind::Text),
    Field::optional("span_schemas", Kind::Object),
    Field::optional("span_result_schemas", Kind::Object),
    Field::optional("span_type_schemas", Kind::Records(SPAN_TYPE_SCHEMA)),
    Field::optional("quality_schemas", Kind::Records(QUALITY_SCHEMA)),
];

/// Checks a schema version and finds the titles of its span types. Schemas are kept as they were sent: payloads are not
/// checked against them.
pub(crate) fn span_titles(schema_version: &Object<'_>) -> Result<HashMap<String, String>, ApiError> {
    let object = serde_json::from_str::<Map<String, Value>>(schema_version.0.get())
        .map_err(|error| ApiError::bad_request(format!("The schemas can't be read: {error}.")))?;
    let errors = fields::check(&object, AGENT_SCHEMA_VERSION);
    if !errors.is_empty() {
        let prefixed = |(name, texts)| (format!("agent_schema_version.{name}"), texts);
        return Err(ApiError::validation(errors.into_iter().map(prefixed).collect()));
    }
    let types = object.get("span_type_schemas").and_then(Value::as_array);
    // A type without a title goes by its name.
    let title = |schema: &Value| {
        let name = schema["name"].as_str()?;
        Some((name.to_owned(), schema["title"].as_str().unwrap_or(name).to_owned()))
    };
    Ok(types.into_iter().flatten().filter_map(title).collect())
}

impl<'a> Params<'a> for Register<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_id", Kind::Text),
        Field::optional("environment_id", Kind::Text),
        Field::optional("agent_version", Kind::Record(AGENT_VERSION)),
        Field::optional("agent_schema_version", Kind::Record(AGENT_SCHEMA_VERSION)),
        Field::optional("id", Kind::Id),
        Field::optional("external_identifier", Kind::Text),
        Field::optional("idempotency_key", Kind::Text),
        Field::optional("update_current_version", Kind::Flag),
        Field::optional("purpose", Kind::OneOf(&["live", "smoke_test", "eval"])),
    ];
}

#[derive(Debug, Deserialize)]
pub(crate) struct StartInstance<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
    pub(crate) timestamp: Option<Moment>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for StartInstance<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_instance_id", Kind::Text),
        Field::optional("timestamp", Kind::Moment),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

#[derive(Debug, Deserialize)]
pub(crate) struct FinishInstance<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
    pub(crate) status: Option<FinishStatus>,
    pub(crate) timestamp: Option<Moment>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for FinishInstance<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_instance_id", Kind::Text),
        Field::optional("status", Kind::OneOf(FinishStatus::ALL)),
        Field::optional("timestamp", Kind::Moment),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

#[derive(Debug, Deserialize)]
pub(crate) struct RecordQuality<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    /// Null or absent clears the quality.
    #[serde(borrow)]
    pub(crate) payload: Option<Object<'a>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for RecordQuality<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_instance_id", Kind::Text),
        Field::required("name", Kind::Text),
        Field::optional("payload", Kind::Object),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

#[derive(Debug, Deserialize)]
pub(crate) struct TerminateInstance<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for TerminateInstance<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_instance_id", Kind::Text),
        Field::optional("reason", Kind::Text),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

#[derive(Debug, Deserialize)]
pub(crate) struct ShowInstance<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Option<Text<'a>>,
}

impl<'a> Params<'a> for ShowInstance<'a> {
    const FIELDS: &'static [Field] = &[Field::optional("agent_instance_id", Kind::Text)];
}

/// The bytes of an optional object, owned.
pub(crate) fn owned(object: Option<&Object<'_>>) -> Option<Box<RawValue>> {
    object.map(|object| object.0.to_owned())
}
