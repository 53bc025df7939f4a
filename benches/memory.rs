//! What waits in memory: bytes per queued span beyond its payload and result, and bytes per idle run.
//!
//! `cargo bench --bench memory` counts every allocation of the process, behind a transport that does not answer spans.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

mod support;

use std::alloc::System;
use std::future;
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use prefactor::pfid::Partition;
use prefactor::testing::ScriptedTransport;
use prefactor::{AgentVersion, Prefactor};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use support::{ANSWER, LlmCall, ROOMY, sink};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SPANS: usize = 100_000;
const RUNS: usize = 10_000;

/// Long enough for the pipeline to look at what it was given, and for actors without work to end.
const SETTLE: Duration = Duration::from_secs(3);

fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

fn pipeline(transport: ScriptedTransport) -> Prefactor {
    Prefactor::builder()
        .transport(transport)
        .partition(Partition::MAX)
        .requests_per_second(None::<NonZeroU32>)
        .memory_budget(ROOMY)
        .build()
        .expect("a pipeline")
}

fn main() {
    // `cargo test --all-targets` comes here too, and a measurement is no test.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    queued_spans();
    idle_runs();
}

fn queued_spans() {
    let payload = LlmCall::of(300);
    let content = serde_json::to_vec(&payload).map_or(0, |json| json.len())
        + serde_json::to_vec(&ANSWER).map_or(0, |json| json.len());
    let before = in_use();
    let prefactor = pipeline(ScriptedTransport::new(|_| future::pending()));
    let run = prefactor.instance(AgentVersion::new("bench", "v1")).start();
    let mut peak = 0;
    for span in 0..SPANS {
        run.span("agent:llm", &payload).complete(&ANSWER);
        if span % 256 == 0 {
            peak = peak.max(in_use() - before);
        }
    }
    thread::sleep(SETTLE);
    let settled = in_use() - before;
    let beyond = |bytes: usize| bytes as f64 / SPANS as f64 - content as f64;
    println!("content of a span            {content:>8} bytes");
    println!("beyond it, at the highest    {:>8.0} bytes", beyond(peak.max(settled)));
    println!("beyond it, once sorted       {:>8.0} bytes", beyond(settled));
}

fn idle_runs() {
    let prefactor = pipeline(sink());
    let before = in_use();
    let begin = |_| prefactor.instance(AgentVersion::new("bench", "v1")).start();
    let runs: Vec<_> = (0..RUNS).map(begin).collect();
    prefactor.flush_blocking(Duration::from_secs(60));
    let busy = (in_use() - before) / RUNS;
    thread::sleep(SETTLE);
    let idle = (in_use() - before) / RUNS;
    println!("a run that was just started  {busy:>8} bytes");
    println!("an idle run                  {idle:>8} bytes");
    drop(runs);
}
