//! Registering, starting and finishing runs.

use prefactor_emulator::{Emulator, InstanceStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, foreign_id, own_id};

#[tokio::test]
async fn a_run_goes_from_pending_to_complete() {
    let api = Api::start().await;

    let registered = api.post_nothing("/agent_instance/register").await;
    let id = registered.id();
    let started = api
        .post(
            &format!("/agent_instance/{id}/start"),
            json!({ "timestamp": "2026-03-01T10:00:00.123456+00:00" }),
        )
        .await;
    let finished = api
        .post(&format!("/agent_instance/{id}/finish"), json!({ "timestamp": "2026-03-01T12:00:01+02:00" }))
        .await;

    assert_eq!(registered.details()["status"], "pending");
    assert_eq!(registered.details()["started_at"], json!(null));
    assert_eq!(started.details()["status"], "active");
    assert_eq!(started.details()["started_at"], "2026-03-01T10:00:00.123456Z");
    assert_eq!(finished.details()["status"], "complete");
    assert_eq!(finished.details()["finished_at"], "2026-03-01T10:00:01.000000Z");

    let record = api.emulator.instance(&id).unwrap();
    assert_eq!(record.status, InstanceStatus::Complete);
    assert!(Some(record.registered_sequence) < record.started_sequence);
    assert!(record.started_sequence < record.finished_sequence);
}

#[tokio::test]
async fn an_answer_has_every_field_of_the_contract() {
    let api = Api::start().await;

    let body = json!({ "external_identifier": "run-1", "purpose": "eval", "environment_id": null });
    let answer = api.post("/agent_instance/register", body).await;

    let details = answer.details();
    assert_eq!(details["type"], "agent_instance");
    assert_eq!(details["account_id"], api.emulator.account_id().to_string());
    assert_eq!(details["agent_id"], api.emulator.agent_id().to_string());
    assert_eq!(details["environment_id"], api.emulator.environment_id().to_string());
    for id in ["id", "agent_version_id", "agent_deployment_id"] {
        let id: prefactor_pfid::Pfid = details[id].as_str().unwrap().parse().unwrap();
        assert_eq!(id.partition(), api.emulator.account_id().partition());
    }
    for moment in ["inserted_at", "updated_at"] {
        assert!(details[moment].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(details["external_identifier"], "run-1");
    assert_eq!(details["purpose"], "eval");
    assert_eq!(details["termination_reason"], json!(null));
    assert_eq!(
        details["span_counts"],
        json!({ "total": 0, "pending": 0, "active": 0, "complete": 0, "failed": 0, "cancelled": 0, "finished": 0 })
    );
    assert_eq!(api.get(&format!("/agent_instance/{}", answer.id())).await.details(), details);
}

#[tokio::test]
async fn what_was_registered_is_in_the_record() {
    let api = Api::start().await;
    let schemas = json!({ "external_identifier": "s1", "span_type_schemas": [
        { "name": "agent:llm", "params_schema": { "type": "object" }, "title": "Model call" },
        { "name": "agent:tool", "params_schema": { "type": "object" } },
    ] });

    let id = api
        .post(
            "/agent_instance/register",
            json!({
                "agent_version": {
                    "name": "Agent", "external_identifier": "v2",
                    "runtime_environment": { "runtime": "rust", "prefactor_sdk": ["prefactor@0.1.0"] },
                },
                "agent_schema_version": schemas,
            }),
        )
        .await
        .id();
    let span = api.create_span(&id, json!({})).await;
    let untitled = api.create_span(&id, json!({ "schema_name": "agent:tool" })).await;
    let unknown = api.create_span(&id, json!({ "schema_name": "agent:other" })).await;

    let record = api.emulator.instance(&id).unwrap();
    assert_eq!(record.agent_version.external_identifier.as_deref(), Some("v2"));
    assert_eq!(record.agent_version.runtime_environment.unwrap()["runtime"], "rust");
    assert_eq!(record.agent_schema_version, Some(schemas));
    assert_eq!(span.details()["schema_title"], "Model call");
    assert_eq!(untitled.details()["schema_title"], "agent:tool");
    assert_eq!(unknown.details()["schema_title"], Value::Null);
}

#[tokio::test]
async fn runs_of_one_version_share_its_id() {
    let api = Api::start().await;
    let version_of = async |version: &str| {
        let body = json!({ "agent_version": { "external_identifier": version } });
        api.post("/agent_instance/register", body).await.details()["agent_version_id"].clone()
    };

    let (first, again, other) = (version_of("v1").await, version_of("v1").await, version_of("v2").await);

    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test]
async fn a_chosen_id_is_kept_if_it_belongs_to_the_account() {
    let api = Api::start().await;
    let id = own_id(&api);

    let chosen = api.post("/agent_instance/register", json!({ "id": id })).await;
    let again = api.post("/agent_instance/register", json!({ "id": id })).await;
    let foreign = api.post("/agent_instance/register", json!({ "id": foreign_id(&api) })).await;
    let garbage = api.post("/agent_instance/register", json!({ "id": "run-1" })).await;

    assert_eq!(chosen.id(), id);
    assert_eq!(again.refusal(), (409, "conflict"));
    assert_eq!(foreign.fields(), ["id"]);
    assert_eq!(garbage.fields(), ["id"]);
    assert_eq!(api.emulator.instances().len(), 1);
}

#[tokio::test]
async fn an_external_identifier_is_unique_per_agent() {
    let api = Api::with(Emulator::builder().agent("second")).await;
    let second = api.emulator.agents()[1].id.to_string();
    let register = async |agent: Option<&str>| {
        api.post("/agent_instance/register", json!({ "agent_id": agent, "external_identifier": "run-1" }))
            .await
    };

    let first = register(None).await;
    let again = register(None).await;
    let elsewhere = register(Some(&second)).await;

    assert_eq!(first.status, 200);
    assert_eq!(again.refusal(), (409, "conflict"));
    assert_eq!(elsewhere.details()["agent_id"], second);
}

#[tokio::test]
async fn an_agent_must_exist_and_be_named_with_the_account_token() {
    let api = Api::start().await;
    let as_account = async |body| api.account(Method::POST, "/agent_instance/register", Some(body)).await;

    let unknown = api.post("/agent_instance/register", json!({ "agent_id": own_id(&api) })).await;
    let unnamed = as_account(json!({})).await;
    let named = as_account(json!({ "agent_id": api.emulator.agent_id().to_string() })).await;
    let nowhere = api.post("/agent_instance/register", json!({ "environment_id": own_id(&api) })).await;

    assert_eq!(unknown.refusal(), (404, "not_found"));
    assert_eq!(unnamed.fields(), ["agent_id"]);
    assert_eq!(named.status, 200);
    assert_eq!(nowhere.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn starting_or_finishing_twice_is_an_invalid_action() {
    let api = Api::start().await;
    let id = api.register().await;
    let post = async |action: &str| api.post_nothing(&format!("/agent_instance/{id}/{action}")).await;

    assert_eq!(post("finish").await.refusal(), (409, "invalid_action"));
    assert_eq!(post("start").await.status, 200);
    assert_eq!(post("start").await.refusal(), (409, "invalid_action"));
    assert_eq!(post("finish").await.status, 200);
    assert_eq!(post("finish").await.refusal(), (409, "invalid_action"));
    assert_eq!(post("start").await.refusal(), (409, "invalid_action"));
}

#[tokio::test]
async fn an_active_run_is_cancelled_unless_the_reference_is_followed() {
    for (strict, expected) in [(false, 200), (true, 409)] {
        let api = Api::with(Emulator::builder().strict_cancel(strict)).await;
        let cancel = async |id: &str| {
            api.post(&format!("/agent_instance/{id}/finish"), json!({ "status": "cancelled" })).await.status
        };

        assert_eq!(cancel(&api.register().await).await, 200, "pending");
        assert_eq!(cancel(&api.started().await).await, expected, "active, strict: {strict}");
    }
}

#[tokio::test]
async fn qualities_are_recorded_and_cleared() {
    let api = Api::start().await;
    let id = api.started().await;
    let path = format!("/agent_instance/{id}/record_quality");

    let recorded = api.post(&path, json!({ "name": "score", "payload": { "value": 3 } })).await;
    let cleared = api.post(&path, json!({ "name": "score", "payload": null })).await;
    let unnamed = api.post(&path, json!({ "payload": 3 })).await;

    assert_eq!(recorded.details()["quality_payloads"], json!({ "score": { "value": 3 } }));
    assert!(recorded.details()["quality_summaries"]["score"].is_string());
    assert_eq!(cleared.details()["quality_payloads"], json!({}));
    assert_eq!(unnamed.fields(), ["name", "payload"]);
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let api = Api::start().await;

    for id in [own_id(&api), "nonsense".to_owned()] {
        assert_eq!(api.get(&format!("/agent_instance/{id}")).await.refusal(), (404, "not_found"));
        assert_eq!(
            api.post_nothing(&format!("/agent_instance/{id}/start")).await.refusal(),
            (404, "not_found")
        );
    }
}
