//! Every request that makes no sense is answered by an envelope.

use prefactor_emulator::Emulator;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Api, LIMIT};

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
async fn what_nests_too_deep_to_be_read_again_is_not_kept() {
    let api = Api::start().await;
    let instance = api.started().await;
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let details = |levels| {
        let payload = nested(levels);
        format!(
            r#"{{"agent_instance_id":"{instance}","schema_name":"s","status":"active","payload":{payload}}}"#
        )
    };
    let single = async |levels| {
        let body = format!(r#"{{"details":{}}}"#, details(levels));
        api.call(Method::POST, "/agent_spans", api.emulator.token(), Some(body)).await
    };

    assert_eq!(single(128).await.status, 200);
    assert_eq!(single(129).await.refusal(), (400, "bad_request"));
    assert_eq!(single(100_000).await.refusal(), (400, "bad_request"));
    let items = [129, 1].map(|levels| {
        let (key, details) = (api.key(), details(levels));
        format!(r#"{{"_type":"agent_spans/create","idempotency_key":"{key}","details":{details}}}"#)
    });
    let bulk = format!(r#"{{"items":[{}]}}"#, items.join(","));
    let answer = api.call(Method::POST, "/bulk", api.emulator.token(), Some(bulk)).await;
    assert_eq!(answer.body["outputs"]["test-key-0000"]["code"], "bad_request", "{answer:?}");
    assert_eq!(api.emulator.span_count(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let api = Api::start().await;
    for head in ["Content-Length: 50", "Transfer-Encoding: chunked"] {
        let mut stream = TcpStream::connect(api.emulator.address()).await.unwrap();
        let request = format!("POST /api/v1/bulk HTTP/1.1\r\nHost: emulator\r\n{head}\r\n\r\nzz");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();

        let mut answer = String::new();
        tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();

        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains(r#""code":"bad_request""#), "{answer}");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_refused_in_json() {
    let api = Api::start().await;
    let call = async |method, path: &str| api.call(method, path, api.emulator.token(), None).await;

    assert_eq!(call(Method::GET, "/nothing").await.refusal(), (404, "not_found"));
    assert_eq!(call(Method::GET, "").await.refusal(), (404, "not_found"));
    assert_eq!(call(Method::GET, "/bulk").await.refusal(), (405, "method_not_allowed"));
    assert_eq!(call(Method::DELETE, "/agent_spans").await.refusal(), (405, "method_not_allowed"));
    let answer = call(Method::GET, "/agent_instance/%FF").await;
    assert_eq!((answer.code(), &answer.body["message"]), ("bad_request", &"The path is not UTF-8.".into()));
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
