use std::future;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use prefactor_http::RawResponse;
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{Instance, LossReason, Prefactor};
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, Reply, SECOND, assert_adds_up, begin, timed, whole_run};

fn silent() -> Api {
    Api::new().on_request(|_| Reply::Hang)
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_by_its_deadline_and_says_what_is_still_under_way() {
    let api = silent();
    let prefactor = api.pipeline().build().unwrap();
    let run = whole_run(&prefactor, "a");

    for (report, took) in [timed(run.flush(3 * SECOND)).await, timed(prefactor.flush(3 * SECOND)).await] {
        assert!(!report.complete);
        assert_eq!(report.ledger.in_flight(), report.ledger.accepted);
        assert_eq!(took.as_secs(), 3, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_by_its_deadline_and_counts_the_rest_as_lost() {
    for timeout in [Duration::ZERO, Duration::from_millis(7), 3 * SECOND] {
        let api = silent();
        let prefactor = api.pipeline().build().unwrap();
        for _ in 0..20 {
            whole_run(&prefactor, "a");
        }

        let (report, took) = timed(prefactor.shutdown(timeout)).await;

        assert!(!report.complete);
        assert_eq!(report.ledger.lost_for(LossReason::ShutDown), report.ledger.accepted);
        assert!(took <= timeout + Duration::from_millis(1), "{took:?} for {timeout:?}");
        assert_adds_up(&prefactor);
    }
}

/// However many there are, and however long it takes to tell of each.
#[test]
fn what_is_lost_is_in_the_report_before_all_of_it_was_told_of() {
    let (hold, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let prefactor = Prefactor::builder()
        .transport(ScriptedTransport::new(|_| future::pending()))
        .on_undelivered(move |_| {
            // Until the report is there.
            let _ = held.lock().unwrap().recv();
        })
        .build()
        .unwrap();
    let runs = [whole_run(&prefactor, "a"), whole_run(&prefactor, "b")];

    let report = prefactor.shutdown_blocking(Duration::from_millis(200));

    assert!(!report.complete);
    assert_eq!(report.ledger.lost_for(LossReason::ShutDown), report.ledger.accepted, "{}", report.ledger);
    let of_runs = runs.each_ref().map(Instance::ledger);
    assert!(of_runs.iter().all(|ledger| ledger.lost_total() == ledger.accepted), "{of_runs:?}");
    drop(hold);
    while prefactor.memory_in_use() > 0 {
        thread::yield_now();
    }
    assert_eq!(prefactor.ledger(), report.ledger);
    assert_eq!(runs.each_ref().map(Instance::ledger), of_runs);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_an_outage_is_lost_for_that_reason() {
    let api = Api::new().on_request(|_| Reply::status(503));
    let prefactor = api.pipeline().build().unwrap();
    whole_run(&prefactor, "a");
    sleep(SECOND).await;

    let report = prefactor.shutdown(5 * SECOND).await;

    assert!(!report.complete);
    assert_eq!(report.ledger.lost_for(LossReason::Unreachable), report.ledger.accepted);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_registration_is_counted_too() {
    // Soon, and when the run's own actor has ended for want of work.
    for wait in [Duration::ZERO, 10 * SECOND] {
        let api = silent();
        let prefactor = api.pipeline_without_partition().build().unwrap();
        whole_run(&prefactor, "a");
        sleep(wait).await;

        let report = prefactor.shutdown(SECOND).await;

        assert_eq!(report.ledger.lost_total(), report.ledger.accepted);
        assert_adds_up(&prefactor);
    }
}

#[tokio::test(start_paused = true)]
async fn handles_may_be_used_after_the_end_and_what_they_do_is_counted() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let span = run.span("agent:step", &json!({ "name": "open" }));
    let first = prefactor.shutdown(PATIENCE).await;
    assert!(first.complete);

    span.complete(&json!({}));
    let late = run.span("agent:step", &json!({ "name": "late" }));
    drop(late);
    run.finish();
    whole_run(&prefactor, "a");

    let ledger = prefactor.ledger();
    assert_eq!(ledger.lost_for(LossReason::ShutDown).operations, 1 + 2 + 1 + 5);
    assert_eq!(ledger.delivered, first.ledger.delivered);
    assert_adds_up(&prefactor);
    assert!(run.flush(PATIENCE).await.complete, "everything has its fate");
    assert!(!prefactor.shutdown(PATIENCE).await.complete, "but not all of it arrived");
}

/// Whoever else shuts the pipeline down, with more patience, does not make a flush late.
#[tokio::test(start_paused = true)]
async fn a_flush_and_a_second_shutdown_keep_their_deadlines_during_a_shutdown() {
    let api = silent();
    let prefactor = api.pipeline().build().unwrap();
    let run = whole_run(&prefactor, "a");
    let patient = tokio::spawn({
        let prefactor = prefactor.clone();
        async move { timed(prefactor.shutdown(60 * SECOND)).await }
    });
    sleep(SECOND).await;

    let (flushed, flush_took) = timed(run.flush(2 * SECOND)).await;
    let (stopped, shutdown_took) = timed(prefactor.shutdown(5 * SECOND)).await;

    assert!(!flushed.complete && !stopped.complete);
    assert_eq!(flush_took.as_secs(), 2, "{flush_took:?}");
    assert!(shutdown_took <= 5 * SECOND + SECOND / 10, "{shutdown_took:?}");
    let (report, took) = patient.await.unwrap();
    assert!(!report.complete);
    assert!(took <= 60 * SECOND, "{took:?}");
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn the_longest_of_all_timeouts_is_a_timeout_like_others() {
    let api = Api::new();
    let builder = api.pipeline().probe_interval(Duration::MAX).drop_timeout(Duration::MAX);
    let prefactor = builder.build().unwrap();
    let run = whole_run(&prefactor, "a");

    assert!(run.flush(Duration::MAX).await.complete);
    assert!(prefactor.flush(Duration::MAX).await.complete);
    whole_run(&prefactor, "b");
    let report = prefactor.shutdown(Duration::MAX).await;

    assert!(report.complete);
    assert_eq!(report.ledger.delivered, report.ledger.accepted);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn an_endless_linger_ends_with_a_flush() {
    let api = Api::new();
    let prefactor = api.pipeline().linger(Duration::MAX).build().unwrap();
    whole_run(&prefactor, "a");
    sleep(60 * SECOND).await;
    assert_eq!((api.requests().len(), prefactor.actor_restarts()), (0, 0));

    let report = prefactor.shutdown(SECOND).await;

    assert!(report.complete);
    assert_eq!(api.names(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_whose_handles_are_gone_goes_on_for_a_while() {
    let api =
        Api::new().on_request(|request| if request.at < 2 * SECOND { Reply::Fail } else { Reply::Process });
    let prefactor: Prefactor = api.pipeline().drop_timeout(30 * SECOND).build().unwrap();

    drop(whole_run(&prefactor, "a"));
    drop(prefactor);
    sleep(60 * SECOND).await;

    assert_eq!(api.names(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_whose_handles_are_gone_does_not_go_on_for_ever() {
    let api = Api::new().on_request(|_| Reply::status(503));
    let prefactor = api.pipeline().drop_timeout(20 * SECOND).build().unwrap();

    drop(whole_run(&prefactor, "a"));
    drop(prefactor);
    sleep(600 * SECOND).await;

    let last = api.requests().pop().unwrap().at;
    assert!(last < 21 * SECOND, "{last:?}");
}

#[test]
fn a_shutdown_keeps_its_deadline_on_a_runtime_that_nobody_drives() {
    let nobody_drives = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let transport = ScriptedTransport::new(|_| async { Ok(RawResponse::new(503, "")) });
    let runtime = nobody_drives.handle().clone();
    let prefactor = Prefactor::builder().transport(transport).runtime(runtime).build().unwrap();
    whole_run(&prefactor, "stuck");
    let callers = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let (flushed, shut_down) = callers.block_on(async {
        let brief = Duration::from_millis(20);
        (prefactor.flush(brief).await, prefactor.shutdown(brief).await)
    });

    assert!(!flushed.complete && !shut_down.complete);
    drop(nobody_drives);
    assert_adds_up(&prefactor);
}
