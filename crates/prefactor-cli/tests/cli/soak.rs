use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{LIMIT, Server, lines_of, prefactor};

/// What strikes requests at random, one in twenty-five; a few of them stop everyone for a second.
const FAULTS: &str = r#"{
    "seed": 7,
    "latency": { "min_ms": 1, "max_ms": 40, "path": "/bulk" },
    "drop_before": { "probability": 0.01, "path": "/bulk" },
    "drop_after": { "probability": 0.01, "path": "/bulk" },
    "too_many_requests": { "probability": 0.005, "retry_after": { "seconds": 1 }, "path": "/bulk" },
    "server_error": { "status": 503, "probability": 0.01, "path": "/bulk" },
    "html_body": { "status": 502, "probability": 0.005, "path": "/bulk" }
}"#;

/// Some seconds, or as many minutes as `PREFACTOR_SOAK_MINUTES` says at full rate; a sample each second or each minute.
struct Length {
    seconds: u64,
    every: u64,
    /// Spans per second, and items of a request: the fewer, the more of them can meet a fault.
    load: [&'static str; 4],
}

impl Length {
    fn asked_for() -> Self {
        match std::env::var("PREFACTOR_SOAK_MINUTES") {
            Ok(minutes) => {
                let minutes: u64 = minutes.parse().expect("a number of minutes");
                Self { seconds: 60 * minutes, every: 60, load: ["--rate", "20000", "--batch-items", "500"] }
            }
            Err(_) => Self { seconds: 5, every: 1, load: ["--rate", "2000", "--batch-items", "20"] },
        }
    }
}

fn number(of: &Value, member: &str) -> u64 {
    of[member].as_u64().unwrap_or_else(|| panic!("{member} in {of}"))
}

/// The samples of a load, and its summary.
fn soak(server: &Server, length: &Length, tell: impl Fn(&str)) -> (Vec<Value>, Value) {
    let mut child = prefactor()
        .args(["load", "--json", "--url", &format!("http://{}", server.address), "--token", "t"])
        .args(["--duration", &format!("{}s", length.seconds), "--spans-per-run", "1000"])
        .args(length.load)
        // Room for a machine that is busy with other things for some seconds.
        .args(["--memory-budget", "268435456"])
        .args(["--every", &format!("{}s", length.every)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let lines = lines_of(child.stdout.take().expect("its output"));
    let mut samples = Vec::new();
    let summary = loop {
        let line = lines.recv_timeout(Duration::from_secs(length.every) + 4 * LIMIT).expect("a line in time");
        tell(&line);
        let said: Value = serde_json::from_str(&line).expect("JSON");
        if said.get("caller_ns").is_some() {
            break said;
        }
        samples.push(said);
    };
    assert!(child.wait().expect("its end").success());
    (samples, summary)
}

/// A member of the samples in their second quarter, and in their last.
fn early_and_late<'a>(samples: &'a [Value], member: &'a str) -> [impl Iterator<Item = u64> + 'a; 2] {
    let quarter = samples.len().div_ceil(4);
    let parts = [&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]];
    parts.map(|part| part.iter().map(|sample| number(sample, member)))
}

#[test]
fn under_steady_load_with_faults_nothing_grows_and_the_ledger_is_exact() {
    let server = Server::start(prefactor().args([
        "serve",
        "--token",
        "t",
        "--keep-finished",
        "500",
        "--faults",
        FAULTS,
    ]));
    let length = Length::asked_for();

    let (samples, summary) = soak(&server, &length, |line| println!("{line}"));
    let counted = server.counts();
    println!("{counted}");

    for sample in &samples {
        let known =
            ["delivered", "rejected", "lost", "spooled", "in_flight"].map(|member| number(sample, member));
        assert_eq!(number(sample, "accepted"), known.iter().sum::<u64>(), "{sample}");
    }
    // Each span and each run once: a span that came twice would be counted twice, also when it is long forgotten.
    assert_eq!(number(&counted, "spans"), number(&summary, "spans"));
    let operations = 2 * number(&summary, "spans") + 3 * number(&counted, "runs");
    assert_eq!((number(&summary, "delivered"), number(&summary, "accepted")), (operations, operations));
    assert_eq!(number(&summary, "held_bytes"), 0, "{summary}");
    assert!(number(&summary, "retries") > 0, "no fault struck: {summary}");
    if cfg!(target_os = "linux") {
        // As long as there are callers.
        let samples: Vec<_> = samples
            .into_iter()
            .filter(|sample| sample["seconds"].as_f64() < Some(length.seconds as f64))
            .collect();
        assert!(samples.len() >= 4, "{samples:?}");
        let [early, late] = early_and_late(&samples, "threads").map(Iterator::max);
        assert_eq!(early, late, "threads");
        // Connections come and go with the faults, one for each request in flight.
        let [early, late] = early_and_late(&samples, "open_files").map(Iterator::max);
        assert!(late <= early.map(|early| early + 4), "{early:?} open files became {late:?}");
        // What waits while a fault lasts comes and goes; what leaks stays.
        let [early, late] = early_and_late(&samples, "rss_bytes").map(Iterator::min);
        assert!(late <= early.map(|early| early + 16_000_000), "{early:?} bytes of memory became {late:?}");
    }
}
