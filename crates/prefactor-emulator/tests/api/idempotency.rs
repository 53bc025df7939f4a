//! The same key again: the original answer, no second effect.

use serde_json::json;

use crate::support::{Api, span};

#[tokio::test]
async fn every_single_call_can_be_repeated() {
    let api = Api::start().await;
    let instance = api.register().await;
    let other_key = api.key();
    let span_id = api.create_span(&instance, json!({ "idempotency_key": other_key })).await.id();
    let calls = [
        ("/agent_instance/register".to_owned(), json!({})),
        (format!("/agent_instance/{instance}/start"), json!({})),
        (format!("/agent_instance/{instance}/record_quality"), json!({ "name": "q", "payload": {} })),
        ("/agent_spans".to_owned(), json!({ "details": span(&instance, json!({})) })),
        (format!("/agent_spans/{span_id}/finish"), json!({})),
        (format!("/agent_instance/{instance}/finish"), json!({ "status": "failed" })),
    ];

    for (path, mut body) in calls {
        body["idempotency_key"] = json!(api.key());
        let first = api.post(&path, body.clone()).await;
        let again = api.post(&path, body).await;
        assert_eq!(first.details(), again.details(), "{path}");
    }

    assert_eq!(api.emulator.replay_count(), 6);
    assert_eq!(api.emulator.instances().len(), 2);
    assert_eq!(api.emulator.span_count(), 2);
}

#[tokio::test]
async fn a_replayed_creation_shows_the_span_as_it_was_created() {
    let api = Api::start().await;
    let instance = api.started().await;
    let body = json!({ "details": span(&instance, json!({})), "idempotency_key": api.key() });

    let created = api.post("/agent_spans", body.clone()).await;
    api.finish_span(&created.id(), json!({ "result_payload": {} })).await.details();
    let replayed = api.post("/agent_spans", body).await;

    assert_eq!(created.body, replayed.body);
}

#[tokio::test]
async fn the_key_of_a_creation_stands_beside_details_or_inside() {
    let api = Api::start().await;
    let instance = api.started().await;
    let key = api.key();

    let inside = json!({ "details": span(&instance, json!({ "idempotency_key": key })) });
    let beside = json!({ "details": span(&instance, json!({})), "idempotency_key": key });
    let first = api.post("/agent_spans", inside).await;
    let second = api.post("/agent_spans", beside).await;

    assert_eq!(first.id(), second.id());
    assert_eq!(api.emulator.span_count(), 1);
}

#[tokio::test]
async fn bulk_and_single_calls_share_their_keys() {
    let api = Api::start().await;
    let instance = api.started().await;
    let key = api.key();
    let item = json!({ "_type": "agent_spans/create", "idempotency_key": key, "details": span(&instance, json!({})) });

    let first = api.bulk(json!([item])).await;
    let again = api.bulk(json!([item])).await;
    let single = api
        .post("/agent_spans", json!({ "details": span(&instance, json!({})), "idempotency_key": key }))
        .await;

    assert_eq!(first.body, again.body);
    assert_eq!(single.details(), &first.body["outputs"][&key]["details"]);
    assert_eq!(api.emulator.span_count(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let api = Api::start().await;
    let (instance, other) = (api.register().await, api.register().await);
    let body = json!({ "idempotency_key": api.key() });

    let first = api.post(&format!("/agent_instance/{instance}/start"), body.clone()).await;
    let other_action = api.post(&format!("/agent_instance/{instance}/finish"), body.clone()).await;
    let other_target = api.post(&format!("/agent_instance/{other}/start"), body).await;

    assert_eq!(first.status, 200);
    assert_eq!(other_action.refusal(), (409, "conflict"));
    assert_eq!(other_target.refusal(), (409, "conflict"));
}

#[tokio::test]
async fn an_error_is_not_remembered() {
    let api = Api::start().await;
    let instance = api.register().await;
    let path = format!("/agent_instance/{instance}/finish");
    let body = json!({ "idempotency_key": api.key() });

    let early = api.post(&path, body.clone()).await;
    api.post_nothing(&format!("/agent_instance/{instance}/start")).await.details();
    let retried = api.post(&path, body).await;

    assert_eq!(early.refusal(), (409, "invalid_action"));
    assert_eq!(retried.details()["status"], "complete");
}

#[tokio::test]
async fn a_key_has_8_to_64_characters() {
    let api = Api::start().await;

    for (length, status) in [(7, 422), (8, 200), (64, 200), (65, 422)] {
        let body = json!({ "idempotency_key": "k".repeat(length) });
        assert_eq!(api.post("/agent_instance/register", body).await.status, status, "{length}");
    }
}
