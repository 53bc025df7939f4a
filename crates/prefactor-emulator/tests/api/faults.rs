//! Faults as they are seen on the wire.

use std::time::{Duration, SystemTime};

use prefactor_emulator::{
    DropAfter, DropBefore, Emulator, FaultKind, Faults, HtmlBody, Latency, RetryAfter, ServerError,
    TooManyRequests,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Api, LIMIT};

const REGISTER: &str = "POST /api/v1/agent_instance/register HTTP/1.1\r\nHost: emulator\r\n\
    Authorization: Bearer emulator-token\r\nContent-Length: 2\r\n\r\n{}";

const PING: &str = "GET /api/v1/ping HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer emulator-token\r\n\
    Connection: close\r\n\r\n";

/// Sends a request and reads until the server closes the connection.
async fn raw(api: &Api, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(api.emulator.address()).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("an end").expect("no error");
    answer
}

#[tokio::test]
async fn too_many_requests_says_when_to_come_back_in_both_forms_or_not_at_all() {
    let api = Api::start().await;
    let retry_after = async |form| {
        api.emulator
            .set_faults(Faults::new().too_many_requests(TooManyRequests::new().times(1).retry_after(form)));
        let answer = api.get("/ping").await;
        assert_eq!(answer.refusal(), (429, "too_many_requests"));
        assert_eq!(api.get("/ping").await.status, 200, "the fault is spent");
        answer.headers.get("retry-after").map(|text| text.to_str().unwrap().to_owned())
    };

    assert_eq!(retry_after(RetryAfter::None).await, None);
    assert_eq!(retry_after(RetryAfter::Seconds(3)).await.as_deref(), Some("3"));
    let before = SystemTime::now();
    let date = httpdate::parse_http_date(&retry_after(RetryAfter::HttpDate(60)).await.unwrap()).unwrap();
    // HTTP dates have whole seconds.
    assert!(date >= before + Duration::from_secs(59));
}

#[tokio::test]
async fn an_error_comes_before_any_effect() {
    let api = Api::start().await;
    api.emulator.set_faults(Faults::new().server_error(ServerError::new().status(503).times(1)));

    let failed = api.post_nothing("/agent_instance/register").await;

    assert_eq!(failed.status, 503);
    assert_eq!(failed.body["status"], "error");
    assert!(api.emulator.instances().is_empty());
    assert_eq!(api.post_nothing("/agent_instance/register").await.status, 200);
}

#[tokio::test]
async fn a_page_comes_instead_of_json() {
    let api = Api::start().await;
    api.emulator.set_faults(Faults::new().html_body(HtmlBody::new().status(200)));

    let answer = api.get("/ping").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/html");
    assert!(answer.body.as_str().unwrap().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn a_connection_dropped_before_the_work_leaves_no_trace() {
    let api = Api::with(Emulator::builder().journal(10)).await;
    api.emulator.set_faults(Faults::new().drop_before(DropBefore::new().times(1)));

    assert_eq!(raw(&api, REGISTER).await, b"");

    assert!(api.emulator.instances().is_empty());
    let [record] = &api.emulator.journal()[..] else { panic!("one request") };
    assert_eq!((record.status, record.fault), (None, Some(FaultKind::DropBefore)));
}

#[tokio::test]
async fn a_connection_dropped_after_the_work_leaves_its_effect() {
    let api = Api::with(Emulator::builder().journal(10)).await;
    api.emulator.set_faults(Faults::new().drop_after(DropAfter::new().times(1)));

    assert_eq!(raw(&api, REGISTER).await, b"");

    assert_eq!(api.emulator.instances().len(), 1);
    assert_eq!(api.emulator.journal()[0].fault, Some(FaultKind::DropAfter));
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_has_one_effect() {
    let api = Api::start().await;
    api.emulator.set_faults(Faults::new().drop_after(DropAfter::new().times(1)));
    let body = Some(json!({ "idempotency_key": "register-1" }).to_string());
    let call = async || {
        api.try_call(Method::POST, "/agent_instance/register", api.emulator.token(), body.clone()).await
    };

    assert!(call().await.is_err());
    let retried = call().await.unwrap();

    assert_eq!(retried.status, 200);
    assert_eq!(api.emulator.instances().len(), 1);
    assert_eq!(api.emulator.replay_count(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let api = Api::start().await;
    api.emulator.set_faults(Faults::new().max_body_bytes(40));

    let long = api.post("/agent_instance/register", json!({ "external_identifier": "x".repeat(40) })).await;
    let short = api.post_nothing("/agent_instance/register").await;

    assert_eq!(long.refusal(), (413, "payload_too_large"));
    assert_eq!(short.status, 200);
}

#[tokio::test]
async fn a_black_hole_takes_requests_until_it_is_cleared() {
    let api = Api::with(Emulator::builder().journal(10).faults(Faults::new().black_hole())).await;

    let parked = raw(&api, REGISTER);
    tokio::pin!(parked);
    tokio::select! {
        answer = &mut parked => panic!("answered: {answer:?}"),
        () = journalled(&api) => {}
    }
    api.emulator.clear_faults();

    assert_eq!(parked.await, b"");
    assert!(api.emulator.instances().is_empty());
    assert_eq!(api.emulator.journal()[0].fault, Some(FaultKind::BlackHole));
    assert_eq!(api.get("/ping").await.status, 200);
}

/// Waits until a request has arrived.
async fn journalled(api: &Api) {
    tokio::time::timeout(LIMIT, async {
        while api.emulator.journal().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("a request");
}

#[tokio::test]
async fn latency_delays_the_answer() {
    let api = Api::start().await;
    // A minute that nobody here lives to see the end of.
    let latency = Latency::new().min_ms(60_000).max_ms(60_000).path("/ping");
    api.emulator.set_faults(Faults::new().latency(latency));

    let slow = raw(&api, PING);
    tokio::select! {
        biased;
        answer = slow => panic!("answered: {answer:?}"),
        () = async {
            for _ in 0..20 {
                api.register().await;
            }
        } => {}
    }

    assert_eq!(api.emulator.instances().len(), 20);
}

#[tokio::test]
async fn a_fault_can_be_kept_to_one_path() {
    let api = Api::start().await;
    api.emulator.set_faults(Faults::new().server_error(ServerError::new().path("/bulk")));

    assert_eq!(api.get("/ping").await.status, 200);
    assert_eq!(api.bulk(json!([])).await.status, 500);
}

#[tokio::test]
async fn the_same_seed_repeats_a_run() {
    let run = async |seed| {
        let faults = Faults::new().seed(seed).server_error(ServerError::new().probability(0.5));
        let api = Api::with(Emulator::builder().faults(faults)).await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(api.get("/ping").await.status);
        }
        statuses
    };

    let (first, again, other) = (run(1).await, run(1).await, run(2).await);

    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.contains(&200) && first.contains(&500));
}

#[tokio::test]
async fn faults_are_steered_over_http_without_a_token_and_without_faults() {
    let api = Api::start().await;
    let url = format!("{}/__faults", api.emulator.url());
    let put = async |body: &str| {
        let response = api.client.put(&url).body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };

    let (status, set) = put(r#"{"seed":3,"black_hole":false,"server_error":{"status":500}}"#).await;
    let failed = api.get("/ping").await;
    let shown: Value = api.client.get(&url).send().await.unwrap().json().await.unwrap();
    let (bad_status, bad) = put(r#"{"server_eror":{}}"#).await;
    let (range_status, range) = put(r#"{"drop_after":{"probability":2}}"#).await;
    let cleared = api.client.delete(&url).send().await.unwrap();
    let health = api.client.get(format!("{}/__health", api.emulator.url())).send().await.unwrap();

    assert_eq!((status, failed.status), (200, 500));
    assert_eq!(set, shown);
    assert_eq!(shown["server_error"]["probability"], 1.0);
    assert_eq!((bad_status, &bad["code"]), (400, &json!("bad_request")));
    assert!(bad["message"].as_str().unwrap().contains("unknown field `server_eror`"));
    assert_eq!(range_status, 400);
    assert!(range["message"].as_str().unwrap().contains("from 0 to 1"));
    assert_eq!((cleared.status(), health.status()), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    assert_eq!(api.get("/ping").await.status, 200);
}
