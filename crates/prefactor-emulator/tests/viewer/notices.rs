//! Server-sent events: small, few, and nobody waits for who reads them.

use std::time::Instant;

use crate::account::{Account, LIMIT};

async fn events(account: &Account) -> reqwest::Response {
    let url = format!("{}/__viewer/events", account.emulator.url());
    let response = account.client.get(url).send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

#[tokio::test]
async fn thousands_of_changes_are_a_few_small_notices() {
    let account = Account::start().await;
    let mut events = events(&account).await;
    let run = account.run("busy").await;
    account.many_spans(&run, 5_000).await;

    let start = Instant::now();
    let mut chunks = Vec::new();
    while !chunks.last().is_some_and(|chunk: &String| chunk.contains("\"spans\":5000")) {
        assert!(start.elapsed() < LIMIT, "{chunks:?}");
        let chunk = events.chunk().await.unwrap().expect("it never ends");
        chunks.push(String::from_utf8(chunk.to_vec()).unwrap());
    }

    // How many there are depends on how long the work took, but no notice is there for each change.
    let notices: usize = chunks.iter().map(|chunk| chunk.matches("data:").count()).sum();
    assert!(notices < 100, "{notices}");
    assert!(chunks.iter().all(|chunk| chunk.len() < 1_000), "{chunks:?}");
}

#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    let account = Account::start().await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(events(&account).await);
    }

    let run = account.run("busy").await;
    account.many_spans(&run, 10_000).await;

    assert_eq!(account.emulator.span_count(), 10_000);
}
