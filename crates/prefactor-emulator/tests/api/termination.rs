//! An operator ends a run: every span call's answer says so.

use prefactor_emulator::{InstanceStatus, TerminateError};
use reqwest::Method;
use serde_json::json;

use crate::support::{Api, span};

#[tokio::test]
async fn after_a_termination_span_calls_carry_the_signal() {
    let api = Api::start().await;
    let instance = api.started().await;
    let id = api.create_span(&instance, json!({})).await.id();

    api.emulator.terminate(&instance, "too expensive").unwrap();
    let created = api.create_span(&instance, json!({})).await;
    let finished = api.finish_span(&id, json!({})).await;
    let bulk = api
        .bulk(json!([{ "_type": "agent_spans/create", "idempotency_key": "create-0001", "details": span(&instance, json!({})) }]))
        .await;

    let control = json!({ "terminate": true, "reason": "too expensive" });
    assert_eq!(created.body["control"], control);
    assert_eq!(finished.body["control"], control);
    assert_eq!(bulk.body["outputs"]["create-0001"]["control"], control);
    assert_eq!(api.emulator.span_count(), 3);
}

#[tokio::test]
async fn a_terminated_run_shows_its_status_and_can_not_finish() {
    let api = Api::start().await;
    let instance = api.started().await;
    let path = format!("/agent_instance/{instance}");

    let body = Some(json!({ "reason": "stop" }));
    let terminated = api.account(Method::POST, &format!("{path}/terminate"), body).await;
    let shown = api.get(&path).await;
    let finished = api.post_nothing(&format!("{path}/finish")).await;

    assert_eq!(terminated.details()["status"], "terminated");
    assert_eq!(shown.details()["termination_reason"], "stop");
    assert_eq!(finished.refusal(), (409, "invalid_action"));
    assert_eq!(api.emulator.instance(&instance).unwrap().status, InstanceStatus::Terminated);
}

#[tokio::test]
async fn another_run_hears_nothing_of_it() {
    let api = Api::start().await;
    let (ended, running) = (api.started().await, api.started().await);

    api.emulator.terminate(&ended, "stop").unwrap();

    assert!(api.create_span(&running, json!({})).await.body.get("control").is_none());
}

#[tokio::test]
async fn only_a_running_instance_can_be_terminated_by_an_account_token_with_a_reason() {
    let api = Api::start().await;
    let instance = api.started().await;
    let path = format!("/agent_instance/{instance}/terminate");

    assert_eq!(api.post(&path, json!({ "reason": "stop" })).await.refusal(), (403, "unauthorized"));
    assert_eq!(api.account(Method::POST, &path, None).await.fields(), ["reason"]);
    api.emulator.terminate(&instance, "stop").unwrap();
    let again = api.account(Method::POST, &path, Some(json!({ "reason": "stop" }))).await;
    assert_eq!(again.refusal(), (409, "invalid_action"));
    assert!(matches!(api.emulator.terminate(&instance, "stop"), Err(TerminateError::AlreadyEnded { .. })));
    assert!(matches!(
        api.emulator.terminate("nonsense", "stop"),
        Err(TerminateError::UnknownInstance { .. })
    ));
}
