//! A server that answers by a script, and clients for it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prefactor_http::{ApiToken, ApiUrl, HttpClientConfig, PrefactorClient};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const TOKEN: &str = "s3cret-token";

/// One answer of the script.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status, headers and body.
    Full(u16, Vec<(&'static str, String)>, String),
    /// Bytes, then the connection is closed.
    Raw(&'static str),
    /// A body that does not end.
    Endless,
    /// Nothing, with the connection left open.
    Silence,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::Full(status, Vec::new(), body.to_owned())
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"status": "error", "code": code, "message": "no"}))
    }

    pub(crate) fn details(details: Value) -> Self {
        Self::json(200, &json!({"status": "success", "details": details}))
    }

    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Full(status, mut headers, body) => {
                headers.push((name, value.into()));
                Self::Full(status, headers, body)
            }
            other => other,
        }
    }
}

/// A request as the server got it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    /// Method and target, as in `POST /api/v1/bulk`.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    sent: Mutex<Vec<Sent>>,
}

impl Server {
    /// Starts on a free port. When the script is at its end, every further answer is status 418.
    pub(crate) async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let script =
            Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let accepting = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&accepting)));
            }
        });
        Self { address, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A configuration that does not wait between attempts.
    pub(crate) fn config(&self) -> HttpClientConfig {
        config(&self.url()).with_initial_retry_delay(Duration::ZERO).with_max_retry_delay(Duration::ZERO)
    }

    pub(crate) fn client(&self) -> PrefactorClient {
        PrefactorClient::new(self.config()).expect("a client")
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.script.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The only request so far.
    pub(crate) fn only(&self) -> Sent {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0].clone()
    }
}

pub(crate) fn config(url: &str) -> HttpClientConfig {
    HttpClientConfig::new(ApiUrl::new(url).expect("a url"), ApiToken::new(TOKEN).expect("a token"))
}

async fn serve(mut connection: TcpStream, script: Arc<Script>) -> Option<()> {
    loop {
        let sent = receive(&mut connection).await?;
        script.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        let answer = script.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match answer.unwrap_or(Answer::text(418, "the script is at its end")) {
            Answer::Full(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n", body.len());
                headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
                connection.write_all(format!("{head}\r\n{body}").as_bytes()).await.ok()?;
            }
            Answer::Raw(bytes) => {
                connection.write_all(bytes.as_bytes()).await.ok()?;
                return None;
            }
            Answer::Endless => {
                connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.ok()?;
                loop {
                    connection.write_all(b"4\r\nmore\r\n").await.ok()?;
                }
            }
            Answer::Silence => std::future::pending().await,
        }
    }
}

/// Reads one request; `None` when the client has closed the connection.
async fn receive(connection: &mut TcpStream) -> Option<Sent> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.trim_end().lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or("0", |(_, length)| length);
    let mut body = vec![0; length.parse().ok()?];
    connection.read_exact(&mut body).await.ok()?;
    Some(Sent { line, headers, body: String::from_utf8(body).ok()? })
}

pub(crate) fn instance() -> Value {
    json!({
        "type": "agent_instance", "id": "inst1", "account_id": "acc1", "agent_id": "agent1", "agent_version_id": "ver1",
        "environment_id": "env1", "status": "active",
        "inserted_at": "2024-05-01T12:00:00Z", "updated_at": "2024-05-01T12:00:00Z",
    })
}

pub(crate) fn span() -> Value {
    json!({
        "type": "agent_span", "id": "span1", "agent_instance_id": "inst1", "schema_name": "agent:llm", "status": "active",
        "payload": {},
    })
}

pub(crate) fn agent() -> Value {
    json!({
        "type": "agent", "id": "agent1", "name": "Research agent", "status": "active",
        "available_actions": {"update": true, "retire": true, "reinstate": false, "delete": false},
    })
}
