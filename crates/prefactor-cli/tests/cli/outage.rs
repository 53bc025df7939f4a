use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{LIMIT, Server, lines_of, prefactor};

/// What a process takes beside what its pipeline holds.
const BESIDE_THE_BUDGET: u64 = 60_000_000;

/// A load that meets an outage: some seconds of it, or as many spans as `PREFACTOR_OUTAGE_SPANS` says.
struct Scale {
    spans: u64,
    /// Spans in a second; `max` waits for room, and so for a disk that is busy with other things.
    rate: &'static str,
    /// Bytes of memory, far less than what the spans take.
    budget: u64,
    /// How long what is left may take: if something never comes, the test is to end.
    drain: &'static str,
}

impl Scale {
    fn asked_for(rate_of_the_short_form: &'static str) -> Self {
        match std::env::var("PREFACTOR_OUTAGE_SPANS") {
            Ok(spans) => {
                let spans = spans.parse().expect("a number of spans");
                Self { spans, rate: "100000", budget: 64 << 20, drain: "30m" }
            }
            Err(_) => Self { spans: 20_000, rate: rate_of_the_short_form, budget: 4 << 20, drain: "2m" },
        }
    }
}

/// A running `prefactor load`, which tells each second how it goes and its summary at the end.
struct Load {
    child: Child,
    lines: Receiver<String>,
}

impl Load {
    fn start(server: &Server, scale: &Scale, more: &[&str], directory: Option<&TempDir>) -> Self {
        let mut command: Command = prefactor();
        command
            .args(["load", "--json", "--every", "1s", "--token", "t", "--drain", scale.drain])
            .args(["--url", &format!("http://{}", server.address)])
            .args(["--spans", &scale.spans.to_string(), "--rate", scale.rate])
            .args(["--memory-budget", &scale.budget.to_string()])
            .args(more);
        if let Some(directory) = directory {
            command.arg("--spool").arg(directory.path());
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command runs");
        let lines = lines_of(child.stdout.take().expect("its output"));
        Self { child, lines }
    }

    /// The next line: a sample, or the summary.
    fn line(&self) -> Value {
        let line = self.lines.recv_timeout(6 * LIMIT).expect("a line in time");
        serde_json::from_str(&line).expect("JSON")
    }

    fn sample_with(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let sample = self.line();
            assert!(sample.get("caller_ns").is_none(), "it ended before: {sample}");
            if is_it(&sample) {
                return sample;
            }
        }
    }

    fn summary(mut self) -> Value {
        let summary = loop {
            let line = self.line();
            if line.get("caller_ns").is_some() {
                break line;
            }
        };
        assert!(self.child.wait().expect("its end").success(), "{summary}");
        summary
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(of: &Value, member: &str) -> u64 {
    of[member].as_u64().unwrap_or_else(|| panic!("{member} in {of}"))
}

fn serve(address: &str, folder: &TempDir) -> Server {
    let file = folder.path().join("server.db");
    Server::start(prefactor().args(["serve", "--token", "t", "--listen", address, "--db"]).arg(file))
}

/// What was seen of an outage.
struct Outage {
    /// The sample of the moment when all spans were made.
    all_made: Value,
    summary: Value,
    /// What the server has in the end.
    counted: Value,
}

impl Outage {
    /// A load whose server is killed at a moment, and started again on its file when all spans are made.
    #[expect(clippy::print_stdout, reason = "a long one is watched")]
    fn of(scale: &Scale, options: &[&str], spool: Option<&TempDir>, moment: impl FnOnce(&Load)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let server = serve("127.0.0.1:0", &folder);
        let address = server.address.to_string();
        let load = Load::start(&server, scale, options, spool);
        moment(&load);
        server.kill();
        let all_made = load.sample_with(|sample| number(sample, "spans") == scale.spans);
        println!("in the outage: {all_made}");
        let server = serve(&address, &folder);
        let summary = load.summary();
        let counted = server.counts();
        println!("after it: {summary}\n{counted}");
        Self { all_made, summary, counted }
    }
}

fn assert_that_memory_is_bounded(summary: &Value, scale: &Scale) {
    assert_eq!(number(summary, "held_bytes"), 0, "{summary}");
    if cfg!(target_os = "linux") {
        let peak = number(summary, "peak_rss_bytes");
        assert!(peak <= scale.budget + BESIDE_THE_BUDGET, "{peak} bytes of memory");
    }
}

#[test]
fn with_a_spool_an_outage_loses_nothing_and_stays_within_the_memory_budget() {
    let spool = TempDir::new().expect("a folder");
    let scale = Scale::asked_for("max");

    let Outage { all_made, summary, counted } = Outage::of(&scale, &[], Some(&spool), |_| ());

    let operations = 2 * scale.spans + 3 * number(&counted, "runs");
    assert_eq!((number(&summary, "accepted"), number(&summary, "delivered")), (operations, operations));
    assert_eq!(number(&counted, "spans"), scale.spans);
    assert!(number(&all_made, "held_bytes") <= scale.budget);
    assert_that_memory_is_bounded(&summary, &scale);
}

#[test]
fn without_a_spool_an_outage_loses_what_does_not_fit_and_counts_it_exactly() {
    let scale = Scale::asked_for("10000");
    let something_arrived = |load: &Load| drop(load.sample_with(|sample| number(sample, "delivered") > 0));

    let Outage { summary, counted, .. } = Outage::of(&scale, &["--allow-loss"], None, something_arrived);

    // The runs began before the outage, so both operations of a span are delivered or both are lost.
    let lost = number(&summary, "lost");
    assert!(lost > 0 && lost == number(&summary["lost_by_reason"], "queue_full"), "{summary}");
    assert_eq!(number(&summary, "accepted"), number(&summary, "delivered") + lost);
    let on_the_server = 2 * number(&counted, "spans") + 3 * number(&counted, "runs");
    assert_eq!(number(&summary, "delivered"), on_the_server);
    assert_that_memory_is_bounded(&summary, &scale);
}
