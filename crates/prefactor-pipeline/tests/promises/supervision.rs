use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prefactor_pipeline::testing::Stage;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{
    Api, Reply, SECOND, assert_adds_up, assert_all_delivered, begin, injected_panic, whole_run,
};

/// Panics in this stage, at these of its messages.
fn panics(at: Stage, messages: impl Fn(usize) -> bool + Send + Sync) -> impl Fn(Stage) + Send + Sync {
    let count = AtomicUsize::new(0);
    move |stage| {
        if stage == at && messages(count.fetch_add(1, Ordering::Relaxed)) {
            injected_panic();
        }
    }
}

const STAGES: [Stage; 4] = [Stage::Intake, Stage::Instance, Stage::Batcher, Stage::Sender];

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_actor_at_any_message_loses_nothing_and_is_counted() {
    for stage in STAGES {
        for message in 0..6 {
            let api = Api::new();
            let builder = api.pipeline().interrupt(panics(stage, move |n| n == message));
            let prefactor = builder.build().unwrap();

            for run in 0..6 {
                let instance = begin(&prefactor);
                let root = instance.span("agent:step", &json!({ "name": format!("{run}.root") }));
                sleep(Duration::from_millis(60)).await;
                root.child("agent:step", &json!({ "name": format!("{run}.leaf") })).complete(&json!({}));
                root.complete(&json!({}));
                instance.finish();
            }
            assert_all_delivered(&prefactor).await;

            let tree = api.tree();
            assert_eq!(prefactor.actor_restarts(), 1, "{stage:?} {message}");
            assert_eq!(api.names().len(), 12, "{stage:?} {message}");
            assert_eq!(tree.matches("run complete").count(), 6, "{stage:?} {message}: {tree}");
            assert_eq!(tree.matches("root complete").count(), 6, "{stage:?} {message}: {tree}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn actors_that_panic_again_and_again_still_get_there() {
    for stage in STAGES {
        let api = Api::new();
        let prefactor = api.pipeline().interrupt(panics(stage, |n| n % 3 == 0)).build().unwrap();

        for n in 0..10 {
            whole_run(&prefactor, &n.to_string());
            sleep(Duration::from_millis(40)).await;
        }
        assert_all_delivered(&prefactor).await;

        assert_eq!(api.names().len(), 10, "{stage:?}");
        assert!(prefactor.actor_restarts() > 1, "{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_panics_keeps_its_requests_and_their_waits() {
    let api = Api::new().on_request(|request| if request.number == 0 { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().interrupt(panics(Stage::Sender, |n| n == 2)).build().unwrap();

    whole_run(&prefactor, "a");
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(prefactor.actor_restarts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_registration_survives_the_panic_of_its_actor_and_of_the_intake() {
    for stage in [Stage::Intake, Stage::Instance] {
        let api = Api::new();
        let builder = api.pipeline_without_partition().interrupt(panics(stage, |n| n == 1));
        let prefactor = builder.build().unwrap();

        whole_run(&prefactor, "a");
        assert_all_delivered(&prefactor).await;

        assert_eq!(api.tree(), "run complete\n  a complete\n", "{stage:?}");
        assert_eq!(prefactor.actor_restarts(), 1, "{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_always_panics_keeps_no_one_from_shutting_down() {
    for stage in STAGES {
        let api = Api::new();
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        let builder = api.pipeline().interrupt(panics(stage, |_| true)).on_undelivered(move |undelivered| {
            count.fetch_add(undelivered.tally.operations as usize, Ordering::Relaxed);
        });
        let prefactor = builder.build().unwrap();

        whole_run(&prefactor, "a");
        let report = prefactor.shutdown(2 * SECOND).await;

        assert!(!report.complete, "{stage:?}");
        assert_eq!(report.ledger.lost_total(), report.ledger.accepted, "{stage:?}");
        assert_eq!(told.load(Ordering::Relaxed), 5);
        assert_adds_up(&prefactor);
    }
}
