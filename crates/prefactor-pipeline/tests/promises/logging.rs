use std::io;
use std::sync::{Arc, Mutex};

use prefactor_pipeline::LogLevel;
use serde_json::json;
use tokio::time::sleep;
use tracing::subscriber::DefaultGuard;

use crate::support::{Api, PATIENCE, Reply, SECOND, begin, whole_run};

/// What is logged while this lives.
struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = {
            let text = Arc::clone(&text);
            move || Writer(Arc::clone(&text))
        };
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(writer)
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines, without the actor that ractor says they come from.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.text.lock().expect("no writer panics").clone()).expect("text");
        let without_actor = |line: &str| match line.split_once("Actor{") {
            Some((before, after)) => {
                format!("{before}{}", after.split_once("}: ").map_or("", |(_, text)| text))
            }
            None => line.to_owned(),
        };
        text.lines().map(|line| without_actor(line.trim())).collect()
    }
}

/// Losses, an outage and a refused token, at a level.
async fn log_of_trouble(level: LogLevel) -> Vec<String> {
    let log = Log::start();
    let api = Api::new().on_request(|request| match request.number {
        0 => Reply::Fail,
        1 => Reply::status(401),
        _ => Reply::Process,
    });
    let prefactor = api.pipeline().log_level(level).memory_budget(8_000).build().expect("a pipeline");
    whole_run(&prefactor, "secret payload");
    let run = begin(&prefactor);
    run.span("agent:step", &json!({ "text": "secret".repeat(2_000) })).complete(&json!({}));
    sleep(SECOND).await;
    run.span("agent:step", &json!({ "text": "secret".repeat(2_000) })).complete(&json!({}));
    run.finish();
    assert!(prefactor.shutdown(PATIENCE).await.complete);
    log.lines()
}

#[tokio::test(start_paused = true)]
async fn each_level_says_what_it_should_and_nothing_beyond() {
    let error = [
        "ERROR telemetry lost reason=\"queue_full\" operations=1",
        "ERROR the prefactor api refuses the token; telemetry waits until it is accepted",
        "ERROR telemetry lost reason=\"queue_full\" operations=3",
    ];
    let warn = "WARN the prefactor api can't be reached or answers with errors; trying again";
    let info = "INFO telemetry is delivered again";

    assert_eq!(log_of_trouble(LogLevel::Off).await, [""; 0]);
    assert_eq!(log_of_trouble(LogLevel::Error).await, error);
    assert_eq!(log_of_trouble(LogLevel::Warn).await, [error[0], warn, error[1], error[2]]);
    assert_eq!(log_of_trouble(LogLevel::Info).await, [error[0], warn, error[1], info, error[2]]);
    let debug = log_of_trouble(LogLevel::Debug).await;
    let attempts: Vec<_> = debug.iter().filter(|line| line.starts_with("DEBUG")).collect();
    assert_eq!(attempts.len(), 2, "{debug:#?}");
    assert!(attempts[0].contains("nobody listens") && attempts[1].contains("status=401"), "{debug:#?}");
    assert!(!debug.iter().any(|line| line.contains("secret")));
}

#[tokio::test(start_paused = true)]
async fn losses_take_one_line_and_the_rest_is_told_at_the_end() {
    let log = Log::start();
    let api = Api::new();
    let prefactor = api.pipeline().log_level(LogLevel::Error).memory_budget(4_000).build().unwrap();
    let run = begin(&prefactor);

    for _ in 0..1_000 {
        run.span("agent:step", &json!({ "text": "x".repeat(4_000) })).complete(&json!({}));
    }
    assert_eq!(log.lines(), ["ERROR telemetry lost reason=\"queue_full\" operations=1"]);
    run.finish();
    prefactor.shutdown(PATIENCE).await;

    assert_eq!(log.lines()[1..], ["ERROR telemetry lost reason=\"queue_full\" operations=1999"]);
}
