//! Managing agents.

use prefactor_emulator::{AgentStatus, Emulator, StartError};
use reqwest::Method;
use serde_json::json;

use crate::support::{Api, foreign_id};

#[tokio::test]
async fn an_agent_is_created_shown_updated_and_deleted() {
    let api = Api::start().await;
    let call = async |method, path: &str, body| api.account(method, path, body).await;

    let body = json!({ "details": { "name": "Writer", "external_identifier": "writer", "team_id": null } });
    let created = call(Method::POST, "/agent", Some(body.clone())).await;
    let path = format!("/agent/{}", created.id());
    let shown = call(Method::GET, &path, None).await;
    let found = call(Method::GET, "/agent/show?external_identifier=writer&include_counts=true", None).await;
    let updated = call(Method::PUT, &path, Some(json!({ "details": { "description": "writes" } }))).await;
    let renamed =
        call(Method::PUT, &path, Some(json!({ "details": { "external_identifier": "other" } }))).await;
    let twice = call(Method::POST, "/agent", Some(body)).await;
    let deleted = call(Method::DELETE, &path, None).await;
    let gone = call(Method::GET, &path, None).await;

    assert_eq!(created.details()["status"], "pending");
    assert_eq!(created.details()["instance_counts"]["total"], 0);
    assert_eq!(
        created.details()["available_actions"],
        json!({ "update": true, "retire": true, "reinstate": false, "delete": true })
    );
    assert_eq!(shown.details(), created.details());
    assert_eq!(found.details(), created.details());
    assert_eq!(updated.details()["description"], "writes");
    assert_eq!(updated.details()["name"], "Writer");
    assert_eq!(renamed.fields(), ["external_identifier"]);
    assert_eq!(twice.refusal(), (409, "conflict"));
    assert_eq!(deleted.status, 200);
    assert_eq!(gone.refusal(), (404, "not_found"));
}

#[tokio::test]
async fn an_agent_retires_and_comes_back() {
    let api = Api::start().await;
    api.started().await;
    let path = format!("/agent/{}", api.emulator.agent_id());
    let post = async |action: &str| api.account(Method::POST, &format!("{path}/{action}"), None).await;

    assert_eq!(post("reinstate").await.refusal(), (409, "invalid_action"));
    assert_eq!(post("retire").await.details()["status"], "retired");
    assert_eq!(post("retire").await.refusal(), (409, "invalid_action"));
    assert_eq!(api.post_nothing("/agent_instance/register").await.refusal(), (409, "invalid_action"));
    assert_eq!(post("reinstate").await.details()["status"], "active");
    assert_eq!(api.account(Method::DELETE, &path, None).await.refusal(), (409, "invalid_action"));
}

#[tokio::test]
async fn an_agent_counts_its_runs_by_status() {
    let api = Api::start().await;
    api.register().await;
    for (ending, body) in [
        ("finish", json!({})),
        ("finish", json!({ "status": "failed" })),
        ("finish", json!({ "status": "cancelled" })),
        ("terminate", json!({ "reason": "enough" })),
    ] {
        let path = format!("/agent_instance/{}/{ending}", api.started().await);
        api.account(Method::POST, &path, Some(body)).await.details();
    }
    api.started().await;

    let agent = api.account(Method::GET, &format!("/agent/{}", api.emulator.agent_id()), None).await;

    assert_eq!(
        agent.details()["instance_counts"],
        json!({
            "total": 6, "pending": 1, "active": 1, "complete": 1, "failed": 1, "cancelled": 1, "terminated": 1,
            "finished": 4,
        })
    );
}

#[tokio::test]
async fn an_agent_must_have_a_name() {
    let api = Api::start().await;
    let post = async |body| api.account(Method::POST, "/agent", Some(body)).await;

    assert_eq!(post(json!({ "name": "flat" })).await.fields(), ["details"]);
    assert_eq!(post(json!({ "details": {} })).await.fields(), ["name"]);
    assert_eq!(post(json!({ "details": { "name": 3 } })).await.fields(), ["name"]);
    assert_eq!(post(json!({ "details": { "name": "n", "id": foreign_id(&api) } })).await.fields(), ["id"]);
}

#[tokio::test]
async fn agents_can_be_there_from_the_start() {
    let id = Api::start().await;
    let id = prefactor_pfid::generate(id.emulator.agent_id().partition());
    let api = Api::with(Emulator::builder().agent("writer").agent(id.to_string())).await;

    let agents = api.emulator.agents();
    let registered = api.post("/agent_instance/register", json!({ "agent_id": id.to_string() })).await;

    assert_eq!(agents.len(), 3);
    assert_eq!(agents[1].external_identifier.as_deref(), Some("writer"));
    assert_eq!(agents[2].id, id);
    assert_eq!(registered.details()["agent_id"], id.to_string());
    assert_eq!(api.emulator.agents()[2].status, AgentStatus::Active);

    let foreign = Emulator::builder().agent(foreign_id(&api)).start().await;
    assert!(matches!(foreign, Err(StartError::ForeignAgent { .. })));
}
