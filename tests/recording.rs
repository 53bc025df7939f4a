use prefactor::{AgentVersion, Redactable, Schemas, Sensitive};
use prefactor_emulator::Emulator;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{PATIENCE, Server, assert_all_delivered};

#[test]
fn the_redactor_runs_before_anything_is_queued() {
    let server = Server::with(Emulator::builder().journal(100));
    let redactor = |_: Redactable<'_>, value: &mut Value| {
        if let Some(object) = value.as_object_mut() {
            object.remove("password");
        }
    };
    let prefactor = server.pipeline().redact(redactor).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("login", &json!({ "user": "ada", "password": "hunter2" }))
        .complete(&json!({ "password": "hunter2" }));
    run.record_quality("safety", &json!({ "password": "hunter2", "score": 1 }));
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let id = run.id().expect("a registered run");
    assert_eq!(server.spans(id)[0].payload, json!({ "user": "ada" }));
    assert_eq!(server.instance(id).expect("the run").qualities["safety"], json!({ "score": 1 }));
    let bodies: Vec<_> = server.journal().into_iter().map(|request| request.body).collect();
    assert!(!bodies.is_empty());
    assert!(bodies.iter().all(|body| !String::from_utf8_lossy(body).contains("hunter2")));
}

#[test]
fn sensitive_values_are_marked_for_the_api() {
    #[derive(Serialize)]
    struct Mail<'a> {
        to: Sensitive<&'a str>,
        age: Sensitive<u8>,
        subject: &'a str,
    }
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let mail = Mail {
        to: Sensitive::new("ada@example.org").label("personal"),
        age: Sensitive::new(36),
        subject: "hello",
    };
    run.span("mail", &mail).complete(&());
    run.span("result", &json!({})).complete(&json!({ "pin": Sensitive::new(1234_u32) }));
    run.span("plain", &json!({ "text": "nothing to hide" })).complete(&());
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let spans = server.spans(run.id().expect("a registered run"));
    let find = |name: &str| spans.iter().find(|span| span.schema_name == name).expect("the span");
    assert_eq!(
        find("mail").payload,
        json!({
            "to": { "$sensitive": "string", "value": "ada@example.org", "labels": ["personal"] },
            "age": { "$sensitive": "number", "value": 36 },
            "subject": "hello"
        })
    );
    assert!(find("mail").sensitive_encoding);
    assert!(find("result").sensitive_encoding);
    assert!(!find("plain").sensitive_encoding);
}

#[test]
fn schemas_of_several_sources_are_registered_with_the_run() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let ours = Schemas::new().span("agent:llm", json!({ "type": "object", "required": ["model"] }));
    let tools = r#"{ "span_schemas": { "agent:tool": { "type": "object" } },
                     "span_result_schemas": { "agent:tool": { "type": "array" } } }"#;
    let schemas = ours.merge(Schemas::from_json(tools).expect("schemas")).expect("no contradiction");

    let run = prefactor.instance(AgentVersion::new("agent", "v1")).schemas(schemas).start();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let registered =
        server.instance(run.id().expect("a registered run")).expect("the run").agent_schema_version;
    assert_eq!(
        registered.expect("schemas"),
        json!({
            "span_schemas": {
                "agent:llm": { "type": "object", "required": ["model"] },
                "agent:tool": { "type": "object" }
            },
            "span_result_schemas": { "agent:tool": { "type": "array" } }
        })
    );
}

#[test]
fn a_quality_record_can_be_replaced_and_cleared() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.record_quality("helpfulness", &json!({ "score": 1 }));
    run.record_quality("helpfulness", &json!({ "score": 5 }));
    run.record_quality("tone", &json!({ "score": 2 }));
    run.clear_quality("tone");
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let qualities = server.instance(run.id().expect("a registered run")).expect("the run").qualities;
    assert_eq!(qualities.get("helpfulness"), Some(&json!({ "score": 5 })));
    assert_eq!(qualities.get("tone"), None);
}
