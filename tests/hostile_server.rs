//! Servers that mean no good, over real connections.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use prefactor::{AgentVersion, Prefactor};
use serde_json::json;

use crate::support::PATIENCE;

/// What the client takes of an answer by default.
const LIMIT: u64 = prefactor_http::HttpClientConfig::DEFAULT_MAX_RESPONSE_BYTES as u64;

/// Gives each connection to a thread. It lives as long as the process, and so does its port.
fn serve(connection: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let connection = Arc::new(connection);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = Arc::clone(&connection);
            thread::spawn(move || connection(stream));
        }
    });
    url
}

/// Reads a request as far as its head, and some of its body.
fn receive(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    true
}

fn pipeline(url: &str) -> Prefactor {
    Prefactor::builder()
        .api_url(url.parse().expect("a url"))
        .api_token("tok-1".parse().expect("a token"))
        .linger(Duration::from_millis(1))
        .request_timeout(PATIENCE)
        .build()
        .expect("a pipeline")
}

fn one_span(prefactor: &Prefactor) {
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("step", &json!({ "n": 1 })).complete(&());
}

#[test]
fn a_redirect_takes_nothing_elsewhere() {
    for status in [301, 302, 303, 307, 308] {
        let visits = Arc::new(AtomicU64::new(0));
        let visited = Arc::clone(&visits);
        let elsewhere = serve(move |_| {
            visited.fetch_add(1, Ordering::Relaxed);
        });
        let (asked, requests) = mpsc::channel();
        let url = serve(move |mut stream| {
            while receive(&mut stream) {
                let answer = format!(
                    "HTTP/1.1 {status} Moved\r\nLocation: {elsewhere}/api/v1/bulk\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes());
                let _ = asked.send(());
            }
        });
        let prefactor = pipeline(&url);
        one_span(&prefactor);

        // A second attempt means that the answer to the first was read.
        for _ in 0..2 {
            requests.recv_timeout(PATIENCE).expect("a request");
        }
        let report = prefactor.shutdown_blocking(Duration::from_millis(10));

        assert_eq!(visits.load(Ordering::Relaxed), 0, "{status}");
        assert_eq!(report.ledger.delivered.operations, 0);
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let (cut, cuts) = mpsc::channel();
    let url = serve(move |mut stream| {
        if !receive(&mut stream) {
            return;
        }
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut sent = 0;
        let mut go_on = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_ok();
        while go_on {
            go_on = stream.write_all(chunk.as_bytes()).is_ok();
            sent += 0x10000;
        }
        let _ = cut.send(sent);
    });
    let prefactor = pipeline(&url);
    one_span(&prefactor);

    // What is beyond the limit is on its way, in the buffers of the connection.
    let sent: u64 = cuts.recv_timeout(PATIENCE).expect("the connection was closed");
    let report = prefactor.shutdown_blocking(Duration::from_millis(10));

    assert!((LIMIT..2 * LIMIT).contains(&sent), "{sent}");
    assert_eq!(report.ledger.delivered.operations, 0);
}
