//! What the spans of an agent look like, put together from several sources.

use std::collections::BTreeMap;

use prefactor_http::{AgentSchemaVersionForRegister, QualitySchemaForCreate, SpanTypeSchemaForCreate};
use serde_json::Value;

/// The schemas that a run registers: of span payloads, span results and quality records.
///
/// ```
/// use prefactor_pipeline::Schemas;
/// use serde_json::json;
///
/// let ours = Schemas::new().span("agent:llm", json!({ "type": "object" }));
/// let tools = Schemas::from_json(r#"{ "span_schemas": { "agent:tool": { "type": "object" } } }"#)?;
/// let schemas = ours.merge(tools)?;
///
/// let contradiction = Schemas::new().span("agent:llm", json!({ "type": "array" }));
/// assert!(schemas.merge(contradiction).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schemas(AgentSchemaVersionForRegister);

/// Why schemas can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Two sources say different things of the same name.
    #[error("two sources disagree about the {kind} `{name}`")]
    Conflict {
        /// What the name stands for.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The text is not JSON of the API's form (API contract, Instances: `agent_schema_version`).
    #[error("the schemas are not json of the api's form")]
    Malformed(#[from] serde_json::Error),
}

impl Schemas {
    /// No schemas.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the API's own form, for example from a file: an object with `span_schemas`, `span_result_schemas`,
    /// `span_type_schemas` and `quality_schemas`, all optional.
    ///
    /// # Errors
    /// [`SchemaError::Malformed`] says where the text is of another form.
    pub fn from_json(json: &str) -> Result<Self, SchemaError> {
        Ok(Self(serde_json::from_str(json)?))
    }

    /// The caller's own name for this set of schemas.
    #[must_use]
    pub fn external_identifier(self, identifier: impl Into<String>) -> Self {
        Self(self.0.external_identifier(identifier))
    }

    /// The JSON schema of a span's payload, by the span's schema name.
    #[must_use]
    pub fn span(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.0.span_schemas.get_or_insert_default().insert(name.into(), schema);
        self
    }

    /// The JSON schema of a span's result, by the span's schema name.
    #[must_use]
    pub fn span_result(mut self, name: impl Into<String>, schema: Value) -> Self {
        self.0.span_result_schemas.get_or_insert_default().insert(name.into(), schema);
        self
    }

    /// A span type with all that can be said of it.
    #[must_use]
    pub fn span_type(mut self, span_type: SpanTypeSchemaForCreate) -> Self {
        self.0.span_type_schemas.get_or_insert_default().push(span_type);
        self
    }

    /// The schema of a quality record.
    #[must_use]
    pub fn quality(mut self, quality: QualitySchemaForCreate) -> Self {
        self.0.quality_schemas.get_or_insert_default().push(quality);
        self
    }

    /// Puts two sources together. A name may occur in both where both say the same.
    ///
    /// # Errors
    /// [`SchemaError::Conflict`] names what they disagree about.
    pub fn merge(mut self, other: Self) -> Result<Self, SchemaError> {
        let (mine, theirs) = (&mut self.0, other.0);
        mine.external_identifier = mine.external_identifier.take().or(theirs.external_identifier);
        merge_maps("span schema", &mut mine.span_schemas, theirs.span_schemas)?;
        merge_maps("span result schema", &mut mine.span_result_schemas, theirs.span_result_schemas)?;
        merge_lists("span type", &mut mine.span_type_schemas, theirs.span_type_schemas, |span| &span.name)?;
        merge_lists("quality schema", &mut mine.quality_schemas, theirs.quality_schemas, |quality| {
            &quality.name
        })?;
        Ok(self)
    }
}

impl From<Schemas> for AgentSchemaVersionForRegister {
    fn from(schemas: Schemas) -> Self {
        schemas.0
    }
}

type SchemaMap = BTreeMap<String, Value>;

fn merge_maps(
    kind: &'static str,
    mine: &mut Option<SchemaMap>,
    theirs: Option<SchemaMap>,
) -> Result<(), SchemaError> {
    for (name, schema) in theirs.into_iter().flatten() {
        let known = mine.get_or_insert_default();
        match known.get(&name) {
            Some(other) if *other != schema => return Err(SchemaError::Conflict { kind, name }),
            _ => known.insert(name, schema),
        };
    }
    Ok(())
}

fn merge_lists<T: PartialEq>(
    kind: &'static str,
    mine: &mut Option<Vec<T>>,
    theirs: Option<Vec<T>>,
    name: impl Fn(&T) -> &String,
) -> Result<(), SchemaError> {
    for item in theirs.into_iter().flatten() {
        let known = mine.get_or_insert_default();
        match known.iter().find(|other| name(other) == name(&item)) {
            Some(other) if *other != item => {
                return Err(SchemaError::Conflict { kind, name: name(&item).clone() });
            }
            Some(_) => {}
            None => known.push(item),
        }
    }
    Ok(())
}
