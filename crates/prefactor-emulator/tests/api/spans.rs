//! Creating and finishing spans.

use prefactor_emulator::{Emulator, SpanStatus};
use serde_json::json;

use crate::support::{Api, foreign_id, own_id};

#[tokio::test]
async fn a_span_is_created_and_finished() {
    let api = Api::start().await;
    let instance = api.started().await;

    let created = api
        .create_span(
            &instance,
            json!({ "started_at": "2026-03-01T10:00:00Z", "finished_at": null, "parent_span_id": null }),
        )
        .await;
    let id = created.id();
    let finished = api
        .finish_span(&id, json!({ "result_payload": { "text": "hi" }, "timestamp": "2026-03-01T10:00:01Z" }))
        .await;

    assert_eq!(created.details()["type"], "agent_span");
    assert_eq!(created.details()["status"], "active");
    assert_eq!(created.details()["payload"], json!({ "prompt": "hello" }));
    assert_eq!(created.details()["result_payload"], json!(null));
    assert_eq!(created.details()["agent_instance_id"], instance);
    assert_eq!(created.details()["started_at"], "2026-03-01T10:00:00.000000Z");
    assert_eq!(finished.details()["status"], "complete");
    assert_eq!(finished.details()["payload"], json!({ "prompt": "hello" }));
    assert_eq!(finished.details()["result_payload"], json!({ "text": "hi" }));
    assert_eq!(finished.details()["finished_at"], "2026-03-01T10:00:01.000000Z");
    assert!(created.body.get("control").is_none());

    let [span] = &api.emulator.spans(&instance)[..] else { panic!("one span") };
    assert_eq!(span.id.to_string(), id);
    assert_eq!(span.status, SpanStatus::Complete);
    assert!(Some(span.created_sequence) < span.finished_sequence);
}

#[tokio::test]
async fn a_span_can_be_born_finished() {
    let api = Api::start().await;
    let instance = api.started().await;

    let fields = json!({
        "status": "failed", "result_payload": { "error": "no" },
        "started_at": "2026-03-01T10:00:00.5Z", "finished_at": "2026-03-01T10:00:01.25Z",
    });
    let created = api.create_span(&instance, fields).await;

    assert_eq!(created.details()["status"], "failed");
    assert_eq!(created.details()["finished_at"], "2026-03-01T10:00:01.250000Z");
    assert_eq!(api.finish_span(&created.id(), json!({})).await.refusal(), (409, "invalid_action"));
    let [span] = &api.emulator.spans(&instance)[..] else { panic!("one span") };
    assert_eq!(span.result_payload, Some(json!({ "error": "no" })));
    assert_eq!(span.finished_sequence, Some(span.created_sequence));
}

#[tokio::test]
async fn a_pending_span_can_only_be_cancelled() {
    let api = Api::start().await;
    let instance = api.started().await;
    let id = api.create_span(&instance, json!({ "status": "pending" })).await.id();

    assert_eq!(
        api.finish_span(&id, json!({ "status": "complete" })).await.refusal(),
        (409, "invalid_action")
    );
    let cancelled = api.finish_span(&id, json!({ "status": "cancelled" })).await;

    assert_eq!(cancelled.details()["status"], "cancelled");
    assert_eq!(cancelled.details()["started_at"], json!(null));
}

#[tokio::test]
async fn an_active_span_is_cancelled_unless_the_reference_is_followed() {
    for (strict, expected) in [(false, 200), (true, 409)] {
        let api = Api::with(Emulator::builder().strict_cancel(strict)).await;
        let instance = api.started().await;
        let id = api.create_span(&instance, json!({})).await.id();

        let answer = api.finish_span(&id, json!({ "status": "cancelled" })).await;

        assert_eq!(answer.status, expected, "strict: {strict}");
    }
}

#[tokio::test]
async fn a_parent_must_exist_in_the_same_run() {
    let api = Api::start().await;
    let (instance, other) = (api.started().await, api.started().await);
    let parent = api.create_span(&instance, json!({})).await.id();

    let child = api.create_span(&instance, json!({ "parent_span_id": parent })).await;
    let stranger = api.create_span(&other, json!({ "parent_span_id": parent })).await;
    let orphan = api.create_span(&instance, json!({ "parent_span_id": own_id(&api) })).await;

    assert_eq!(child.details()["parent_span_id"], parent);
    assert_eq!(stranger.fields(), ["parent_span_id"]);
    assert_eq!(orphan.fields(), ["parent_span_id"]);
    assert_eq!(api.emulator.span_count(), 2);
}

#[tokio::test]
async fn a_chosen_id_is_kept_if_it_belongs_to_the_account() {
    let api = Api::start().await;
    let instance = api.started().await;
    let id = own_id(&api);

    let chosen = api.create_span(&instance, json!({ "id": id })).await;
    let again = api.create_span(&instance, json!({ "id": id })).await;
    let foreign = api.create_span(&instance, json!({ "id": foreign_id(&api) })).await;

    assert_eq!(chosen.id(), id);
    assert_eq!(again.refusal(), (409, "conflict"));
    assert_eq!(foreign.fields(), ["id"]);
}

#[tokio::test]
async fn spans_are_taken_before_the_start_and_after_the_finish() {
    let api = Api::start().await;
    let instance = api.register().await;

    let early = api.create_span(&instance, json!({})).await;
    api.post_nothing(&format!("/agent_instance/{instance}/start")).await.details();
    api.post_nothing(&format!("/agent_instance/{instance}/finish")).await.details();
    let late = api.finish_span(&early.id(), json!({})).await;
    let later = api.create_span(&instance, json!({})).await;

    assert_eq!((early.status, late.status, later.status), (200, 200, 200));
    let record = api.emulator.instance(&instance).unwrap();
    let spans = api.emulator.spans(&instance);
    assert!(spans[0].created_sequence < record.started_sequence.unwrap());
    assert!(spans[1].created_sequence > record.finished_sequence.unwrap());
}

#[tokio::test]
async fn a_run_counts_its_spans() {
    let api = Api::start().await;
    let instance = api.started().await;
    for status in ["pending", "active", "active", "complete", "failed"] {
        api.create_span(&instance, json!({ "status": status })).await.details();
    }
    let active = api.emulator.spans(&instance)[1].id.to_string();

    api.finish_span(&active, json!({ "status": "cancelled" })).await.details();

    let shown = api.get(&format!("/agent_instance/{instance}")).await;
    assert_eq!(
        shown.details()["span_counts"],
        json!({ "total": 5, "pending": 1, "active": 1, "complete": 1, "failed": 1, "cancelled": 1, "finished": 3 })
    );
    assert_eq!(api.emulator.instance(&instance).unwrap().span_counts.total(), 5);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let api = Api::start().await;
    let instance = api.started().await;

    let nothing = api.post("/agent_spans", json!({})).await;
    let empty = api.post("/agent_spans", json!({ "details": {} })).await;
    let flat = api.post("/agent_spans", json!({ "details": [instance, "s", "active", {}] })).await;
    let wrong = api
        .create_span(
            &instance,
            json!({ "schema_name": 1, "status": "done", "payload": [], "started_at": "noon", "id": 3 }),
        )
        .await;
    let blank = api.create_span(&instance, json!({ "schema_name": " " })).await;
    let cancelled = api.create_span(&instance, json!({ "status": "cancelled" })).await;

    assert_eq!(nothing.fields(), ["details"]);
    assert_eq!(empty.fields(), ["agent_instance_id", "schema_name", "status"]);
    assert_eq!(flat.fields(), ["details"]);
    assert_eq!(wrong.fields(), ["id", "payload", "schema_name", "started_at", "status"]);
    assert_eq!(blank.fields(), ["schema_name"]);
    assert_eq!(cancelled.fields(), ["status"]);
    assert_eq!(api.emulator.span_count(), 0);
}

#[tokio::test]
async fn sensitive_values_are_kept_and_shown_redacted() {
    let api = Api::start().await;
    let instance = api.started().await;
    let payload = json!({ "user": { "$sensitive": "string", "value": "ada", "labels": ["personal"] } });
    let redacted = json!({ "user": { "$sensitive": "string", "redacted": true, "labels": ["personal"] } });

    let created = api.create_span(&instance, json!({ "payload": payload, "sensitive_encoding": true })).await;
    let plain = api.create_span(&instance, json!({ "payload": payload })).await;
    let finished = api
        .finish_span(&created.id(), json!({ "result_payload": payload, "sensitive_encoding": true }))
        .await;

    assert_eq!(created.details()["payload"], redacted);
    assert_eq!(plain.details()["payload"], payload);
    assert_eq!(finished.details()["result_payload"], redacted);
    let span = &api.emulator.spans(&instance)[0];
    assert!(span.sensitive_encoding);
    assert_eq!((&span.payload, span.result_payload.as_ref()), (&payload, Some(&payload)));
}

#[tokio::test]
async fn a_payload_keeps_its_bytes() {
    let api = Api::start().await;
    let instance = api.started().await;
    let payload = r#"{"b":1.0,"a":1e400,"big":12345678901234567890123,"s":"\u0041\n","deep":[[[[]]]]}"#;

    let body = format!(
        r#"{{"details":{{"agent_instance_id":"{instance}","schema_name":"s","status":"active","payload":{payload}}}}}"#
    );
    let response = api
        .client
        .post(format!("{}/api/v1/agent_spans", api.emulator.url()))
        .bearer_auth(api.emulator.token())
        .body(body)
        .send()
        .await
        .unwrap();

    assert!(response.text().await.unwrap().contains(payload));
}
