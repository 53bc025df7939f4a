use std::time::Duration;

use prefactor_http::{
    ClientError, HttpClientConfig, Method, PrefactorClient, PrefactorError, RawResponse,
    StartInstanceRequest, TransportError,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Answer, Server, config};

async fn once(config: HttpClientConfig) -> Result<RawResponse, TransportError> {
    PrefactorClient::new(config).expect("a client").send_once(Method::GET, "/api/v1/ping", None).await
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = Server::answering([Answer::Endless]).await;

    let answer = once(server.config().with_max_response_bytes(100_000)).await;

    assert!(matches!(answer, Err(TransportError::BodyTooLarge { limit: 100_000 })), "{answer:?}");
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit() {
    let server = Server::answering([Answer::text(200, "12345"), Answer::text(200, "123456")]).await;
    let config = server.config().with_max_response_bytes(5);

    assert_eq!(once(config.clone()).await.unwrap().body, "12345");
    assert!(matches!(once(config).await, Err(TransportError::BodyTooLarge { limit: 5 })));
}

#[tokio::test]
async fn a_server_that_is_not_there_could_not_be_connected_to() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    let answer = once(config(&format!("http://{gone}"))).await;

    assert!(matches!(answer, Err(TransportError::Connect(_))), "{answer:?}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_could_not_be_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });

    let answer = once(config(&format!("https://{address}"))).await;

    assert!(matches!(answer, Err(TransportError::Connect(_))), "{answer:?}");
}

#[tokio::test]
async fn a_silent_server_runs_into_the_time_out() {
    let server = Server::answering([Answer::Silence]).await;

    let answer = once(server.config().with_request_timeout(Duration::from_millis(50))).await;

    assert!(matches!(answer, Err(TransportError::Timeout(_))), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_stops_half_way_broke_off() {
    let server = Server::answering([Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")]).await;

    let answer = once(server.config()).await;

    assert!(matches!(answer, Err(TransportError::Body(_))), "{answer:?}");
}

#[tokio::test]
async fn no_http_at_all_is_another_failure() {
    let server = Server::answering([Answer::Raw("hello\r\n\r\n")]).await;

    let answer = once(server.config()).await;

    assert!(matches!(answer, Err(TransportError::Other(_))), "{answer:?}");
}

#[tokio::test]
async fn a_success_of_another_form_is_a_contract_error() {
    for body in [
        "<html>Welcome</html>",
        "[]",
        r#"{"status":"success"}"#,
        r#"{"status":"success","details":{"id":1}}"#,
    ] {
        let server = Server::answering([Answer::text(200, body)]).await;

        let error = server.client().agent_instances().get("inst1").await.unwrap_err();

        let PrefactorError::ResponseContract(error) = error else { panic!("{error:?}") };
        assert_eq!(error.status(), 200);
        assert_eq!(error.body_snippet(), Some(body));
        assert_eq!(server.sent().len(), 1);
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let validation = json!({"status": "error", "code": "validation_errors", "message": "no", "errors": {"name": ["is taken"]}});
    let server = Server::answering([
        Answer::error(401, "bad_authtoken"),
        Answer::error(404, "not_found"),
        Answer::json(422, &validation),
        Answer::error(409, "invalid_action"),
    ])
    .await;
    let client = server.client();
    let start = || client.agent_instances().start("inst1", StartInstanceRequest::new());

    assert!(matches!(start().await, Err(PrefactorError::Auth(_))));
    assert!(matches!(start().await, Err(PrefactorError::NotFound(_))));
    let Err(PrefactorError::Validation(error)) = start().await else { panic!("no validation error") };
    assert!(error.errors().contains_key("name"));
    assert!(start().await.unwrap_err().is_already_done());
}

#[tokio::test]
async fn a_bad_id_or_path_is_not_sent() {
    let server = Server::answering([]).await;
    let client = server.client();

    let id = client.agent_instances().get("../agent").await.unwrap_err();
    let path = client.request(Method::GET, "/api/v1/../../x").send().await.unwrap_err();

    assert!(matches!(id, PrefactorError::Client(ClientError::Id { .. })), "{id:?}");
    assert!(matches!(path, PrefactorError::Client(ClientError::Transport(TransportError::Path))), "{path:?}");
    assert!(server.sent().is_empty());
}
