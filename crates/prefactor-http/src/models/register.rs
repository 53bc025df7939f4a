//! What a run tells about its agent when it registers (API contract, Instances).

use std::collections::BTreeMap;

use serde_json::Value;

use super::request::request;

request! {
    /// The version of an agent.
    #[derive(Default)]
    pub struct AgentVersionForRegister {
        required {}
        optional {
            /// Its name.
            name: String,
            /// The caller's own name for the version, such as `v1.4.0`.
            external_identifier: String,
            /// What it does.
            description: String,
            /// What it runs on.
            runtime_environment: RuntimeEnvironment,
        }
    }
}

request! {
    /// What an agent runs on.
    #[derive(Default)]
    pub struct RuntimeEnvironment {
        required {}
        optional {
            /// The frameworks that the agent is built with, such as `rig@0.5.0`.
            agent_sdk: Vec<String>,
            /// The operating system.
            os: String,
            /// The layers of the telemetry, outermost first.
            prefactor_sdk: Vec<String>,
            /// The language and its version.
            runtime: String,
        }
    }
}

request! {
    /// What the spans of an agent look like.
    #[derive(Default)]
    pub struct AgentSchemaVersionForRegister {
        required {}
        optional {
            /// The caller's own name for this set of schemas.
            external_identifier: String,
            /// JSON schemas of payloads, by the name of the span type.
            span_schemas: BTreeMap<String, Value>,
            /// JSON schemas of results, by the name of the span type.
            span_result_schemas: BTreeMap<String, Value>,
            /// The same and more, as a list.
            span_type_schemas: Vec<SpanTypeSchemaForCreate>,
            /// What judgements of a run's quality look like.
            quality_schemas: Vec<QualitySchemaForCreate>,
        }
    }
}

request! {
    /// One type of span.
    ///
    /// ```
    /// use prefactor_http::{AgentSchemaVersionForRegister, SpanTypeSchemaForCreate};
    /// use serde_json::json;
    ///
    /// let llm = SpanTypeSchemaForCreate::new("agent:llm", json!({ "type": "object" })).title("Model call");
    /// let schemas = AgentSchemaVersionForRegister::new().external_identifier("1").span_type_schemas([llm]);
    /// assert_eq!(
    ///     serde_json::to_value(schemas)?,
    ///     json!({
    ///         "external_identifier": "1",
    ///         "span_type_schemas": [{
    ///             "name": "agent:llm", "params_schema": { "type": "object" }, "title": "Model call",
    ///         }],
    ///     })
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct SpanTypeSchemaForCreate {
        required {
            /// The name that spans refer to.
            name: String,
            /// A JSON schema of the payload.
            params_schema: Value,
        }
        optional {
            /// A JSON schema of the result.
            result_schema: Value,
            /// A name for humans.
            title: String,
            /// What such a span stands for.
            description: String,
            /// How a payload is summed up.
            template: String,
            /// How a result is summed up.
            result_template: String,
            /// What the data may expose.
            data_risk: Value,
        }
    }
}

request! {
    /// One kind of judgement of a run's quality.
    pub struct QualitySchemaForCreate {
        required {
            /// The name that judgements refer to.
            name: String,
            /// A JSON schema of the judgement.
            schema: Value,
        }
        optional {
            /// A name for humans.
            title: String,
            /// What is judged.
            description: String,
            /// How a judgement is summed up.
            template: String,
            /// What the data may expose.
            data_risk: Value,
        }
    }
}
