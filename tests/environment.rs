use prefactor::{AgentVersion, Builder, Prefactor};
use prefactor_emulator::{Emulator, InstanceRecord, ServerError, SpanRecord};
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered, assert_settled};

/// A pipeline that knows the server from the environment alone, with these variables beside.
fn pipeline(server: &Server, variables: &[(&str, &str)]) -> Builder {
    let mut all = vec![("PREFACTOR_API_URL", server.url()), ("PREFACTOR_API_TOKEN", server.token())];
    all.extend_from_slice(variables);
    let lookup =
        |name: &str| all.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
    Prefactor::builder().env_from(lookup).expect("usable variables")
}

/// What the server gets of one run with one span, under these variables.
fn recorded(variables: &[(&str, &str)]) -> (InstanceRecord, SpanRecord) {
    let server = Server::start();
    recorded_on(&server, variables)
}

fn recorded_on(server: &Server, variables: &[(&str, &str)]) -> (InstanceRecord, SpanRecord) {
    let prefactor = pipeline(server, variables).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::default()).start();
    run.span("step", &json!({ "text": "0123456789" })).complete(&json!({ "text": "abcdefghij" }));
    run.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);
    assert_all_delivered(&prefactor, &report.ledger);
    let instance = server.instances().remove(0);
    let span = server.spans(instance.id).remove(0);
    (instance, span)
}

#[test]
fn url_and_token_are_enough() {
    let (_, span) = recorded(&[]);

    assert_eq!(span.payload, json!({ "text": "0123456789" }));
    assert_eq!(span.result_payload, Some(json!({ "text": "abcdefghij" })));
}

#[test]
fn the_agents_version_is_named() {
    let variables = [("PREFACTOR_AGENT_NAME", "researcher"), ("PREFACTOR_AGENT_IDENTIFIER", "v1.4.0")];
    let (instance, _) = recorded(&variables);

    assert_eq!(instance.agent_version.name.as_deref(), Some("researcher"));
    assert_eq!(instance.agent_version.external_identifier.as_deref(), Some("v1.4.0"));
}

#[test]
fn the_agent_is_chosen() {
    let server = Server::with(Emulator::builder().agent("another-agent"));
    let agents = server.agents();
    let other = agents.iter().find(|agent| agent.id != server.agent_id()).unwrap_or(&agents[0]);

    let (instance, _) = recorded_on(&server, &[("PREFACTOR_AGENT_ID", &other.id.to_string())]);

    assert_eq!(instance.agent_id, other.id);
}

#[test]
fn inputs_are_not_captured() {
    let (_, span) = recorded(&[("PREFACTOR_CAPTURE_INPUTS", "false")]);

    assert_eq!(span.payload, json!({}));
    assert_eq!(span.result_payload, Some(json!({ "text": "abcdefghij" })));
}

#[test]
fn outputs_are_not_captured() {
    let (_, span) = recorded(&[("PREFACTOR_CAPTURE_OUTPUTS", "false")]);

    assert_eq!(span.payload, json!({ "text": "0123456789" }));
    assert_eq!(span.result_payload, None);
}

#[test]
fn long_strings_are_cut() {
    let lengths = [("PREFACTOR_MAX_INPUT_LENGTH", "4"), ("PREFACTOR_MAX_OUTPUT_LENGTH", "2")];
    let (_, span) = recorded(&lengths);

    assert_eq!(span.payload, json!({ "text": "0123…[truncated]" }));
    assert_eq!(span.result_payload, Some(json!({ "text": "ab…[truncated]" })));
}

#[test]
fn runs_are_sampled_whole_or_not_at_all() {
    for (rate, expected) in [("0.0", 0..=0), ("0.5", 50..=150), ("1", 200..=200)] {
        let server = Server::start();
        let prefactor = pipeline(&server, &[("PREFACTOR_SAMPLE_RATE", rate)]).build().expect("a pipeline");
        for _ in 0..200 {
            let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
            run.span("step", &json!({})).child("step", &json!({})).complete(&());
            run.finish();
        }
        let report = prefactor.shutdown_blocking(PATIENCE);

        assert_all_delivered(&prefactor, &report.ledger);
        let runs = server.instances();
        assert!(expected.contains(&runs.len()), "{} runs at a rate of {rate}", runs.len());
        assert!(runs.iter().all(|run| server.spans(run.id).len() == 2));
    }
}

#[test]
fn only_the_named_statuses_are_tried_again() {
    let server = Server::start();
    server
        .set_faults(prefactor_emulator::Faults::new().server_error(ServerError::new().status(503).times(1)));
    let codes = [("PREFACTOR_RETRY_ON_STATUS_CODES", "429,nonsense,500")];
    let prefactor = pipeline(&server, &codes).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.finish();

    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_settled(&prefactor, &report.ledger);
    assert_eq!(report.ledger.rejected_total(), report.ledger.accepted, "the 503 was final");

    // Without the variable the same 503 is tried again.
    server
        .set_faults(prefactor_emulator::Faults::new().server_error(ServerError::new().status(503).times(1)));
    recorded_on(&server, &[]);
}

#[test]
fn a_value_that_can_not_be_used_is_named() {
    let message = |variable: &'static str, value: &'static str| {
        let lookup = move |name: &str| (name == variable).then(|| value.to_owned());
        let error = Prefactor::builder().env_from(lookup).expect_err("an unusable value");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };

    assert!(
        message("PREFACTOR_SAMPLE_RATE", "often")
            .starts_with("PREFACTOR_SAMPLE_RATE is not usable: a sample")
    );
    assert!(
        message("PREFACTOR_CAPTURE_INPUTS", "perhaps")
            .contains("PREFACTOR_CAPTURE_INPUTS must be true or false")
    );
    assert!(
        message("PREFACTOR_MAX_INPUT_LENGTH", "-1")
            .contains("PREFACTOR_MAX_INPUT_LENGTH must be a whole number")
    );
    assert!(message("PREFACTOR_LOG_LEVEL", "loud").contains("one of off, error"));
    assert!(message("PREFACTOR_API_URL", "http://api.example").contains("https://"));
    assert!(!message("PREFACTOR_API_TOKEN", "se cret").contains("cret"));
}
