use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::fixture::{self, at, cancel, create, finish, finish_as, finish_instance, operation, stem};
use crate::operation::SpanFinish;
use crate::payload::Json;

/// The items of a body, a member a line.
fn wire(actions: Vec<Action>) -> String {
    let run = fixture::run(&fixture::pipeline(), 1);
    let operations: Vec<_> = actions.into_iter().map(|action| operation(&run, action)).collect();
    let body = body(&operations);
    serde_json::from_slice::<Value>(&body).expect("JSON");
    lines(&body)
}

fn lines(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace(",\"", ",\n\"").replace("},{", "},\n{")
}

fn finished(create: Action, finish: SpanFinish) -> Action {
    match create {
        Action::CreateSpan(create) => {
            Action::CreateSpan(CreateSpan { end: SpanEnd::Finished(finish), ..create })
        }
        other => other,
    }
}

fn sensitive_finish() -> SpanFinish {
    let result = Some(Json::from(br#"{"pin":{"$sensitive":"number","value":1}}"#.as_slice()).marked(true));
    SpanFinish { status: FinishStatus::Failed, at: at(7), result }
}

#[test]
fn a_run_begins_with_its_registration_and_its_start() {
    let text = wire(vec![fixture::register(), fixture::start()]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_instances/register",
    "idempotency_key":"r01kdyak3se0000000000000001",
    "id":"01kdyak3se00001a0000000000000001",
    "agent_version":{"name":"a"}},
    {"_type":"agent_instances/start",
    "idempotency_key":"s01kdyak3se0000000000000001",
    "agent_instance_id":"01kdyak3se00001a0000000000000001",
    "timestamp":"2026-01-02T03:04:05.000001Z"}]}
    "#);
}

#[test]
fn a_span_is_created_active_and_finished_flat() {
    let text = wire(vec![create(2, None), finish(2)]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_spans/create",
    "idempotency_key":"c01kdyak3se0000000000000002",
    "details":{"agent_instance_id":"01kdyak3se00001a0000000000000001",
    "id":"01kdyak3se00001a0000000000000002",
    "schema_name":"agent:llm",
    "payload":{"n":1},
    "status":"active",
    "started_at":"2026-01-02T03:04:05.000002Z"}},
    {"_type":"agent_spans/finish",
    "idempotency_key":"f01kdyak3se0000000000000002",
    "agent_span_id":"01kdyak3se00001a0000000000000002",
    "status":"complete",
    "timestamp":"2026-01-02T03:04:05.000502Z",
    "result_payload":{"ok":true}}]}
    "#);
}

#[test]
fn a_span_is_born_finished_below_its_parent() {
    let text = wire(vec![finished(create(3, Some(2)), sensitive_finish())]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_spans/create",
    "idempotency_key":"c01kdyak3se0000000000000003",
    "details":{"agent_instance_id":"01kdyak3se00001a0000000000000001",
    "id":"01kdyak3se00001a0000000000000003",
    "parent_span_id":"01kdyak3se00001a0000000000000002",
    "schema_name":"agent:llm",
    "payload":{"n":1},
    "status":"failed",
    "started_at":"2026-01-02T03:04:05.000003Z",
    "finished_at":"2026-01-02T03:04:05.000007Z",
    "result_payload":{"pin":{"$sensitive":"number",
    "value":1}},
    "sensitive_encoding":true}}]}
    "#);
}

#[test]
fn a_span_without_a_result_has_no_result_payload() {
    let text = wire(vec![finish_as(2, FinishStatus::Failed, None)]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_spans/finish",
    "idempotency_key":"f01kdyak3se0000000000000002",
    "agent_span_id":"01kdyak3se00001a0000000000000002",
    "status":"failed",
    "timestamp":"2026-01-02T03:04:05.000502Z"}]}
    "#);
}

#[test]
fn a_cancelled_span_is_created_pending() {
    let Action::CreateSpan(created) = create(2, None) else { panic!("a create") };

    let text = wire(vec![Action::CreateSpan(CreateSpan { end: SpanEnd::Cancelled, ..created }), cancel(2)]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_spans/create",
    "idempotency_key":"c01kdyak3se0000000000000002",
    "details":{"agent_instance_id":"01kdyak3se00001a0000000000000001",
    "id":"01kdyak3se00001a0000000000000002",
    "schema_name":"agent:llm",
    "payload":{"n":1},
    "status":"pending",
    "started_at":"2026-01-02T03:04:05.000002Z"}},
    {"_type":"agent_spans/finish",
    "idempotency_key":"x01kdyak3se0000000000000002",
    "agent_span_id":"01kdyak3se00001a0000000000000002",
    "status":"cancelled",
    "timestamp":"2026-01-02T03:04:05.000502Z"}]}
    "#);
}

#[test]
fn a_run_ends_with_its_quality_and_its_finish() {
    let text = wire(vec![fixture::quality(4), finish_instance(FinishStatus::Complete)]);

    assert_snapshot!(text, @r#"
    {"items":[{"_type":"agent_instances/record_quality",
    "idempotency_key":"q01kdyak3se0000000000000004",
    "agent_instance_id":"01kdyak3se00001a0000000000000001",
    "name":"q",
    "payload":{"s":5}},
    {"_type":"agent_instances/finish",
    "idempotency_key":"e01kdyak3se0000000000000001",
    "agent_instance_id":"01kdyak3se00001a0000000000000001",
    "status":"complete",
    "timestamp":"2026-01-02T03:04:05.000999Z"}]}
    "#);
}

#[test]
fn a_registration_without_a_known_id_leaves_it_to_the_server() {
    let run = fixture::new_run(&fixture::pipeline_without_partition(), 1);

    let body = body(&[operation(&run, fixture::register())]);

    assert_snapshot!(lines(&body), @r#"
    {"items":[{"_type":"agent_instances/register",
    "idempotency_key":"r01kdyak3se0000000000000001",
    "agent_version":{"name":"a"}}]}
    "#);
}

#[test]
fn a_sensitive_payload_marks_its_item() {
    let Action::CreateSpan(created) = create(2, None) else { panic!("a create") };

    let members = created.members.clone().marked(true);
    let text = wire(vec![Action::CreateSpan(CreateSpan { members, ..created })]);

    assert!(text.contains("\"sensitive_encoding\":true"), "{text}");
}

#[test]
fn keys_are_as_long_as_the_api_allows_and_differ_by_kind_and_status() {
    let run = fixture::run(&fixture::pipeline(), 1);
    let actions = [
        fixture::register(),
        fixture::start(),
        create(1, None),
        finish(1),
        cancel(1),
        fixture::quality(1),
        finish_instance(FinishStatus::Failed),
        finish_instance(FinishStatus::Cancelled),
    ];

    let mut keys: Vec<_> = actions.map(|action| key(&operation(&run, action))).into();

    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 8);
    assert!(keys.iter().all(|key| (8..=64).contains(&key.len()) && key[1..] == stem(1).encode()));
}

prop_compose! {
    fn any_finish()(
        status in prop::sample::select(&[FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled][..]),
        result in prop::option::of("[a-z]{0,60}"),
        sensitive: bool,
    ) -> SpanFinish {
        let result = result.map(|text| Json::from(format!(r#"{{"r":"{text}"}}"#).as_bytes()).marked(sensitive));
        SpanFinish { status, at: at(9), result }
    }
}

prop_compose! {
    fn any_create()(
        parent in prop::option::of(0..9_u32),
        text in "[a-z]{0,60}",
        sensitive: bool,
        end in prop::option::of(any_finish()),
        pending: bool,
    ) -> Action {
        let end = match end {
            Some(finish) => SpanEnd::Finished(finish),
            None if pending => SpanEnd::Cancelled,
            None => SpanEnd::Open,
        };
        let members = Json::from(format!(r#""schema_name":"s","payload":{{"t":"{text}"}}"#).as_bytes()).marked(sensitive);
        Action::CreateSpan(CreateSpan { id: stem(9), parent: parent.map(stem), started_at: at(1), members, end })
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..5).prop_map(|kind| match kind {
            0 => fixture::register(),
            1 => fixture::start(),
            2 => fixture::quality(1),
            3 => finish_instance(FinishStatus::Cancelled),
            _ => crate::fixture::register(),
        }),
        any_create(),
        any_finish().prop_map(|finish| Action::FinishSpan { id: stem(9), finish }),
    ]
}

proptest! {
    /// The batch limit in bytes is kept by estimates, so these must never be too low.
    #[test]
    fn an_item_is_never_longer_than_estimated(actions in prop::collection::vec(any_action(), 1..5)) {
        let run = fixture::run(&fixture::pipeline(), 1);
        let operations: Vec<_> = actions.into_iter().map(|action| operation(&run, action)).collect();
        for operation in &operations {
            let body = body(std::slice::from_ref(operation));
            let len = body.len() - r#"{"items":[]}"#.len();
            prop_assert!(len < estimated_len(operation), "{}", String::from_utf8_lossy(&body));
        }
        let body = body(&operations);
        let parsed: Value = serde_json::from_slice(&body).expect("JSON");
        prop_assert_eq!(parsed["items"].as_array().map(Vec::len), Some(operations.len()));
    }
}
