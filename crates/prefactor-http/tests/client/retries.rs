use std::time::{Duration, Instant};

use prefactor_http::{Bytes, Method, PrefactorClient, PrefactorError, RegisterInstanceRequest, StatusCodes};

use crate::support::{Answer, Server, instance};

#[tokio::test]
async fn a_retry_sends_the_same_bytes_and_key() {
    let page = Answer::text(502, "<html>Bad Gateway</html>");
    let dropped = Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"sta");
    let server =
        Server::answering([Answer::error(503, "x"), page, dropped, Answer::details(instance())]).await;

    server.client().agent_instances().register(RegisterInstanceRequest::new()).await.unwrap();

    let sent = server.sent();
    assert_eq!(sent.len(), 4);
    assert!(sent[0].json()["idempotency_key"].is_string());
    assert!(sent.iter().all(|again| *again == sent[0]), "{sent:?}");
}

#[tokio::test]
async fn clones_work_from_tasks_of_their_own() {
    let server = Server::answering([Answer::error(503, "x"), Answer::details(instance())]).await;
    let client = server.client();
    let clone = client.clone();
    drop(client);

    let instance = tokio::spawn(async move { clone.agent_instances().get("inst1").await }).await.unwrap();

    assert_eq!(instance.unwrap().id, "inst1");
}

#[tokio::test]
async fn after_the_last_retry_the_last_error_is_told() {
    let server = Server::answering([500, 502, 503, 504].map(|status| Answer::error(status, "down"))).await;

    let error = server.client().ping().await.unwrap_err();

    let PrefactorError::RetryExhausted(exhausted) = error else { panic!("{error:?}") };
    assert_eq!(exhausted.attempts(), 4);
    assert_eq!(exhausted.last_error().status(), Some(504));
    assert_eq!(server.sent().len(), 4);
}

#[tokio::test]
async fn without_retries_the_error_comes_as_it_is() {
    let server = Server::answering([Answer::error(503, "down")]).await;
    let client = PrefactorClient::new(server.config().with_max_retries(0)).unwrap();

    assert!(matches!(client.ping().await, Err(PrefactorError::Api(_))));
    assert_eq!(server.sent().len(), 1);
}

#[tokio::test]
async fn what_cannot_pass_is_not_sent_again() {
    for status in [400, 401, 403, 404, 409, 413, 422] {
        let server = Server::answering([Answer::error(status, "no")]).await;

        let error = server.client().ping().await.unwrap_err();

        assert_eq!(error.status(), Some(status));
        assert_eq!(server.sent().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_statuses_to_retry_can_be_chosen() {
    let server = Server::answering([Answer::error(404, "not_found"), Answer::error(500, "down")]).await;
    let config = server.config().with_retry_on_status_codes(StatusCodes::NONE.with(404));

    let error = PrefactorClient::new(config).unwrap().ping().await.unwrap_err();

    assert_eq!(error.status(), Some(500));
    assert_eq!(server.sent().len(), 2);
}

#[tokio::test]
async fn retry_after_is_heard_in_both_forms() {
    let date = Answer::error(429, "slow")
        .with("Date", "Wed, 01 May 2024 12:00:00 GMT")
        .with("Retry-After", "Wed, 01 May 2024 12:01:30 GMT");
    let server = Server::answering([Answer::error(429, "slow").with("Retry-After", "7"), date]).await;
    let client = PrefactorClient::new(server.config().with_max_retries(0)).unwrap();

    assert_eq!(client.ping().await.unwrap_err().retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(client.ping().await.unwrap_err().retry_after(), Some(Duration::from_secs(90)));
}

#[tokio::test]
async fn retry_after_is_waited_for_up_to_the_longest_wait() {
    let longest = Duration::from_millis(100);
    let page = Answer::text(503, "<html>").with("Retry-After", "3600");
    let server = Server::answering([page, Answer::details(instance())]).await;
    let client = PrefactorClient::new(server.config().with_max_retry_delay(longest)).unwrap();
    let begin = Instant::now();

    client.agent_instances().get("inst1").await.unwrap();

    // The first wait without it is zero here. That the test ends within the hour shows the rest.
    assert!(begin.elapsed() >= longest);
}

#[tokio::test]
async fn one_attempt_is_one_attempt() {
    let answer = Answer::text(503, "<html>").with("Retry-After", "2");
    let server = Server::answering([answer]).await;

    let answer = server
        .client()
        .send_once(Method::POST, "/api/v1/bulk", Some(Bytes::from_static(b"{}")))
        .await
        .unwrap();

    assert_eq!((answer.status, &answer.body[..]), (503, &b"<html>"[..]));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(2)));
    assert_eq!(server.only().line, "POST /api/v1/bulk");
    assert_eq!(server.only().body, "{}");
}
