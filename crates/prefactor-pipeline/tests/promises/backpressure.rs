use std::sync::{Arc, Mutex};
use std::time::Duration;

use prefactor_pipeline::{LossReason, RejectReason, Tally, UndeliveredReason};
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, Reply, SECOND, assert_adds_up, begin, injected_panic, whole_run};

#[tokio::test(start_paused = true)]
async fn a_full_pipeline_drops_the_newest_and_says_so() {
    let api = Api::new();
    let prefactor = api.pipeline().memory_budget(4_200).build().unwrap();
    let run = begin(&prefactor);

    for n in 0..100 {
        run.span("agent:step", &json!({ "name": n.to_string() })).complete(&json!({}));
        assert!(prefactor.memory_in_use() <= 4_000);
    }
    run.finish();
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete);
    let lost = report.ledger.lost_for(LossReason::QueueFull).operations;
    assert!((100..200).contains(&lost), "{lost} of 203");
    assert_eq!(report.ledger.delivered.operations + lost, report.ledger.accepted.operations);
    let names = api.names();
    assert_eq!(names, (0..names.len()).map(|n| n.to_string()).collect::<Vec<_>>(), "the oldest are kept");
    assert!(
        !api.tree().contains("active"),
        "also a span whose finish found no room is finished: {}",
        api.tree()
    );
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn a_finish_whose_result_finds_no_room_still_ends_its_span_as_it_should() {
    let api = Api::new();
    let prefactor = api.pipeline().memory_budget(8_000).build().unwrap();
    let run = begin(&prefactor);
    let failed = run.span("agent:step", &json!({ "name": "failed" }));

    failed.fail(&json!({ "why": "x".repeat(8_000) }));
    prefactor.flush(PATIENCE).await;

    assert_eq!(api.tree(), "run active\n  failed failed\n", "long before its run ends");
    assert_eq!(prefactor.ledger().lost_for(LossReason::QueueFull).operations, 1, "the result");
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn children_of_a_span_that_was_dropped_hang_from_its_parent() {
    let api = Api::new();
    let prefactor = api.pipeline().memory_budget(6_000).build().unwrap();
    let run = begin(&prefactor);
    let root = run.span("agent:step", &json!({ "name": "root" }));

    let dropped = root.child("agent:step", &json!({ "name": "large", "text": "x".repeat(6_000) }));
    let leaf = dropped.child("agent:step", &json!({ "name": "leaf" }));
    leaf.complete(&json!({}));
    dropped.complete(&json!({}));
    root.complete(&json!({}));
    run.finish();
    let report = prefactor.shutdown(PATIENCE).await;

    assert_eq!(api.tree(), "run complete\n  root complete\n    leaf complete\n");
    assert_eq!(report.ledger.lost_for(LossReason::QueueFull).operations, 2);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_registration_finds_no_room_is_lost_as_a_whole() {
    let api = Api::new();
    let prefactor = api.pipeline().memory_budget(10).build().unwrap();

    let run = whole_run(&prefactor, "a");
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete && api.requests().is_empty());
    assert_eq!(run.ledger().lost_for(LossReason::QueueFull), Tally::new(5, run.ledger().accepted.bytes));
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn an_outage_fills_the_budget_and_no_more_and_room_comes_back_with_the_api() {
    let budget = 100_000;
    let api =
        Api::new().on_request(|request| if request.at < 60 * SECOND { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().memory_budget(budget).build().unwrap();
    let run = begin(&prefactor);

    let mut most = 0;
    for _ in 0..1_000 {
        run.span("agent:step", &json!({ "name": "during" })).complete(&json!({}));
        most = most.max(prefactor.memory_in_use());
        sleep(Duration::from_millis(10)).await;
    }
    assert!(prefactor.ledger().lost_for(LossReason::QueueFull).operations > 0);
    prefactor.flush(PATIENCE).await;
    assert_eq!(prefactor.memory_in_use(), 0);
    whole_run(&prefactor, "afterwards");
    run.finish();
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(most <= budget, "{most} bytes");
    assert!(report.complete);
    assert_eq!(api.names().last().map(String::as_str), Some("afterwards"));
    assert_adds_up(&prefactor);
}

/// A run takes memory beside its operations: thousands of short ones in an outage must not go past the budget either.
#[tokio::test(start_paused = true)]
async fn runs_that_wait_for_their_registration_count_too() {
    let api =
        Api::new().on_request(|request| if request.at < 60 * SECOND { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().memory_budget(100_000).build().unwrap();

    for _ in 0..1_000 {
        begin(&prefactor).finish();
        sleep(Duration::from_millis(10)).await;
    }
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete);
    let runs = api.tree().matches("run complete").count();
    assert!((20..100).contains(&runs), "{runs} runs of a kilobyte and more");
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_told_of_everything_that_is_not_delivered() {
    let told = Arc::new(Mutex::new(Tally::default()));
    let sum = Arc::clone(&told);
    let api = Api::new()
        .on_item(|item| (item["details"]["payload"]["name"] == "refused").then_some("validation_errors"));
    let builder = api.pipeline().memory_budget(20_000).on_undelivered(move |undelivered| {
        *sum.lock().unwrap() += undelivered.tally;
        assert!(
            matches!(
                undelivered.reason,
                UndeliveredReason::Lost(LossReason::QueueFull | LossReason::ShutDown)
                    | UndeliveredReason::Rejected(RejectReason::Validation | RejectReason::SpanFinished)
            ),
            "{}",
            undelivered.reason
        );
    });
    let prefactor = builder.build().unwrap();

    let run = begin(&prefactor);
    let twice = run.span("agent:step", &json!({ "name": "refused" }));
    twice.complete(&json!({}));
    twice.complete(&json!({}));
    run.span("agent:step", &json!({ "text": "x".repeat(20_000) })).complete(&json!({}));
    run.finish();
    prefactor.shutdown(PATIENCE).await;
    whole_run(&prefactor, "late");

    let ledger = prefactor.ledger();
    let sum = *told.lock().unwrap();
    assert_eq!(sum, ledger.rejected_total() + ledger.lost_total());
    assert_eq!(sum.operations, 3 + 2 + 5);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_reaches_neither_callers_nor_actors() {
    let api = Api::new()
        .on_item(|item| (item["details"]["payload"]["name"] == "refused").then_some("validation_errors"));
    let builder = api.pipeline().on_undelivered(|_| injected_panic());
    let prefactor = builder.build().unwrap();

    whole_run(&prefactor, "refused");
    whole_run(&prefactor, "fine");
    let report = prefactor.flush(PATIENCE).await;
    let after = prefactor.clone();
    assert_eq!(report.ledger.rejected_total().operations, 2);
    assert_eq!(prefactor.actor_restarts(), 0);
    prefactor.shutdown(PATIENCE).await;

    whole_run(&after, "late");

    assert_eq!(api.names(), ["fine"]);
    assert_adds_up(&after);
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_use_the_pipeline() {
    let api = Api::new();
    let slot: Arc<Mutex<Option<prefactor_pipeline::Prefactor>>> = Arc::default();
    let seen = Arc::new(Mutex::new(0));
    let builder = api.pipeline().on_undelivered({
        let (slot, seen) = (Arc::clone(&slot), Arc::clone(&seen));
        move |_| {
            let prefactor = slot.lock().unwrap().clone().expect("it is there before anything is lost");
            *seen.lock().unwrap() += prefactor.ledger().rejected_total().operations;
            whole_run(&prefactor, "from the hook");
        }
    });
    let prefactor = builder.build().unwrap();
    *slot.lock().unwrap() = Some(prefactor.clone());

    let run = begin(&prefactor);
    let span = run.span("agent:step", &json!({ "name": "twice" }));
    span.complete(&json!({}));
    span.complete(&json!({}));
    run.finish();
    prefactor.flush(PATIENCE).await;

    assert_eq!(*seen.lock().unwrap(), 1);
    assert_eq!(
        api.names(),
        ["from the hook", "twice"].map(String::from).into_iter().rev().collect::<Vec<_>>()
    );
    *slot.lock().unwrap() = None;
    prefactor.shutdown(PATIENCE).await;
    assert_adds_up(&prefactor);
}

/// The finishes come also where there is no room: their creates have paid for them.
#[tokio::test(start_paused = true)]
async fn finishing_all_spans_of_a_full_pipeline_takes_no_more_memory() {
    let api = Api::new().on_request(|_| Reply::Hang);
    let budget = 1 << 20;
    let prefactor = api.pipeline().memory_budget(budget).build().unwrap();
    let run = begin(&prefactor);
    let spans: Vec<_> = (0..10_000).map(|_| run.span("agent:step", &json!({}))).collect();
    assert!(prefactor.ledger().lost_for(LossReason::QueueFull).operations > 0);

    for span in &spans {
        span.complete(&json!({ "result": "x".repeat(100) }));
    }

    assert!(prefactor.memory_in_use() <= budget, "{} bytes", prefactor.memory_in_use());
}
