//! The work on a batch of 500 spans, step by step: merging and cutting, writing the request, reading its answer.
//!
//! `cargo bench --bench batch`; divide by 500 for one span.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

mod support;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use prefactor_http::RawResponse;
use prefactor_pipeline::workbench::Workbench;

use support::{ANSWER, LlmCall, full_answer};

const SPANS: usize = 500;

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(SPANS as u64)).sample_size(30);
    let payload = LlmCall::of(300);
    let mut workbench = Workbench::default();
    let items = {
        let calls = workbench.calls(SPANS, &payload, &ANSWER);
        workbench.coalesce(calls)
    };
    let body = items.write();
    let answer = RawResponse::new(200, full_answer(&body));
    assert!(items.read(&answer), "the answer speaks of the items");

    group.bench_function("write the request", |bencher| bencher.iter(|| items.write()));
    group.bench_function("read the answer", |bencher| bencher.iter(|| items.read(&answer)));
    drop(items);
    let source = Workbench::default();
    group.bench_function("merge and cut", |bencher| {
        bencher.iter_batched(
            || source.calls(SPANS, &payload, &ANSWER),
            |calls| workbench.coalesce(calls),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
