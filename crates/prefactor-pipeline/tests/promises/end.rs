use std::time::{Duration, Instant};

use prefactor_http::RawResponse;
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{LogLevel, Prefactor, Tally};

use crate::support::{partition, whole_run};

const ROUNDS: u64 = 150;

/// The actors run on other threads than the one that ends them, and callers go on meanwhile: whatever one of them has in its
/// hands then is lost and counted, and not kept for ever.
#[test]
fn a_pipeline_that_ends_in_the_middle_of_everything_counts_all_of_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for round in 0..ROUNDS {
        let transport = ScriptedTransport::new(|_| async { Ok(RawResponse::new(503, "")) });
        let prefactor = Prefactor::builder()
            .transport(transport)
            .runtime(runtime.handle().clone())
            .partition(partition())
            .log_level(LogLevel::Off)
            .build()
            .unwrap();

        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..50 + round % 7 * 30).for_each(|_| drop(whole_run(&prefactor, "x"))));
            }
            while prefactor.ledger().accepted.operations < round % 11 * 20 {
                std::thread::yield_now();
            }
            prefactor.shutdown_blocking(Duration::from_micros(round % 5 * 200));
        });

        let begun = Instant::now();
        while prefactor.ledger().in_flight() != Tally::default() || prefactor.memory_in_use() > 0 {
            let left = (prefactor.ledger(), prefactor.memory_in_use());
            assert!(begun.elapsed() < Duration::from_secs(5), "round {round}: {left:?}");
            std::thread::yield_now();
        }
    }
}
