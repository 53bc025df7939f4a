//! An API in memory, and what is asserted of every pipeline at its end.

mod api;
mod world;

use std::time::Duration;

use prefactor_pfid::Partition;
use prefactor_pipeline::{AgentVersion, Instance, Prefactor, Report, Tally};
use serde_json::json;
use tokio::time::Instant;

pub(crate) use api::{Api, Reply};

/// More than any of these tests needs; under paused time it costs nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3_600);

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn partition() -> Partition {
    Partition::new(42).expect("a small number")
}

pub(crate) fn begin(prefactor: &Prefactor) -> Instance {
    prefactor.instance(AgentVersion::new("agent", "v1")).start()
}

/// A run of one span, which is named.
pub(crate) fn whole_run(prefactor: &Prefactor, name: &str) -> Instance {
    let run = begin(prefactor);
    run.span("agent:step", &json!({ "name": name })).complete(&json!({}));
    run.finish();
    run
}

/// Every operation and every byte has its fate, and nothing is held for any.
pub(crate) fn assert_adds_up(prefactor: &Prefactor) {
    let ledger = prefactor.ledger();
    let settled = sum([ledger.delivered, ledger.rejected_total(), ledger.lost_total()]);
    assert_eq!(settled, ledger.accepted, "{ledger}");
    assert_eq!(prefactor.memory_in_use(), 0, "{ledger}");
}

fn sum(tallies: [Tally; 3]) -> Tally {
    tallies.into_iter().fold(Tally::default(), |sum, tally| sum + tally)
}

/// The pipeline is shut down, and everything was delivered.
pub(crate) async fn assert_all_delivered(prefactor: &Prefactor) -> Report {
    let report = prefactor.shutdown(PATIENCE).await;
    assert!(report.complete, "{}", report.ledger);
    assert_eq!(report.ledger.delivered, report.ledger.accepted, "{}", report.ledger);
    assert_adds_up(prefactor);
    report
}

/// How long this takes, by tokio's clock.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (work.await, start.elapsed())
}

/// A panic without the noise of the panic hook.
pub(crate) fn injected_panic() -> ! {
    std::panic::resume_unwind(Box::new("injected"))
}
