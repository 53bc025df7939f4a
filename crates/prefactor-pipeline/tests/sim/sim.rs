//! Thousands of seeds, or one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::run::{Outcome, run};
use crate::spool;

/// Runs the one seed of this variable in place of all others, and prints what happens.
const SEED: &str = "PREFACTOR_SIM_SEED";

/// How many seeds are run, from 0 on.
const SEEDS: &str = "PREFACTOR_SIM_SEEDS";

const DEFAULT_SEEDS: u64 = 3_000;

/// The same where each of them is the lives of several pipelines.
const DEFAULT_SEEDS_OF_SPOOLS: u64 = 1_000;

/// So much of a trace is shown of a seed that fails.
const SHOWN: usize = 80;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

/// What is told of a seed: the end of its trace, and the promise that it broke.
fn report(seed: u64, outcome: &Outcome, shown: usize) -> String {
    let skipped = outcome.trace.len().saturating_sub(shown);
    let mut report = outcome.trace[skipped..].join("\n");
    if let Some(violation) = &outcome.violation {
        report.push_str(&format!(
            "\nseed {seed}: {violation}\nrepeat it with {SEED}={seed} cargo test sim -- --nocapture"
        ));
    }
    report
}

#[test]
fn every_promise_holds_for_every_seed() {
    try_seeds(DEFAULT_SEEDS, run);
}

#[test]
fn every_promise_holds_for_every_seed_of_a_spool() {
    try_seeds(DEFAULT_SEEDS_OF_SPOOLS, spool::run);
}

#[expect(clippy::print_stdout, reason = "whoever runs seeds wants to see them")]
fn try_seeds(default: u64, run: impl Fn(u64) -> Outcome + Sync) {
    if let Some(seed) = number(SEED) {
        let outcome = run(seed);
        println!("{}", report(seed, &outcome, usize::MAX));
        assert!(outcome.violation.is_none(), "seed {seed} breaks a promise");
        return;
    }
    let seeds = number(SEEDS).unwrap_or(default);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let begun = std::time::Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || !failed.lock().expect("no panic").is_empty() {
                        break;
                    }
                    let outcome = run(seed);
                    if outcome.violation.is_some() {
                        failed.lock().expect("no panic").push((seed, outcome));
                    }
                }
            });
        }
    });
    let seeds = next.into_inner().min(seeds);
    println!("{seeds} seeds, {:.0} a second", seeds as f64 / begun.elapsed().as_secs_f64());
    let failed = failed.into_inner().expect("no panic");
    for (seed, outcome) in &failed {
        println!("{}", report(*seed, outcome, SHOWN));
    }
    assert!(failed.is_empty(), "promises are broken: see above, and docs/TESTING.md");
}

#[test]
fn the_same_seed_is_the_same_run() {
    the_same_twice(run);
    the_same_twice(spool::run);
}

fn the_same_twice(run: impl Fn(u64) -> Outcome) {
    for seed in 0..100 {
        let [first, second] = [run(seed), run(seed)];

        for (first, second) in first.trace.iter().zip(&second.trace) {
            assert_eq!(first, second, "seed {seed}");
        }
        assert_eq!(first.trace.len(), second.trace.len(), "seed {seed}");
        assert!(first.trace.len() > 5, "seed {seed}: something happens");
    }
}
