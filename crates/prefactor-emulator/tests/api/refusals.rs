//! Every request that makes no sense is answered by an envelope.

use prefactor_emulator::Emulator;
use reqwest::Method;

use crate::support::Api;

#[tokio::test]
async fn a_token_is_needed_and_must_be_known() {
    let api = Api::with(Emulator::builder().token("one").account_token("two")).await;
    let ping = async |token: &str| api.call(Method::GET, "/ping", token, None).await;

    assert_eq!(ping("one").await.status, 200);
    assert_eq!(ping("two").await.status, 200);
    assert_eq!(ping("three").await.refusal(), (401, "bad_authtoken"));

    let bare = api.client.get(format!("{}/api/v1/ping", api.emulator.url())).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(bare.json::<serde_json::Value>().await.unwrap()["code"], "bad_authtoken");
}

#[tokio::test]
async fn no_token_shows_in_debug() {
    let builder = Emulator::builder().token("hidden-one").account_token("hidden-two");
    assert!(!format!("{builder:?}").contains("hidden"));

    let emulator = builder.start().await.unwrap();
    assert!(!format!("{emulator:?}").contains("hidden"));
}

#[tokio::test]
async fn garbage_is_refused_in_json() {
    let api = Api::start().await;
    let post = async |path: &str, body: &str| {
        api.call(Method::POST, path, api.emulator.token(), Some(body.to_owned())).await
    };

    for path in ["/agent_instance/register", "/agent_spans", "/bulk"] {
        for body in ["{", "nonsense", "{\"a\":}", "\u{0}"] {
            assert_eq!(post(path, body).await.refusal(), (400, "bad_request"), "{path} {body}");
        }
    }
    for path in ["/agent_instance/register", "/agent_spans"] {
        for body in ["[]", "3", "\"text\"", "[{}]"] {
            assert_eq!(post(path, body).await.refusal(), (400, "bad_request"), "{path} {body}");
        }
    }
    let deep = format!("{{\"agent_version\":{}{}}}", "[".repeat(500), "]".repeat(500));
    assert_eq!(post("/agent_instance/register", &deep).await.status / 100, 4);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_in_json() {
    let api = Api::start().await;
    let call = async |method, path: &str| api.call(method, path, api.emulator.token(), None).await;

    assert_eq!(call(Method::GET, "/nothing").await.refusal(), (404, "not_found"));
    assert_eq!(call(Method::GET, "").await.refusal(), (404, "not_found"));
    assert_eq!(call(Method::GET, "/bulk").await.refusal(), (405, "method_not_allowed"));
    assert_eq!(call(Method::DELETE, "/agent_spans").await.refusal(), (405, "method_not_allowed"));
    assert_eq!(call(Method::GET, "/agent_instance/%FF").await.code(), "bad_request");
}

#[tokio::test]
async fn types_are_checked_in_every_body() {
    let api = Api::start().await;
    let instance = api.register().await;
    let post = async |path: &str, body: serde_json::Value| api.post(path, body).await;

    let register = post(
        "/agent_instance/register",
        serde_json::json!({
            "agent_version": { "name": 3, "runtime_environment": [] },
            "agent_schema_version": { "span_type_schemas": [{ "name": "x" }, 3], "quality_schemas": {} },
            "update_current_version": "yes", "purpose": "fun",
        }),
    )
    .await;
    let schemas = post(
        "/agent_instance/register",
        serde_json::json!({ "agent_schema_version": { "span_type_schemas": [{ "name": "x" }] } }),
    )
    .await;
    let start =
        post(&format!("/agent_instance/{instance}/start"), serde_json::json!({ "timestamp": 5 })).await;

    assert_eq!(
        register.fields(),
        [
            "agent_schema_version.quality_schemas",
            "agent_schema_version.span_type_schemas[0].params_schema",
            "agent_schema_version.span_type_schemas[1]",
            "agent_version.name",
            "agent_version.runtime_environment",
            "purpose",
            "update_current_version",
        ]
    );
    assert_eq!(schemas.fields(), ["agent_schema_version.span_type_schemas[0].params_schema"]);
    assert_eq!(start.fields(), ["timestamp"]);
}
