//! Neither the token nor a payload is ever printed. A process of its own, since loggers and panic hooks belong to processes.

use std::fmt::{Debug, Write as _};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use prefactor::{AgentVersion, Builder, Prefactor, Spool};
use prefactor_emulator::{
    DropAfter, DropBefore, Emulator, Faults, HtmlBody, IgnoredIds, Latency, RateLimit, RetryAfter,
    ServerError, TerminateRun, TooManyRequests,
};
use prefactor_http::{HttpClientConfig, PrefactorClient, PrefactorError, RetryPolicy};
use serde::{Serialize, Serializer};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

const TOKEN: &str = "tok-7f3a91c4-unmistakable";
const PAYLOAD: &str = "diary-5e02bd77-unmistakable";

/// Much longer than any part takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Everything that was printed by anybody.
static PRINTED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Print;

impl Write for Print {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        PRINTED.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn print(shown: impl AsRef<[u8]>) {
    Print.write_all(shown.as_ref()).expect("memory");
}

fn show(what: &impl Debug) {
    print(format!("{what:?}\n{what:#?}\n"));
}

#[test]
fn neither_tokens_nor_payloads_are_printed_whatever_happens() {
    tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(|| Print).finish().init();
    std::panic::set_hook(Box::new(|panic| print(format!("{panic}\n"))));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");

    for (round, faults) in all_faults().into_iter().enumerate() {
        let name = format!("round {round}, {faults:?}");
        let emulator = Emulator::builder().token(TOKEN).faults(faults);
        let emulator = runtime.block_on(emulator.start()).expect("a port on loopback");
        show(&emulator);
        let spool = match round % 3 {
            0 => None,
            1 => Some(Spool::overflow(folder.path().join(round.to_string())).max_bytes(20_000)),
            _ => Some(Spool::write_ahead(folder.path().join(round.to_string()))),
        };
        let builder = builder(emulator.url());
        in_time(&name, || use_all(builder, spool));
    }
    let echo = echo();
    let builder = builder(&echo);
    in_time("the pipeline and a server that echoes", || use_all(builder, None));
    in_time("the client and a server that echoes", move || runtime.block_on(ask_directly(&echo)));

    drop(std::panic::take_hook());
    let printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let printed = String::from_utf8_lossy(&printed);
    for said in ["injected panic", "prefactor", "TRACE", "spool", "telemetry lost"] {
        assert!(printed.contains(said), "something is printed: {said}");
    }
    for secret in [TOKEN, PAYLOAD] {
        let bytes = format!("{:?}", secret.as_bytes());
        for form in [secret, bytes.trim_matches(['[', ']'])] {
            let found = printed.find(form).map(|at| &printed[at.saturating_sub(300)..]);
            assert_eq!(found.map(|text| text.chars().take(600).collect::<String>()), None);
        }
    }
}

/// Does it on a thread of its own, and tells what it is that hangs or panics: the hook above prints to nobody.
fn in_time(what: &str, act: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        act();
        let _ = done.send(());
    });
    let Err(error) = ended.recv_timeout(PATIENCE) else { return };
    drop(std::panic::take_hook());
    match error {
        RecvTimeoutError::Timeout => panic!("{what}: it has not ended within {PATIENCE:?}"),
        RecvTimeoutError::Disconnected => {
            let panic = thread.join().expect_err("it has not told that it is done");
            let message = panic.downcast_ref::<String>().map(String::as_str);
            panic!("{what}: {}", message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic"));
        }
    }
}

/// One after the other, then all that can be at once.
fn all_faults() -> Vec<Faults> {
    let some = 0.3;
    let mut all = vec![
        Faults::new().max_body_bytes(1_000),
        Faults::new().max_items(2),
        Faults::new().rate_limit(RateLimit::new().requests_per_s(5.0)),
        Faults::new().ignored_ids(IgnoredIds::new().instances(true).spans(true)),
        Faults::new().terminate_run(TerminateRun::new().after_spans(2).reason("too expensive")),
        Faults::new().latency(Latency::new().max_ms(20)),
        Faults::new().drop_before(DropBefore::new().probability(some)),
        Faults::new().drop_after(DropAfter::new().probability(some)),
        Faults::new()
            .too_many_requests(TooManyRequests::new().probability(some).retry_after(RetryAfter::HttpDate(1))),
        Faults::new().server_error(ServerError::new().status(503).probability(some)),
        Faults::new().server_error(ServerError::new().status(401)),
        Faults::new().server_error(ServerError::new().status(422)),
        Faults::new().html_body(HtmlBody::new().status(200).probability(some)),
        Faults::new().black_hole(),
    ];
    all.push(
        Faults::new()
            .max_items(5)
            .ignored_ids(IgnoredIds::new().spans(true))
            .drop_before(DropBefore::new().probability(some))
            .drop_after(DropAfter::new().probability(some))
            .too_many_requests(TooManyRequests::new().probability(some))
            .html_body(HtmlBody::new().probability(some)),
    );
    all
}

fn builder(url: &str) -> Builder {
    let quick = RetryPolicy::default()
        .with_initial_delay(Duration::from_millis(2))
        .with_max_delay(Duration::from_millis(20));
    let calls = AtomicU64::new(0);
    Prefactor::builder()
        .api_url(url.parse().expect("a url"))
        .api_token(TOKEN.parse().expect("a token"))
        .memory_budget(20_000)
        .linger(Duration::from_millis(1))
        .probe_interval(Duration::from_millis(5))
        .request_timeout(Duration::from_millis(200))
        .retry_policy(quick)
        .on_undelivered(show)
        .on_delivered(show)
        .on_spooled(show)
        .interrupt(move |stage| {
            if calls.fetch_add(1, Ordering::Relaxed) % 40 == 39 {
                panic!("injected panic in {stage:?}");
            }
        })
}

/// Its error text quotes what it should have written, as those of many types do.
struct Quotes;

impl Serialize for Quotes {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(format!("can't write {PAYLOAD:?}")))
    }
}

/// Does all that handles can do, good and bad, and shows everything.
fn use_all(builder: Builder, spool: Option<Spool>) {
    let payload = json!({ "text": PAYLOAD, PAYLOAD: [PAYLOAD] });
    show(&spool);
    let builder = match spool {
        Some(spool) => builder.spool(spool),
        None => builder,
    };
    show(&builder);
    let prefactor = builder.build().expect("a pipeline");
    for _ in 0..4 {
        let starting = prefactor.instance(AgentVersion::new("agent", "v1"));
        show(&starting);
        let run = starting.start();
        run.record_quality("quality", &payload);
        let open = run.span("open", &payload);
        for _ in 0..10 {
            let span = open.child("step", &payload);
            show(&span);
            show(&span.context());
            span.in_scope(|| prefactor::SpanContext::current().child("inner", &Quotes).fail(&payload));
            span.complete(&payload);
            span.complete(&payload);
            open.child("odd", &payload).cancel();
        }
        open.child("large", &PAYLOAD.repeat(2_000)).complete(&Quotes);
        show(&(&run, &prefactor, run.terminated(), run.ledger(), run.id()));
        run.finish();
        run.span("late", &payload).complete(&payload);
    }
    show(&prefactor.flush_blocking(Duration::from_millis(300)));
    show(&(&prefactor, prefactor.health(), prefactor.traffic(), prefactor.spool_use()));
    let report = prefactor.shutdown_blocking(Duration::from_millis(300));
    show(&report);
    print(format!("{}\n", report.ledger));
    prefactor.instance(AgentVersion::new("agent", "v1")).start().span("closed", &payload).complete(&payload);
}

/// Answers every request with itself, in all the forms in which an answer can quote it.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let count = Arc::new(AtomicU64::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || answer(stream, &count));
        }
    });
    url
}

fn answer(mut stream: TcpStream, count: &AtomicU64) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut request = Vec::new();
    // As much as comes: it is the echo that matters.
    let _ = stream.read_to_end(&mut request);
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request.split("idempotency_key\":\"").nth(1).and_then(|rest| rest.get(..27)).unwrap_or("none");
    let refusal = json!({
        "status": "error", "code": TOKEN, "message": TOKEN, "errors": { TOKEN: { TOKEN: [TOKEN] } },
    });
    let output = json!({
        "status": "error", "code": request, "message": request, "errors": { request.clone(): [request] },
    });
    let (status, body) = match count.fetch_add(1, Ordering::Relaxed) % 9 {
        0 => ("200 OK", request),
        1 => ("400 Bad Request", refusal.to_string()),
        2 => ("401 Unauthorized", refusal.to_string()),
        3 => ("413 Too Large", request),
        4 => ("429 Too Many Requests", request),
        5 => ("302 Found", request),
        6 => ("200 OK", json!({ "status": "success", "details": { "id": request } }).to_string()),
        7 => ("502 Bad Gateway", request),
        _ => ("200 OK", json!({ "status": "success", "outputs": { key: output } }).to_string()),
    };
    let mut head = String::new();
    let _ = write!(
        head,
        "HTTP/1.1 {status}\r\nX-Echo: {TOKEN}\r\nLocation: /{TOKEN}\r\nRetry-After: {TOKEN}\r\n"
    );
    let _ = write!(head, "Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The client of the API by itself, with errors and their sources.
async fn ask_directly(url: &str) {
    for address in [url, "http://127.0.0.1:1"] {
        let config = HttpClientConfig::new(address.parse().expect("a url"), TOKEN.parse().expect("a token"));
        let config = config.with_max_retries(1).with_initial_retry_delay(Duration::from_millis(1));
        show(&config);
        let client = PrefactorClient::new(config).expect("a client");
        show(&client);
        for _ in 0..9 {
            let request = client
                .request(prefactor_http::Method::POST, "/api/v1/agent_spans")
                .params([("text", PAYLOAD)])
                .json_data(&json!({ "details": { "payload": { "text": PAYLOAD } } }));
            show(&request);
            if let Err(error) = request.send().await {
                show_error(&error);
            }
            if let Err(error) = client.agent_instances().get("instance").await {
                show_error(&error);
            }
        }
    }
}

fn show_error(error: &PrefactorError) {
    show(error);
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        print(format!("{error}\n{error:?}\n"));
        source = error.source();
    }
}
