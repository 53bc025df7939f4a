//! The whole path: calls on handles until everything is confirmed by a sink in the process.
//!
//! `cargo bench --bench pipeline`: time for 10,000 spans by the number of instances, the size of batches, the lanes and the budget.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prefactor::pfid::Partition;
use prefactor::{AgentVersion, Builder, Instance, Prefactor};

use support::{ANSWER, LlmCall, ROOMY, sink};
use tokio::runtime::Runtime;

const SPANS: usize = 10_000;

/// Spans that a caller makes between two looks whether there is room.
const LOOK_EVERY: usize = 32;

fn builder() -> Builder {
    Prefactor::builder()
        .transport(sink())
        .partition(Partition::MAX)
        .requests_per_second(None::<NonZeroU32>)
        .memory_budget(ROOMY)
}

fn deliver(caller: &Runtime, prefactor: &Prefactor, runs: &[Instance], payload: &LlmCall) {
    for (step, run) in runs.iter().cycle().take(SPANS).enumerate() {
        if step % LOOK_EVERY == 0 {
            caller.block_on(prefactor.wait_for_room());
        }
        run.span("agent:llm", payload).complete(&ANSWER);
    }
    let report = prefactor.flush_blocking(Duration::from_secs(60));
    assert!(report.complete && report.ledger.lost.is_empty(), "what is measured is delivered");
}

fn pipelines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(SPANS as u64)).sample_size(10);
    let payload = LlmCall::of(300);
    let caller = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut measure = |id: BenchmarkId, builder: Builder, instances: usize| {
        let prefactor = builder.build().expect("a pipeline");
        let begin = |_| prefactor.instance(AgentVersion::new("bench", "v1")).start();
        let runs: Vec<_> = (0..instances).map(begin).collect();
        prefactor.flush_blocking(Duration::from_secs(60));
        group.bench_function(id, |bencher| bencher.iter(|| deliver(&caller, &prefactor, &runs, &payload)));
    };
    for instances in [1, 8, 100, 1_000, 10_000] {
        measure(BenchmarkId::new("instances", instances), builder(), instances);
    }
    for items in [1, 10, 100, 500, 1_000] {
        measure(BenchmarkId::new("items in a batch", items), builder().max_batch_items(items), 8);
    }
    for lanes in [1, 2, 4, 8] {
        measure(BenchmarkId::new("lanes", lanes), builder().lanes(lanes), 8);
    }
    for mebibytes in [2, 4, 8, 16, 64] {
        let builder = builder().memory_budget(mebibytes << 20);
        measure(BenchmarkId::new("MiB of budget", mebibytes), builder, 8);
    }
    group.finish();
}

criterion_group!(benches, pipelines);
criterion_main!(benches);
