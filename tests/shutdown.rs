use std::time::{Duration, Instant};

use prefactor::{AgentVersion, LossReason, Prefactor};
use prefactor_emulator::Faults;
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered, assert_settled, wait_until};

#[test]
fn a_flush_waits_until_everything_before_it_has_arrived() {
    let server = Server::start();
    // What lingers for an hour arrives only because of the flush.
    let prefactor = server.pipeline().linger(Duration::from_secs(3_600)).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    for n in 0..100 {
        run.span("step", &json!({ "n": n })).complete(&());
    }

    let report = prefactor.flush_blocking(PATIENCE);

    assert!(report.complete, "{}", report.ledger);
    assert_eq!(server.span_count(), 100);
    assert_eq!(report.ledger.in_flight().operations, 0);

    run.span("step", &json!({ "n": 100 })).complete(&());
    assert!(run.flush_blocking(PATIENCE).complete);
    assert_eq!(server.span_count(), 101);
}

#[test]
fn a_flush_of_one_run_reports_that_run() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let runs = [1, 2].map(|_| prefactor.instance(AgentVersion::new("agent", "v1")).start());
    runs[0].span("step", &json!({})).complete(&());
    runs[1].span("step", &json!({})).complete(&());

    let report = runs[0].flush_blocking(PATIENCE);

    assert!(report.complete);
    assert_eq!(report.ledger.accepted.operations, 4, "register, start, create and finish");
    assert_eq!(report.ledger, runs[0].ledger());
}

#[test]
fn flush_and_shutdown_end_by_their_deadline_when_the_server_never_answers() {
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("step", &json!({})).complete(&());

    let begun = Instant::now();
    let flushed = prefactor.flush_blocking(Duration::from_millis(100));
    let shut_down = prefactor.shutdown_blocking(Duration::from_millis(200));

    // Not a measurement: without the deadlines this takes the request's timeout, which is half a minute.
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!flushed.complete);
    assert_eq!(flushed.ledger.in_flight().operations, 4);
    assert!(!shut_down.complete);
    assert_eq!(shut_down.ledger.lost_total().operations, 4);
    assert_settled(&prefactor, &shut_down.ledger);
}

#[test]
fn after_a_shutdown_calls_are_counted_and_not_sent() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let open = run.span("step", &json!({}));
    assert!(prefactor.shutdown_blocking(PATIENCE).complete);

    open.complete(&json!({ "too": "late" }));
    run.span("step", &json!({})).complete(&());
    run.finish();
    let late = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    late.span("step", &json!({})).complete(&());
    drop(late);
    let ledger = prefactor.ledger();

    assert_settled(&prefactor, &ledger);
    assert_eq!(ledger.lost_for(LossReason::ShutDown), ledger.lost_total());
    assert_eq!(ledger.lost_total().operations, 4 + 5, "of the first run, of the late one");
    assert_eq!(server.span_count(), 1);
    assert!(!prefactor.shutdown_blocking(PATIENCE).complete, "a second shutdown tells the truth too");
}

#[test]
fn a_pipeline_without_handles_delivers_what_is_left() {
    let server = Server::start();
    let prefactor = server.pipeline().linger(Duration::from_secs(3_600)).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    drop(prefactor);
    run.span("step", &json!({})).complete(&());
    drop(run);

    wait_until("the run is finished", || server.instances().iter().any(|run| run.finished_at.is_some()));
    assert_eq!(server.span_count(), 1);
}

#[test]
fn a_disabled_pipeline_costs_nothing_and_never_complains() {
    let prefactor = Prefactor::disabled();
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    run.span("step", &json!({})).child("step", &json!({})).complete(&());
    run.finish();

    let report = prefactor.shutdown_blocking(PATIENCE);

    assert!(report.complete);
    assert!(!run.is_recorded());
    assert_all_delivered(&prefactor, &report.ledger);
    assert_eq!(report.ledger.accepted.operations, 0);
}
