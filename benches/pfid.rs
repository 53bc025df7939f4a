//! What an id costs: making one, writing it, reading it.
//!
//! `cargo bench --bench pfid`

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use prefactor::pfid::{Partition, Pfid, generate, thread_stem};

fn ids(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pfid");
    let partition = Partition::MAX;
    let mut unix_ms = 1_700_000_000_000;
    group.bench_function("stem, in the same millisecond", |bencher| {
        bencher.iter(|| thread_stem(black_box(1_700_000_000_000)));
    });
    group.bench_function("stem, in a new millisecond", |bencher| {
        bencher.iter(|| {
            unix_ms += 1;
            thread_stem(unix_ms)
        });
    });
    group.bench_function("generate, with the process's lock", |bencher| bencher.iter(|| generate(partition)));
    let id = generate(partition);
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(id).encode()));
    let text = id.to_string();
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(text.as_str()).parse::<Pfid>());
    });
    group.finish();
}

criterion_group!(benches, ids);
criterion_main!(benches);
