use std::error::Error;
use std::time::Duration;

use prefactor_http::{Method, PrefactorClient, PrefactorError};

use crate::support::{Answer, Server, TOKEN, config};

/// All that a user could print of an error.
fn printed(error: &PrefactorError) -> String {
    let snippet = match error {
        PrefactorError::ResponseContract(error) => error.body_snippet().unwrap_or_default(),
        _ => "",
    };
    let mut printed = format!("{error} {error:?} {error:#?} {snippet}");
    let mut source = error.source();
    while let Some(error) = source {
        printed.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    printed
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::answering([Answer::text(200, "{}")]).await;
    for status in [301, 302, 303, 307, 308] {
        let server = Server::answering([Answer::text(status, "").with("Location", elsewhere.url())]).await;

        let error = server.client().ping().await.unwrap_err();

        assert!(matches!(error, PrefactorError::ResponseContract(_)), "{error:?}");
        assert_eq!(error.status(), Some(status));
    }
    assert!(elsewhere.sent().is_empty());
}

#[tokio::test]
async fn the_token_shows_in_no_debug() {
    let server = Server::answering([]).await;
    let client = server.client();

    let printed =
        format!("{client:?} {:#?} {:?}", client.config(), client.request(Method::GET, "/api/v1/ping"));

    assert!(!printed.contains(TOKEN), "{printed}");
}

#[tokio::test]
async fn what_is_sent_shows_in_no_debug() {
    let server = Server::answering([]).await;
    let client = server.client();

    let request = client
        .request(Method::POST, "/api/v1/ping")
        .params([("q", "patient")])
        .json_data(&serde_json::json!({ "diagnosis": "measles" }));
    let printed = format!("{request:?} {request:#?}");

    assert!(!printed.contains("measles") && !printed.contains("patient"), "{printed}");
}

#[tokio::test]
async fn the_token_shows_in_no_error() {
    let echo = format!("Authorization: Bearer {TOKEN}");
    let refusal = format!(r#"{{"code":"bad","message":"{echo}","errors":{{"a":["{echo}"],"b":"{echo}"}}}}"#);
    let server = Server::answering([
        Answer::text(200, &echo),
        Answer::text(400, &echo),
        Answer::text(400, &refusal),
        Answer::text(401, &refusal),
        Answer::text(302, &echo),
        Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
        Answer::Raw("no http"),
        Answer::Silence,
    ])
    .await;
    let config = server.config().with_max_retries(0).with_request_timeout(Duration::from_millis(200));
    let client = PrefactorClient::new(config).unwrap();

    for _ in 0..8 {
        let printed = printed(&client.ping().await.unwrap_err());
        assert!(!printed.contains(TOKEN), "{printed}");
    }
    assert_eq!(server.sent().len(), 8);
}

#[tokio::test]
async fn a_failed_connection_tells_neither_token_nor_query() {
    let client = PrefactorClient::new(config("http://127.0.0.1:1").with_max_retries(0)).unwrap();

    let request = client.request(Method::GET, "/api/v1/agent").params([("agent_id", "whose-agent")]);
    let printed = printed(&request.send().await.unwrap_err());

    assert!(!printed.contains(TOKEN) && !printed.contains("whose-agent"), "{printed}");
}
