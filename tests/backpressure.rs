use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prefactor::{AgentVersion, LossReason, UndeliveredReason};
use prefactor_emulator::{Faults, SpanStatus};
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_settled, wait_until};

const BUDGET: u64 = 1 << 20;

#[test]
fn a_full_budget_drops_the_newest_says_so_and_stays_within() {
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let told = Arc::new(AtomicU64::new(0));
    let hook = {
        let told = Arc::clone(&told);
        move |undelivered: &prefactor::Undelivered| {
            assert_eq!(undelivered.reason, UndeliveredReason::Lost(LossReason::QueueFull));
            told.fetch_add(undelivered.tally.operations, Ordering::Relaxed);
        }
    };
    let prefactor = server.pipeline().memory_budget(BUDGET).on_undelivered(hook).build().expect("a pipeline");
    let runs = [1, 2].map(|_| prefactor.instance(AgentVersion::new("agent", "v1")).start());

    let mut most = 0;
    std::thread::scope(|scope| {
        for run in &runs {
            scope.spawn(move || {
                for n in 0..10_000 {
                    // A result that finds no room would be lost, and its span finished by one more operation.
                    run.span("step", &json!({ "n": n, "text": "x".repeat(300) })).complete(&());
                }
            });
        }
        for _ in 0..1_000 {
            most = most.max(prefactor.memory_in_use());
            std::thread::yield_now();
        }
    });
    most = most.max(prefactor.memory_in_use());
    let ledger = prefactor.ledger();
    let lost = ledger.lost_for(LossReason::QueueFull);

    assert_eq!(ledger.accepted.operations, 2 * 2 + 2 * 20_000);
    assert_eq!(lost, ledger.lost_total());
    assert!(lost.operations > 20_000, "{ledger}");
    assert_eq!(told.load(Ordering::Relaxed), lost.operations, "the hook hears of every loss");
    assert!(most <= BUDGET, "{most} bytes in use");

    // The outage ends: what was kept arrives, in a consistent tree.
    server.clear_faults();
    let report = prefactor.flush_blocking(PATIENCE);
    assert!(report.complete);
    assert_settled(&prefactor, &report.ledger);
    let kept: HashSet<_> =
        runs.iter().flat_map(|run| server.spans(run.id().expect("an id"))).map(|span| span.id).collect();
    assert!(!kept.is_empty());
}

#[test]
fn children_of_a_span_that_found_no_room_go_to_its_parent() {
    let server = Server::start();
    let prefactor = server.pipeline().memory_budget(100_000).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let root = run.span("root", &json!({}));

    let too_large = root.child("too large", &json!({ "text": vec!["x".repeat(9_000); 20] }));
    let child = too_large.child("child", &json!({}));
    child.complete(&());
    too_large.complete(&json!({ "never": "seen" }));
    root.complete(&());
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_settled(&prefactor, &report.ledger);
    assert_eq!(report.ledger.lost_for(LossReason::QueueFull).operations, 2, "its create and its finish");
    let spans = server.spans(run.id().expect("a registered run"));
    assert_eq!(spans.len(), 2);
    let root = spans.iter().find(|span| span.schema_name == "root").expect("the root");
    let child = spans.iter().find(|span| span.schema_name == "child").expect("the child");
    assert_eq!(child.parent_span_id, Some(root.id));
    assert!(spans.iter().all(|span| span.status == SpanStatus::Complete));
}

#[test]
fn an_outage_is_survived_without_a_word_from_the_caller() {
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let prefactor =
        server.pipeline().request_timeout(Duration::from_millis(500)).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    for n in 0..100 {
        run.span("step", &json!({ "n": n })).complete(&());
    }
    wait_until("the outage is noticed", || prefactor.health() == prefactor::Health::Unreachable);
    assert!(!prefactor.flush_blocking(Duration::from_millis(100)).complete);

    server.clear_faults();
    run.finish();
    let report = prefactor.flush_blocking(PATIENCE);

    assert!(report.complete, "{}", report.ledger);
    assert_eq!(prefactor.health(), prefactor::Health::Delivering);
    assert_eq!(report.ledger.delivered, report.ledger.accepted);
    assert_eq!(server.span_count(), 100);
}

#[test]
fn a_caller_who_waits_for_room_loses_nothing() {
    let server = Server::start();
    let prefactor = server.pipeline().memory_budget(200_000).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without timers");

    runtime.block_on(async {
        for n in 0..5_000 {
            prefactor.wait_for_room().await;
            run.span("step", &json!({ "n": n, "text": "x".repeat(300) })).complete(&());
        }
    });
    let report = prefactor.shutdown_blocking(PATIENCE);

    crate::support::assert_all_delivered(&prefactor, &report.ledger);
    assert_eq!(server.span_count(), 5_000);
}

#[test]
fn nobody_waits_for_room_in_a_pipeline_that_is_shut_down() {
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let prefactor = server.pipeline().memory_budget(100_000).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    for n in 0..1_000 {
        run.span("step", &json!({ "n": n })).complete(&());
    }

    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(prefactor.wait_for_room());
        });
        prefactor.shutdown_blocking(Duration::from_millis(100));
    });
}
