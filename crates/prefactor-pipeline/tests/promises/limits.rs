use prefactor_pipeline::RejectReason;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, Reply, SECOND, assert_adds_up, assert_all_delivered, begin, whole_run};

fn named(item: &Value, name: &str) -> bool {
    item["details"]["payload"]["name"] == name
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_large_is_split_and_its_size_not_tried_again() {
    let limit = 3_000;
    let api =
        Api::new().on_request(
            move |request| {
                if request.body.len() > limit { Reply::status(413) } else { Reply::Process }
            },
        );
    let prefactor = api.pipeline().lanes(1).build().unwrap();

    for _ in 0..10 {
        whole_run(&prefactor, "a");
    }
    prefactor.flush(PATIENCE).await;
    let learnt = api.requests().len();
    for _ in 0..10 {
        whole_run(&prefactor, "b");
    }
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.names().len(), 20);
    assert!(api.requests()[learnt..].iter().all(|request| request.body.len() <= limit));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_too_large_alone_is_rejected_alone() {
    let api = Api::new()
        .on_request(|request| if request.body.len() > 5_000 { Reply::status(413) } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    run.span("agent:step", &json!({ "name": "small" })).complete(&json!({}));
    run.span("agent:step", &json!({ "name": "large", "text": "x".repeat(9_000) })).complete(&json!({}));
    run.span("agent:step", &json!({ "name": "small too" })).complete(&json!({}));
    run.finish();
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete);
    assert_eq!(api.tree(), "run complete\n  small complete\n  small too complete\n");
    assert_eq!(report.ledger.rejected_for(RejectReason::TooLarge).operations, 2);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn more_items_than_the_api_takes_are_split_and_their_number_not_tried_again() {
    let api = Api::new()
        .on_request(|request| if request.items.len() > 10 { Reply::status(400) } else { Reply::Process });
    let prefactor = api.pipeline().lanes(1).build().unwrap();

    for _ in 0..50 {
        whole_run(&prefactor, "a");
    }
    prefactor.flush(PATIENCE).await;
    let learnt = api.requests().len();
    for _ in 0..50 {
        whole_run(&prefactor, "b");
    }
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.names().len(), 100);
    let later = &api.requests()[learnt..];
    assert!(later.iter().all(|request| request.items.len() <= 10));
    assert!(later.len() <= 200 / 5 + 1, "{} requests for 200 items", later.len());
}

#[tokio::test(start_paused = true)]
async fn an_item_that_spoils_its_request_is_found_and_rejected_alone() {
    for poisoned in [0, 7, 19] {
        let api = Api::new().on_request(|request| {
            let spoilt = request.items.iter().any(|item| named(item, "poison"));
            if spoilt { Reply::status(422) } else { Reply::Process }
        });
        let prefactor = api.pipeline().build().unwrap();

        let run = begin(&prefactor);
        for n in 0..20 {
            let name = if n == poisoned { "poison" } else { "fine" };
            run.span("agent:step", &json!({ "name": name })).complete(&json!({}));
        }
        run.finish();
        sleep(SECOND).await;
        for _ in 0..20 {
            whole_run(&prefactor, "later");
        }
        let report = prefactor.shutdown(PATIENCE).await;

        assert!(report.complete);
        assert_eq!(report.ledger.rejected_for(RejectReason::Validation).operations, 2, "{poisoned}");
        assert_eq!(report.ledger.rejected_total().operations, 2);
        assert_eq!(report.ledger.lost_total().operations, 0);
        assert_eq!(api.names().iter().filter(|name| *name == "fine").count(), 19);
        let largest = api.requests().iter().map(|request| request.items.len()).max();
        assert_eq!(
            largest,
            Some(80),
            "the number of items was not the reason: later batches are whole again"
        );
        assert_adds_up(&prefactor);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spell_of_413_does_not_make_later_requests_small() {
    let api = Api::new()
        .on_request(|request| if request.at < SECOND { Reply::status(413) } else { Reply::Process });
    let prefactor = api.pipeline().lanes(1).requests_per_second(None).build().unwrap();
    for _ in 0..50 {
        whole_run(&prefactor, "of the spell");
    }
    prefactor.flush(PATIENCE).await;
    sleep(SECOND).await;
    let before = api.requests().len();

    for _ in 0..100 {
        whole_run(&prefactor, "later");
    }
    prefactor.shutdown(PATIENCE).await;

    assert_eq!(api.names().len(), 100);
    let requests = api.requests().len() - before;
    assert!(requests <= 5, "{requests} requests for 100 runs");
}
