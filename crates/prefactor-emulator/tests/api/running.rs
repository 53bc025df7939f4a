//! Starting, stopping, and what the journal keeps.

use std::error::Error;

use prefactor_emulator::{Emulator, StartError};
use prefactor_pfid::Partition;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Api, LIMIT};

#[tokio::test]
async fn ids_have_the_partition_of_the_builder() {
    let partition = Partition::new(5).unwrap();
    let api = Api::with(Emulator::builder().partition(partition)).await;

    let id: prefactor_pfid::Pfid = api.register().await.parse().unwrap();

    assert_eq!(id.partition(), partition);
    assert_eq!(api.emulator.account_id().partition(), partition);
}

/// A connection that has had one answer and is kept open for the next request.
async fn served_connection(api: &Api) -> TcpStream {
    let mut stream = TcpStream::connect(api.emulator.address()).await.expect("a connection");
    stream.write_all(b"GET /__health HTTP/1.1\r\nHost: emulator\r\n\r\n").await.expect("a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        stream.read_buf(&mut answer).await.expect("an answer");
    }
    stream
}

async fn assert_closed(stream: &mut TcpStream) {
    let read = tokio::time::timeout(LIMIT, stream.read(&mut [0; 8])).await;
    assert_eq!(read.expect("an end").expect("no error"), 0);
}

#[tokio::test]
async fn shutdown_closes_the_port_and_every_connection() {
    let api = Api::start().await;
    let address = api.emulator.address();
    let mut open = served_connection(&api).await;

    tokio::time::timeout(LIMIT, api.emulator.shutdown()).await.unwrap();

    assert_closed(&mut open).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_dropped_emulator_cuts_its_connections() {
    let api = Api::start().await;
    let mut open = served_connection(&api).await;

    drop(api);

    assert_closed(&mut open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_are_served_at_once() {
    let api = std::sync::Arc::new(Api::start().await);

    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let api = api.clone();
        calls.spawn(async move { api.register().await });
    }
    let ids: std::collections::HashSet<_> = calls.join_all().await.into_iter().collect();

    assert_eq!(ids.len(), 20);
    assert_eq!(api.emulator.instances().len(), 20);
}

#[test]
fn it_is_hosted_by_a_thread_without_async() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let emulator = runtime.block_on(Emulator::start()).unwrap();
    let address = emulator.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let host = std::thread::spawn(move || runtime.block_on(async { stopped.await.is_ok() }));

    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /__health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    drop(emulator);
    stop.send(()).unwrap();

    assert!(answer.contains("200 OK"), "{answer}");
    assert!(host.join().unwrap());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let first = Emulator::start().await.unwrap();

    let second = Emulator::builder().listen(first.address().to_string()).start().await;

    let Err(error @ StartError::Listen { .. }) = second else { panic!("refused") };
    assert_eq!(error.to_string(), format!("can't listen on {}", first.address()));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn the_journal_keeps_the_last_requests_word_for_word_but_the_token() {
    let api = Api::with(Emulator::builder().journal(2)).await;
    api.get("/ping").await;
    let body = json!({ "purpose": "eval" }).to_string();

    api.client
        .post(format!("{}/api/v1/agent_instance/register?a=b", api.emulator.url()))
        .bearer_auth(api.emulator.token())
        .header("X-Prefactor-SDK", "adapter@1 prefactor@0.1.0")
        .body(body.clone())
        .send()
        .await
        .unwrap();
    api.get("/nothing").await;

    let journal = api.emulator.journal();
    let [register, nothing] = &journal[..] else { panic!("two requests") };
    assert_eq!((&*register.method, &*register.path), ("POST", "/api/v1/agent_instance/register"));
    assert_eq!(register.query.as_deref(), Some("a=b"));
    assert_eq!(register.header("x-prefactor-sdk"), Some("adapter@1 prefactor@0.1.0"));
    assert_eq!(register.body, body);
    assert_eq!((register.status, nothing.status), (Some(200), Some(404)));
    assert!(!format!("{journal:?}").contains(api.emulator.token()));
}

#[tokio::test]
async fn without_a_journal_nothing_is_kept() {
    let api = Api::start().await;

    api.get("/ping").await;

    assert!(api.emulator.journal().is_empty());
}
