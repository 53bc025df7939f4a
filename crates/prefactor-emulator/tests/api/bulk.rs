//! Many actions in one request.

use prefactor_emulator::{InstanceStatus, SpanStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, own_id, span};

/// The keys that were processed, in no order.
fn processed(body: &Value) -> Vec<&str> {
    body["outputs"].as_object().expect("outputs").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_whole_run_fits_into_one_request() {
    let api = Api::start().await;
    let (instance, parent, child) = (own_id(&api), own_id(&api), own_id(&api));

    let answer = api
        .bulk(json!([
            { "_type": "agent_instances/register", "idempotency_key": "register-1", "id": instance },
            { "_type": "agent_instances/start", "idempotency_key": "start-00001", "agent_instance_id": instance },
            { "_type": "agent_spans/create", "idempotency_key": "create-00001", "details": span(&instance, json!({ "id": parent })) },
            { "_type": "agent_spans/create", "idempotency_key": "create-00002", "details": span(&instance, json!({ "id": child, "parent_span_id": parent, "status": "complete" })) },
            { "_type": "agent_spans/finish", "idempotency_key": "finish-00001", "agent_span_id": parent, "status": "failed", "result_payload": { "e": 1 } },
            { "_type": "agent_instances/record_quality", "idempotency_key": "quality-0001", "agent_instance_id": instance, "name": "q", "payload": {} },
            { "_type": "agent_instances/show", "idempotency_key": "show-000001", "agent_instance_id": instance },
            { "_type": "agent_instances/finish", "idempotency_key": "finish-00002", "agent_instance_id": instance },
        ]))
        .await;

    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("success")));
    let outputs = &answer.body["outputs"];
    assert_eq!(processed(&answer.body).len(), 8);
    assert_eq!(outputs["register-1"]["details"]["id"], instance);
    assert_eq!(outputs["create-00001"]["status"], "success");
    assert_eq!(outputs["create-00001"]["details"]["payload"], json!({ "prompt": "hello" }));
    assert_eq!(outputs["finish-00001"]["details"]["status"], "failed");
    assert_eq!(outputs["show-000001"]["details"]["span_counts"]["total"], 2);

    let record = api.emulator.instance(&instance).unwrap();
    assert_eq!(record.status, InstanceStatus::Complete);
    let spans = api.emulator.spans(&instance);
    assert_eq!(spans[0].status, SpanStatus::Failed);
    assert_eq!(spans[1].parent_span_id, Some(spans[0].id));
    let order = [
        Some(record.registered_sequence),
        record.started_sequence,
        Some(spans[0].created_sequence),
        Some(spans[1].created_sequence),
        spans[0].finished_sequence,
        record.finished_sequence,
    ];
    assert!(order.is_sorted() && order[0].is_some(), "{order:?}");
}

#[tokio::test]
async fn processing_stops_at_the_first_error() {
    let api = Api::start().await;
    let instance = api.started().await;
    let create = |key: &str, fields| json!({ "_type": "agent_spans/create", "idempotency_key": key, "details": span(&instance, fields) });

    let answer = api
        .bulk(json!([
            create("create-00001", json!({})),
            create("create-00002", json!({ "parent_span_id": own_id(&api) })),
            create("create-00003", json!({})),
        ]))
        .await;

    assert_eq!(answer.status, 200);
    assert_eq!(processed(&answer.body), ["create-00001", "create-00002"]);
    let error = &answer.body["outputs"]["create-00002"];
    assert_eq!((&error["status"], &error["code"]), (&json!("error"), &json!("validation_errors")));
    assert!(error["errors"]["parent_span_id"].is_array());
    assert_eq!(api.emulator.span_count(), 1);
}

#[tokio::test]
async fn every_kind_of_error_stops_it() {
    let api = Api::start().await;
    let instance = api.started().await;
    let bad_items = [
        (json!({ "_type": "agent_instances/start", "agent_instance_id": instance }), "invalid_action"),
        (json!({ "_type": "agent_spans/finish", "agent_span_id": own_id(&api) }), "not_found"),
        (json!({ "_type": "agent_spans/finish" }), "validation_errors"),
        (json!({ "_type": "agent_spans/create", "schema_name": "flat" }), "validation_errors"),
        (
            json!({ "_type": "agent_instances/finish", "agent_instance_id": instance, "status": 3 }),
            "validation_errors",
        ),
        (json!({ "_type": "no/such_action" }), "validation_errors"),
        (json!({ "_type": "agents/list" }), "unauthorized"),
    ];

    for (mut item, code) in bad_items {
        let (key, next) = (api.key(), api.key());
        item["idempotency_key"] = json!(key);
        let after = json!({ "_type": "agent_spans/create", "idempotency_key": next, "details": span(&instance, json!({})) });

        let answer = api.bulk(json!([item, after])).await;

        assert_eq!(answer.status, 200, "{item}");
        assert_eq!(processed(&answer.body), [key.as_str()], "{item}");
        assert_eq!(answer.body["outputs"][&key]["code"], code, "{item}");
    }
    assert_eq!(api.emulator.span_count(), 0);
}

#[tokio::test]
async fn keys_that_do_not_fit_refuse_the_whole_request() {
    let api = Api::start().await;
    let register = |key: Value| json!({ "_type": "agent_instances/register", "idempotency_key": key });

    let empty = api.bulk(json!([])).await;
    let missing = api.post("/bulk", json!({})).await;
    let short = api.bulk(json!([register(json!("long-enough")), register(json!("short"))])).await;
    let twice = api.bulk(json!([register(json!("key-00001")), register(json!("key-00001"))])).await;
    let none = api.bulk(json!([register(json!(null))])).await;
    let typeless = api.bulk(json!([{ "idempotency_key": "key-00001" }])).await;

    assert_eq!(empty.fields(), ["items"]);
    assert_eq!(missing.fields(), ["items"]);
    assert_eq!(short.fields(), ["items[1].idempotency_key"]);
    assert_eq!(twice.fields(), ["items[1].idempotency_key"]);
    assert_eq!(none.fields(), ["items[0].idempotency_key"]);
    assert_eq!(typeless.fields(), ["items[0]._type"]);
    assert!(api.emulator.instances().is_empty());
}

/// The Python client documents it like this, without a payload too.
#[tokio::test]
async fn a_span_is_created_flat_as_well() {
    let api = Api::start().await;
    let instance = api.started().await;
    let item = |key: &str, payload: Value| {
        json!({
            "_type": "agent_spans/create", "idempotency_key": key, "details": null,
            "agent_instance_id": instance, "schema_name": "agent:llm", "status": "active", "payload": payload,
        })
    };

    let answer =
        api.bulk(json!([item("create-0001", json!(null)), item("create-0002", json!({ "a": 1 }))])).await;

    let outputs = &answer.body["outputs"];
    assert_eq!(outputs["create-0001"]["details"]["payload"], json!({}));
    assert_eq!(outputs["create-0002"]["details"]["payload"], json!({ "a": 1 }));
    assert_eq!(api.emulator.span_count(), 2);
}

#[tokio::test]
async fn details_of_a_finish_are_silently_lost() {
    let api = Api::start().await;
    let instance = api.started().await;
    let id = api.create_span(&instance, json!({})).await.id();

    let answer = api
        .bulk(json!([{
            "_type": "agent_spans/finish", "idempotency_key": "finish-00001", "agent_span_id": id,
            "details": { "status": "failed", "result_payload": { "lost": true } },
        }]))
        .await;

    assert_eq!(answer.body["outputs"]["finish-00001"]["status"], "success");
    let span = &api.emulator.spans(&instance)[0];
    assert_eq!((span.status, &span.result_payload), (SpanStatus::Complete, &None));
}

#[tokio::test]
async fn lists_answer_summaries_to_the_account_token() {
    let api = Api::start().await;
    let instance = api.started().await;
    api.create_span(&instance, json!({})).await.details();

    let items = json!({ "items": [
        { "_type": "agents/list", "idempotency_key": "list-000001" },
        { "_type": "agent_instances/list", "idempotency_key": "list-000002", "agent_id": api.emulator.agent_id().to_string() },
        { "_type": "agent_spans/list", "idempotency_key": "list-000003", "agent_instance_id": instance, "pagination": { "page_size": 1 } },
        { "_type": "agents/create", "idempotency_key": "create-0001", "name": "flat" },
        { "_type": "agents/create", "idempotency_key": "create-0002", "details": { "name": "wrapped" } },
    ] });
    let answer = api.account(Method::POST, "/bulk", Some(items)).await;

    let outputs = &answer.body["outputs"];
    assert_eq!(outputs["list-000001"]["summaries"][0]["type"], "agent");
    assert_eq!(outputs["list-000002"]["summaries"][0]["id"], instance);
    assert_eq!(outputs["list-000003"]["pagination"]["page_size"], 1);
    assert_eq!(outputs["create-0001"]["details"]["name"], "flat");
    assert_eq!(outputs["create-0002"]["details"]["name"], "wrapped");
}
