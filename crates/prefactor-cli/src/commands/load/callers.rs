//! The threads that make spans, and what each of their calls took.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prefactor::{AgentVersion, Instance, Prefactor};

use super::content::Content;
use super::schedule::{Due, Schedule};

/// Nanoseconds up to this are told apart; what takes longer counts as that long.
const LONGEST_NS: u64 = 60_000_000_000;

/// What callers do.
pub(crate) struct Workload<'a> {
    pub(crate) prefactor: &'a Prefactor,
    pub(crate) schedule: &'a Schedule,
    pub(crate) threads: usize,
    pub(crate) instances: usize,
    /// None: runs go on to the end.
    pub(crate) spans_per_run: Option<u64>,
    pub(crate) content: &'a Content,
    pub(crate) longest: Option<Duration>,
    /// Spans that were made so far, for those who watch.
    pub(crate) made: &'a AtomicU64,
}

/// What callers felt, in nanoseconds.
pub(crate) struct Felt {
    /// How long the calls for a span took.
    pub(crate) calls: Histogram<u64>,
    /// How long after its time a span began, where it has one.
    pub(crate) late: Histogram<u64>,
}

impl Workload<'_> {
    /// Makes all spans.
    pub(crate) fn run(&self) -> Felt {
        let start = Barrier::new(self.threads);
        let next = AtomicU64::new(0);
        let felt = thread::scope(|scope| {
            let callers: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (start, next) = (&start, &next);
                    scope.spawn(move || self.call(thread, start, next))
                })
                .collect();
            callers.into_iter().map(|caller| caller.join()).collect::<Vec<_>>()
        });
        let mut all = Felt::new();
        for Felt { calls, late } in felt.into_iter().flatten() {
            // All have the same bounds.
            let _ = all.calls.add(calls).and_then(|()| all.late.add(late));
        }
        all
    }

    fn call(&self, thread: usize, start: &Barrier, next: &AtomicU64) -> Felt {
        let mut felt = Felt::new();
        let at_once = self.content.spans_at_once();
        let mut runs: Vec<_> =
            (thread..self.instances).step_by(self.threads).map(|_| (self.begin_run(), 0)).collect();
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return felt };
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
                Due::At(time) => {
                    thread::sleep(time.saturating_sub(begun.elapsed()));
                    felt.late.saturating_record(nanoseconds(begun.elapsed().saturating_sub(time)));
                }
                Due::Never => break,
            }
            let called = Instant::now();
            self.content.report(run, number);
            felt.calls.saturating_record(nanoseconds(called.elapsed()) / at_once);
            self.made.fetch_add(at_once, Ordering::Relaxed);
            *spans += at_once;
            if self.spans_per_run.is_some_and(|most| *spans >= most) {
                run.finish();
                (*run, *spans) = (self.begin_run(), 0);
            }
        }
        runs.iter().for_each(|(run, _)| run.finish());
        felt
    }

    fn begin_run(&self) -> Instance {
        self.prefactor.instance(AgentVersion::new("prefactor-load", env!("CARGO_PKG_VERSION"))).start()
    }
}

impl Felt {
    fn new() -> Self {
        Self { calls: histogram(), late: histogram() }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS)
}

fn histogram() -> Histogram<u64> {
    // These bounds are valid for every histogram.
    Histogram::new_with_bounds(1, LONGEST_NS, 3)
        .unwrap_or_else(|_| Histogram::new(3).expect("3 digits are valid"))
}
