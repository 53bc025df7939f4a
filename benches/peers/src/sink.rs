//! The server that everybody sends to: takes everything, answers in full, and spends as little as it can on it.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use memchr::memmem;

use crate::contenders::Server;
use crate::http::{Message, read_message};
use crate::otlp;

/// How long a server takes to answer that is far away.
pub const ROUND_TRIP: Duration = Duration::from_millis(20);

const KEY: &[u8] = b"\"idempotency_key\":\"";
const KEY_LEN: usize = 27;
const ID: &[u8] = b"\"id\":\"";
const ID_LEN: usize = 32;
const NO_ID: &[u8] = b"013xrzp12g3nqk8n04hmasw9nf6yy093";

/// An output as the API gives it, but for the key before it and the id in it: some 450 bytes.
const OUTPUT_HEAD: &[u8] = b"\":{\"status\":\"success\",\"details\":{\"type\":\"agent_span\",\"id\":\"";
const OUTPUT_TAIL: &[u8] = b"\",\"agent_instance_id\":\"013xrzp12g3nqk8n04hmasw9nf6yy093\",\"parent_span_id\":null,\
    \"schema_name\":\"agent:llm\",\"status\":\"complete\",\"account_id\":\"013xrzp12g3nqk8n04hmasw9nf6yy093\",\
    \"started_at\":\"2026-01-02T03:04:05.678901Z\",\"finished_at\":\"2026-01-02T03:04:05.678901Z\",\
    \"inserted_at\":\"2026-01-02T03:04:05.678901Z\",\"updated_at\":\"2026-01-02T03:04:05.678901Z\"}}";

/// Serves for ever on a port of its own, which it prints.
pub fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let taken = Arc::new(AtomicU64::new(0));
    for stream in listener.incoming() {
        let (stream, taken) = (stream?, Arc::clone(&taken));
        // A client that goes away is none of the sink's business.
        thread::spawn(move || drop(answer_all(stream, &taken)));
    }
    Ok(())
}

fn answer_all(stream: TcpStream, taken: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(64 * 1024, stream);
    let (mut request, mut body, mut answer) = (Message::default(), Vec::new(), Vec::new());
    while read_message(&mut stream, &mut request)? {
        let path = request.head.split(' ').nth(1).unwrap_or_default();
        if path.starts_with(Server::Stalled.path()) {
            continue;
        }
        if path.starts_with(Server::Far.path()) {
            thread::sleep(ROUND_TRIP);
        }
        body.clear();
        let spans = match path {
            "/taken" => {
                write!(body, "{}", taken.load(Ordering::SeqCst))?;
                0
            }
            "/v1/traces" => otlp::count_spans(&request.body),
            _ => confirm(&request.body, &mut body),
        };
        taken.fetch_add(spans, Ordering::SeqCst);
        answer.clear();
        write!(answer, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len())?;
        answer.extend_from_slice(&body);
        stream.get_mut().write_all(&answer)?;
    }
    Ok(())
}

/// Writes an output for each item; tells how many of them create a span.
fn confirm(items: &[u8], out: &mut Vec<u8>) -> u64 {
    let id_finder = memmem::Finder::new(ID);
    let mut spans = 0;
    out.extend_from_slice(b"{\"status\":\"success\",\"outputs\":{");
    for (index, at) in memmem::find_iter(items, KEY).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        spans += u64::from(items[..at].ends_with(b"agent_spans/create\","));
        let key = at + KEY.len();
        let rest = &items[key + KEY_LEN..];
        // The id of what the item makes stands near its beginning; any other text will do for one that makes nothing.
        let id = id_finder.find(&rest[..rest.len().min(150)]).map_or(NO_ID, |at| &rest[at + ID.len()..]);
        out.push(b'"');
        out.extend_from_slice(&items[key..key + KEY_LEN]);
        out.extend_from_slice(OUTPUT_HEAD);
        out.extend_from_slice(id.get(..ID_LEN).unwrap_or(NO_ID));
        out.extend_from_slice(OUTPUT_TAIL);
    }
    out.extend_from_slice(b"}}");
    spans
}
