//! The threads that make spans, and what each of their calls took.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prefactor::{AgentVersion, Instance, Prefactor};
use serde::Serialize;

use super::schedule::{Due, Schedule};

/// Nanoseconds up to this are told apart; what takes longer counts as that long.
const LONGEST_NS: u64 = 60_000_000_000;

/// A payload as an agent's call of a model would have it: five fields, one of them as long as it takes.
#[derive(Serialize)]
struct Payload<'a> {
    model: &'a str,
    temperature: f64,
    step: u64,
    stream: bool,
    prompt: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    tokens: u64,
    text: &'a str,
}

/// What callers do.
pub(crate) struct Workload<'a> {
    pub(crate) prefactor: &'a Prefactor,
    pub(crate) schedule: &'a Schedule,
    pub(crate) threads: usize,
    pub(crate) instances: usize,
    /// None: runs go on to the end.
    pub(crate) spans_per_run: Option<u64>,
    pub(crate) payload_bytes: usize,
    pub(crate) longest: Option<Duration>,
    /// Spans that were made so far, for those who watch.
    pub(crate) made: &'a AtomicU64,
}

impl Workload<'_> {
    /// Makes all spans; gives how long the calls for each took, in nanoseconds.
    pub(crate) fn run(&self) -> Histogram<u64> {
        let start = Barrier::new(self.threads);
        let next = AtomicU64::new(0);
        let times = thread::scope(|scope| {
            let callers: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (start, next) = (&start, &next);
                    scope.spawn(move || self.call(thread, start, next))
                })
                .collect();
            callers.into_iter().map(|caller| caller.join()).collect::<Vec<_>>()
        });
        let mut all = histogram();
        for times in times.into_iter().flatten() {
            // Both have the same bounds.
            let _ = all.add(times);
        }
        all
    }

    fn call(&self, thread: usize, start: &Barrier, next: &AtomicU64) -> Histogram<u64> {
        let mut times = histogram();
        let prompt = "p".repeat(self.payload_bytes.saturating_sub(70));
        let text = "t".repeat((self.payload_bytes / 3).saturating_sub(20));
        let mut runs: Vec<_> =
            (thread..self.instances).step_by(self.threads).map(|_| (self.begin_run(), 0)).collect();
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return times };
        start.wait();
        let begun = Instant::now();
        for turn in (0..runs.len()).cycle() {
            let (run, spans) = &mut runs[turn];
            if self.longest.is_some_and(|longest| begun.elapsed() >= longest) {
                break;
            }
            let number = next.fetch_add(1, Ordering::Relaxed);
            match self.schedule.due(number) {
                Due::WhenThereIsRoom => runtime.block_on(self.prefactor.wait_for_room()),
                // Nobody waits for what comes after the end.
                Due::At(time) if self.longest.is_some_and(|longest| time >= longest) => break,
                Due::At(time) => thread::sleep(time.saturating_sub(begun.elapsed())),
                Due::Never => break,
            }
            let payload =
                Payload { model: "m-1", temperature: 0.7, step: number, stream: false, prompt: &prompt };
            let called = Instant::now();
            let span = run.root_span("agent:llm", &payload);
            span.complete(&Answer { tokens: number, text: &text });
            let took = called.elapsed();
            times.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LONGEST_NS));
            self.made.fetch_add(1, Ordering::Relaxed);
            *spans += 1;
            if self.spans_per_run.is_some_and(|most| *spans >= most) {
                run.finish();
                (*run, *spans) = (self.begin_run(), 0);
            }
        }
        runs.iter().for_each(|(run, _)| run.finish());
        times
    }

    fn begin_run(&self) -> Instance {
        self.prefactor.instance(AgentVersion::new("prefactor-load", env!("CARGO_PKG_VERSION"))).start()
    }
}

fn histogram() -> Histogram<u64> {
    // These bounds are valid for every histogram.
    Histogram::new_with_bounds(1, LONGEST_NS, 3)
        .unwrap_or_else(|_| Histogram::new(3).expect("3 digits are valid"))
}
