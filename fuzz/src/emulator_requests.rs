//! Requests to the emulator: each is answered in the form of the API, without its own failure being to blame, and what was
//! taken can be read again.
//!
//! The input is a list of requests, with an empty line between them: method, path and `account` where that token is meant in
//! the first line, the body in those below.

use bytes::Bytes;
use prefactor_emulator::workbench::Workbench;
use prefactor_emulator::{DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN};
use prefactor_pfid::Partition;
use serde::de::IgnoredAny;

use super::unique;

/// Sends the requests one after the other to a new account.
pub fn check(input: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(send_all(input));
}

async fn send_all(input: &[u8]) {
    let api = Workbench::new(Partition::new(77_777).expect("a partition"));
    for request in Blocks(input) {
        let (line, body) = split(request, b"\n");
        let Ok(line) = str::from_utf8(line) else { continue };
        let mut words = line.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else { continue };
        let token = if words.next() == Some("account") { DEFAULT_ACCOUNT_TOKEN } else { DEFAULT_TOKEN };
        // What steers the emulator may well make it fail, and a stream of events does not end.
        if path.starts_with("/__") && (method != "GET" || path.contains("events")) {
            continue;
        }
        let Some((status, answer)) = api.call(method, path, token, Bytes::copy_from_slice(body)).await else {
            continue;
        };
        assert!(matches!(status, 200..500), "{status} to {line}");
        if path.starts_with("/api/v1/") && method != "HEAD" {
            check_answer(status, &answer);
            if status == 200 && path == "/api/v1/bulk" {
                check_outputs(body, &answer);
            }
        }
    }
    read_again(&api).await;
}

fn check_answer(status: u16, answer: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Envelope {
        status: String,
        code: Option<String>,
        message: Option<String>,
    }
    let envelope: Envelope = serde_json::from_slice(answer).expect("the envelope of the API");
    match status {
        200..300 => assert_eq!(envelope.status, "success"),
        _ => {
            assert_eq!(envelope.status, "error");
            assert!(envelope.code.is_some_and(|code| !code.is_empty()));
            assert!(envelope.message.is_some_and(|message| !message.is_empty()));
        }
    }
}

/// The outputs are those of the first items, of which only the last may have failed.
fn check_outputs(request: &[u8], answer: &[u8]) {
    let (Some(request), Some(answer)) = (unique::value(request), unique::value(answer)) else { return };
    let items = request["items"].as_array().expect("a request with items");
    let outputs = answer["outputs"].as_object().expect("outputs");
    assert!((1..=items.len()).contains(&outputs.len()));
    for (place, item) in items.iter().take(outputs.len()).enumerate() {
        let output = &outputs[item["idempotency_key"].as_str().expect("a key")];
        let is_last = place + 1 == outputs.len();
        assert!(output["status"] == "success" || (output["status"] == "error" && is_last), "{output}");
        assert!(output["status"] == "error" || !is_last || outputs.len() == items.len(), "it stopped early");
    }
}

/// All that was taken is still JSON.
async fn read_again(api: &Workbench) {
    let list = async |path: String| {
        let answer = api.call("GET", &path, DEFAULT_ACCOUNT_TOKEN, Bytes::new()).await;
        let (status, body) = answer.expect("a request");
        assert_eq!(status, 200, "{path}");
        serde_json::from_slice::<IgnoredAny>(&body).expect("JSON");
        body
    };
    list("/api/v1/agent".to_owned()).await;
    let instances = list(format!("/api/v1/agent_instance?agent_id={}", api.agent_id())).await;
    let Some(instances) = unique::value(&instances) else { return };
    for instance in instances["summaries"].as_array().expect("summaries") {
        let Some(id) = instance["id"].as_str() else { panic!("an instance without an id: {instance}") };
        list(format!("/api/v1/agent_spans?agent_instance_id={id}&include_summaries=true")).await;
        list(format!("/__viewer/runs/{id}")).await;
    }
}

/// The parts of a text between empty lines.
struct Blocks<'a>(&'a [u8]);

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (block, rest) = split(self.0, b"\n\n");
        let is_end = self.0.is_empty();
        self.0 = rest;
        (!is_end).then_some(block)
    }
}

/// What is before a separator, and what is behind it.
fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match bytes.windows(separator.len()).position(|window| window == separator) {
        Some(at) => (&bytes[..at], &bytes[at + separator.len()..]),
        None => (bytes, &[]),
    }
}
