//! What a call on a handle costs its caller: nanoseconds per span, begun and finished.
//!
//! `cargo bench --bench handle`; the pipeline behind it delivers to a sink in the process, and is flushed between two
//! measurements, outside of the time.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

mod support;

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use prefactor::pfid::Partition;
use prefactor::{AgentVersion, Instance, LossReason, Prefactor};
use serde::Serialize;
use serde_json::json;

use support::{ANSWER, LlmCall, ROOMY, sink};

/// Spans between two flushes.
const RUN: u64 = 10_000;

/// No payload at all: `{}`.
#[derive(Serialize)]
struct Empty {}

fn pipeline(budget: u64) -> Prefactor {
    Prefactor::builder()
        .transport(sink())
        .partition(Partition::MAX)
        .requests_per_second(None::<NonZeroU32>)
        .max_input_length(usize::MAX)
        .memory_budget(budget)
        .build()
        .expect("a pipeline")
}

fn begin(prefactor: &Prefactor) -> Instance {
    prefactor.instance(AgentVersion::new("bench", "v1")).start()
}

/// The time that `threads` threads take for `spans` calls of `work` each, per thread.
fn measure(prefactor: &Prefactor, threads: usize, spans: u64, work: impl Fn(&Instance) + Sync) -> Duration {
    let runs: Vec<_> = (0..threads).map(|_| begin(prefactor)).collect();
    let mut total = Duration::ZERO;
    let mut left = spans;
    while left > 0 {
        let now = left.min(RUN);
        left -= now;
        let start = Barrier::new(threads);
        let times = thread::scope(|scope| {
            let callers: Vec<_> = runs
                .iter()
                .map(|run| {
                    let (start, work) = (&start, &work);
                    scope.spawn(move || {
                        start.wait();
                        let begun = Instant::now();
                        for _ in 0..now {
                            work(run);
                        }
                        begun.elapsed()
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().expect("a caller")).collect::<Vec<_>>()
        });
        total += times.iter().sum::<Duration>() / threads as u32;
        prefactor.flush_blocking(Duration::from_secs(60));
    }
    total
}

/// The same for the beginning of spans alone, or for their end alone, on one thread.
fn measure_half(prefactor: &Prefactor, spans: u64, payload: &impl Serialize, beginning: bool) -> Duration {
    let run = begin(prefactor);
    let mut total = Duration::ZERO;
    let mut left = spans;
    while left > 0 {
        let now = left.min(RUN);
        left -= now;
        let mut open = Vec::with_capacity(now as usize);
        let begun = Instant::now();
        open.extend((0..now).map(|_| run.span("agent:llm", payload)));
        let middle = Instant::now();
        open.iter().for_each(|span| span.complete(&ANSWER));
        total += if beginning { middle - begun } else { middle.elapsed() };
        drop(open);
        prefactor.flush_blocking(Duration::from_secs(60));
    }
    total
}

fn span(payload: &(impl Serialize + Sync), result: &(impl Serialize + Sync)) -> impl Fn(&Instance) + Sync {
    move |run| black_box(run.span("agent:llm", payload)).complete(result)
}

/// What a payload of so many bytes costs.
fn sizes(
    group: &mut BenchmarkGroup<'_, WallTime>,
    prefactor: &Prefactor,
    bytes: &str,
    payload: &(impl Serialize + Sync),
) {
    let mut bench = |what, time: &dyn Fn(u64) -> Duration| {
        group.bench_function(BenchmarkId::new(what, bytes), |bencher| bencher.iter_custom(time));
    };
    bench("typed payload, bytes", &|spans| measure(prefactor, 1, spans, span(payload, &ANSWER)));
    let with_values =
        |run: &Instance| black_box(run.span("agent:llm", &json!(payload))).complete(&json!(ANSWER));
    bench("json! payload made at the call, bytes", &|spans| measure(prefactor, 1, spans, with_values));
    let (value, result) = (json!(payload), json!(ANSWER));
    bench("json! payload made before, bytes", &|spans| measure(prefactor, 1, spans, span(&value, &result)));
    bench("begin alone, bytes", &|spans| measure_half(prefactor, spans, payload, true));
    bench("complete alone, bytes", &|spans| measure_half(prefactor, spans, payload, false));
    let with_child = |run: &Instance| {
        let parent = run.span("agent:llm", payload);
        parent.child("agent:tool", payload).complete(&ANSWER);
        parent.complete(&ANSWER);
    };
    bench("span with a child, bytes", &|spans| measure(prefactor, 1, spans, with_child));
}

fn handles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("handle");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let prefactor = pipeline(ROOMY);
    let payload = LlmCall::of(300);
    sizes(&mut group, &prefactor, "0", &Empty {});
    sizes(&mut group, &prefactor, "300", &payload);
    sizes(&mut group, &prefactor, "10000", &LlmCall::of(10_000));
    for threads in [2, 4] {
        group.bench_function(BenchmarkId::new("typed payload, threads", threads), |bencher| {
            bencher.iter_custom(|spans| measure(&prefactor, threads, spans, span(&payload, &ANSWER)));
        });
    }

    let ledger = prefactor.flush_blocking(Duration::from_secs(60)).ledger;
    assert_eq!(ledger.delivered, ledger.accepted, "what is measured is delivered: {ledger}");

    let full = pipeline(0);
    group.bench_function("budget full", |bencher| {
        bencher.iter_custom(|spans| {
            let took = measure(&full, 1, spans, span(&payload, &ANSWER));
            let ledger = full.flush_blocking(Duration::from_secs(60)).ledger;
            assert!(ledger.lost_for(LossReason::QueueFull).operations > 0, "nothing finds room: {ledger}");
            took
        });
    });
    let disabled = Prefactor::disabled();
    group.bench_function("disabled", |bencher| {
        bencher.iter_custom(|spans| measure(&disabled, 1, spans, span(&payload, &ANSWER)));
    });
    group.bench_function("serde_json alone", |bencher| {
        let mut out = Vec::with_capacity(1_024);
        bencher.iter(|| {
            out.clear();
            serde_json::to_writer(&mut out, black_box(&payload)).expect("a payload");
            serde_json::to_writer(&mut out, black_box(&ANSWER)).expect("a result");
            out.len()
        });
    });
    group.finish();
}

criterion_group!(benches, handles);
criterion_main!(benches);
