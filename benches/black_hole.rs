//! What a call on a handle costs while the API takes requests and never answers, beside what it costs while all is well.
//!
//! `cargo bench --bench black_hole`. One thread calls two pipelines in turns, in one process: one delivers to an API over
//! HTTP, the other's API is a black hole, first with room in its memory and then without. Each of the two calls of a span is
//! measured by itself. Ends with the ratio of the slowest calls, one in a thousand.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "a program")]

mod support;

use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prefactor::{AgentVersion, Instance, Prefactor};
use prefactor_emulator::{Emulator, Faults};

use support::{ANSWER, LlmCall};

/// Rounds in which each pipeline has its turn once.
const ROUNDS: usize = 1_000;

/// Spans of a turn.
const SPANS: usize = 200;

/// A service has other things to do.
const PAUSE: Duration = Duration::from_millis(5);

/// Full after a third of the rounds.
const BUDGET: u64 = 48 << 20;

/// Nanoseconds: what takes longer counts as that long.
const LONGEST: u64 = 60_000_000_000;

struct Side {
    name: &'static str,
    prefactor: Prefactor,
    run: Instance,
    /// Nanoseconds of each call.
    calls: Histogram<u64>,
}

impl Side {
    fn new(name: &'static str, emulator: &Emulator) -> Self {
        let prefactor = Prefactor::builder()
            .api_url(emulator.url().parse().expect("a url"))
            .api_token(emulator.token().parse().expect("a token"))
            .memory_budget(BUDGET)
            .build()
            .expect("a pipeline");
        let run = prefactor.instance(AgentVersion::new("bench", "v1")).start();
        Self { name, prefactor, run, calls: Histogram::new_with_bounds(1, LONGEST, 3).expect("valid bounds") }
    }

    fn turn(&mut self, payload: &LlmCall) {
        for _ in 0..SPANS {
            let begun = Instant::now();
            let span = self.run.root_span("agent:llm", payload);
            let middle = Instant::now();
            span.complete(&ANSWER);
            let ended = Instant::now();
            self.calls.saturating_record((middle - begun).as_nanos() as u64);
            self.calls.saturating_record((ended - middle).as_nanos() as u64);
        }
    }

    fn print(&self) {
        let at = |quantile| self.calls.value_at_quantile(quantile);
        let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
        let lost = self.prefactor.ledger().lost_total().operations;
        println!(
            "{:<12} {:>9} calls  p50 {p50:>5} ns  p99 {p99:>6} ns  p99.9 {p999:>7} ns  max {:>9} ns  lost {lost}",
            self.name,
            self.calls.len(),
            self.calls.max()
        );
    }
}

fn main() {
    // `cargo test --all-targets` comes here too, and a measurement is no test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let start = |faults| runtime.block_on(Emulator::builder().faults(faults).start()).expect("an emulator");
    let emulators = [start(Faults::new()), start(Faults::new().black_hole())];
    let mut sides = [Side::new("healthy", &emulators[0]), Side::new("black-holed", &emulators[1])];
    let payload = LlmCall::of(300);

    for round in 0..ROUNDS {
        // Neither always comes first after the pause.
        for turn in 0..2 {
            sides[(round + turn) % 2].turn(&payload);
        }
        thread::sleep(PAUSE);
    }

    sides.iter().for_each(Side::print);
    let [healthy, black_holed] = sides.each_ref().map(|side| side.calls.value_at_quantile(0.999) as f64);
    println!("ratio p999_black_holed_vs_healthy {:.2} goal <=2", black_holed / healthy);
    for emulator in &emulators {
        emulator.clear_faults();
    }
    let ledger = sides[0].prefactor.shutdown_blocking(Duration::from_secs(60)).ledger;
    assert_eq!(ledger.delivered, ledger.accepted, "the healthy API takes everything: {ledger}");
}
