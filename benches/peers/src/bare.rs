//! How fast it could be at all: the same bytes without a pipeline.

use std::net::SocketAddr;
use std::thread;
use std::time::Instant;

use cpu_time::ProcessTime;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::http::Connection;
use crate::scenario::Figures;
use crate::span::Texts;

/// As many as the pipeline puts into a request by default.
const ITEMS: u64 = 500;

const PATH: &str = "/api/v1/bulk";

/// Requests under way at the same time.
const CONNECTIONS: u64 = 2;

/// The ceiling: on each thread, bodies are serialized and posted and answers parsed, one after the other.
pub fn ceiling(sink: SocketAddr, spans: u64) -> Figures {
    let mut figures = on_all_connections(sink, CONNECTIONS, spans, |connection, batches| {
        let texts = Texts::new();
        let mut body = Vec::new();
        for batch in 0..batches {
            body.clear();
            write_body(&mut body, &texts, batch * ITEMS);
            let answer = connection.post(PATH, &body).expect("an answer");
            let answer: Answer = serde_json::from_slice(answer).expect("a bulk answer");
            assert_eq!(answer.outputs.0, ITEMS);
        }
    });
    // To compare with the pipeline's.
    let mut body = Vec::new();
    write_body(&mut body, &Texts::new(), 0);
    figures.insert("bytes_per_span".to_owned(), body.len() as f64 / ITEMS as f64);
    figures
}

/// The wire: one body is posted again and again, and nobody parses the answers.
pub fn wire(sink: SocketAddr, connections: u64, spans: u64) -> Figures {
    let mut body = Vec::new();
    write_body(&mut body, &Texts::new(), 0);
    on_all_connections(sink, connections, spans, |connection, batches| {
        for _ in 0..batches {
            connection.post(PATH, &body).expect("an answer");
        }
    })
}

fn on_all_connections(
    sink: SocketAddr,
    connections: u64,
    spans: u64,
    work: impl Fn(&mut Connection, u64) + Sync,
) -> Figures {
    let batches = spans / ITEMS / connections;
    let (begun, cpu) = (Instant::now(), ProcessTime::now());
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| work(&mut Connection::open(sink).expect("the sink listens"), batches));
        }
    });
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    let spans = (batches * connections * ITEMS) as f64;
    Figures::from([
        ("spans_per_s".to_owned(), spans / seconds),
        ("cpu_ns_per_span".to_owned(), cpu * 1e9 / spans),
        ("lost".to_owned(), 0.0),
    ])
}

/// A body as the pipeline writes it; ten digits of each id are made, all else of ids and times is copied.
fn write_body(body: &mut Vec<u8>, texts: &Texts, first: u64) {
    body.extend_from_slice(b"{\"items\":[");
    for step in first..first + ITEMS {
        if step > first {
            body.push(b',');
        }
        body.extend_from_slice(b"{\"_type\":\"agent_spans/create\",\"idempotency_key\":\"c0");
        body.extend_from_slice(&digits(step));
        body.extend_from_slice(
            b"\",\"details\":{\"agent_instance_id\":\"013xrzp12g3nqk8n04hmasw9nf6yy093\",\"id\":\"0123456",
        );
        body.extend_from_slice(&digits(step));
        body.extend_from_slice(b"\",\"schema_name\":\"agent:llm\",\"payload\":");
        serde_json::to_writer(&mut *body, &texts.call(step)).expect("a payload");
        body.extend_from_slice(
            b",\"status\":\"complete\",\"started_at\":\"2026-01-02T03:04:05.678901Z\",\
            \"finished_at\":\"2026-01-02T03:04:05.678901Z\",\"result_payload\":",
        );
        serde_json::to_writer(&mut *body, &texts.answer(step)).expect("a result");
        body.extend_from_slice(b"}}");
    }
    body.extend_from_slice(b"]}");
}

/// 25 digits.
fn digits(mut number: u64) -> [u8; 25] {
    let mut text = [b'0'; 25];
    for digit in text.iter_mut().rev().take(10) {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text
}

#[derive(Deserialize)]
struct Answer {
    outputs: Outputs,
}

/// How many there are, all of them good.
struct Outputs(u64);

#[derive(Deserialize)]
struct Output<'a> {
    status: &'a str,
    #[serde(rename = "details")]
    _details: IgnoredAny,
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = u64;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("outputs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
                let mut count = 0;
                while let Some((_key, output)) = map.next_entry::<&str, Output<'_>>()? {
                    assert_eq!(output.status, "success");
                    count += 1;
                }
                Ok(count)
            }
        }
        deserializer.deserialize_map(Count).map(Self)
    }
}
