//! The work on a batch of 500 spans, step by step: coalescing creates and finishes, closing the batch, writing its items,
//! parsing the answer.
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
    let with_calls = || {
        let workbench = Workbench::default();
        let calls = workbench.calls(SPANS, &payload, &ANSWER);
        (workbench, calls)
    };
    let coalesced = || {
        let (mut workbench, calls) = with_calls();
        workbench.coalesce(calls);
        workbench
    };
    let items = coalesced().close();
    let body = items.write();
    let answer = RawResponse::new(200, full_answer(&body));
    assert!(items.read(&answer), "the answer speaks of the items");

    // What goes in comes out again, so that dropping it is not measured.
    group.bench_function("coalesce", |bencher| {
        bencher.iter_batched(
            with_calls,
            |(mut workbench, calls)| {
                workbench.coalesce(calls);
                workbench
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("close the batch", |bencher| {
        bencher.iter_batched(
            coalesced,
            |mut workbench| (workbench.close(), workbench),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("write the items", |bencher| bencher.iter(|| items.write()));
    group.bench_function("parse the answer", |bencher| bencher.iter(|| items.read(&answer)));
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
