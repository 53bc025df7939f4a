//! The whole path: calls on handles until everything is confirmed by a sink in the process.
//!
//! `cargo bench --bench pipeline`: time for 10,000 spans by the number of instances, the size of batches and the lanes.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prefactor::pfid::Partition;
use prefactor::{AgentVersion, Builder, Instance, Prefactor};

use support::{ANSWER, LlmCall, ROOMY, sink};

const SPANS: usize = 10_000;

fn builder() -> Builder {
    Prefactor::builder()
        .transport(sink())
        .partition(Partition::MAX)
        .requests_per_second(None::<NonZeroU32>)
        .memory_budget(ROOMY)
}

fn deliver(prefactor: &Prefactor, runs: &[Instance], payload: &LlmCall) {
    for run in runs.iter().cycle().take(SPANS) {
        run.span("agent:llm", payload).complete(&ANSWER);
    }
    let report = prefactor.flush_blocking(Duration::from_secs(60));
    assert!(report.complete && report.ledger.lost.is_empty(), "what is measured is delivered");
}

fn pipelines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(SPANS as u64)).sample_size(10);
    let payload = LlmCall::of(300);
    let mut measure = |id: BenchmarkId, builder: Builder, instances: usize| {
        let prefactor = builder.build().expect("a pipeline");
        let begin = |_| prefactor.instance(AgentVersion::new("bench", "v1")).start();
        let runs: Vec<_> = (0..instances).map(begin).collect();
        prefactor.flush_blocking(Duration::from_secs(60));
        group.bench_function(id, |bencher| bencher.iter(|| deliver(&prefactor, &runs, &payload)));
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
    group.finish();
}

criterion_group!(benches, pipelines);
criterion_main!(benches);
