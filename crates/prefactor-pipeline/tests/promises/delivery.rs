use std::time::Duration;

use insta::assert_snapshot;
use prefactor_pipeline::InSpan;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, Reply, SECOND, assert_all_delivered, begin, timed, whole_run};

#[tokio::test(start_paused = true)]
async fn a_run_arrives_as_the_tree_it_was() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    let plan = run.span("agent:step", &json!({ "name": "plan" }));
    let search = plan.child("agent:tool", &json!({ "name": "search" }));
    let fetch =
        async { run.span("agent:tool", &json!({ "name": "fetch" })).fail(&json!({ "error": "gone" })) };
    fetch.in_span(&search).await;
    search.complete(&json!({ "hits": 3 }));
    plan.child("agent:tool", &json!({ "name": "skipped" })).cancel();
    drop(plan);
    let _left_open = run.span("agent:step", &json!({ "name": "left open" }));
    run.record_quality("helpfulness", &json!({ "score": 5 }));
    run.finish();
    assert_all_delivered(&prefactor).await;

    assert_snapshot!(api.tree(), @r#"
    run complete
      plan complete
        search complete
          fetch failed
        skipped cancelled
      left open complete
    "#);
}

#[tokio::test(start_paused = true)]
async fn what_happens_within_the_linger_shares_a_request_and_short_spans_an_item() {
    let api = Api::new();
    let prefactor = api.pipeline().linger(SECOND).build().unwrap();

    whole_run(&prefactor, "a");
    sleep(SECOND / 2).await;
    whole_run(&prefactor, "b");
    sleep(SECOND).await;

    let requests = api.requests();
    assert_eq!(requests.len(), 1);
    let one =
        ["agent_instances/register", "agent_instances/start", "agent_spans/create", "agent_instances/finish"];
    assert_eq!(requests[0].types(), [one, one].concat());
    assert_all_delivered(&prefactor).await;
}

#[tokio::test(start_paused = true)]
async fn a_span_that_outlives_its_request_is_finished_by_a_later_one() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let span = run.span("agent:step", &json!({ "name": "long" }));
    sleep(SECOND).await;

    span.complete(&json!({}));
    run.finish();
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].types(), ["agent_spans/finish", "agent_instances/finish"]);
}

#[tokio::test(start_paused = true)]
async fn many_runs_arrive_whole_whatever_the_size_of_batches() {
    for (items, bytes) in [(1, 1 << 20), (7, 1 << 20), (500, 1_000), (500, 1 << 20)] {
        let api = Api::new();
        let builder = api.pipeline().requests_per_second(None).max_batch_items(items).max_batch_bytes(bytes);
        let prefactor = builder.lanes(3).build().unwrap();

        for run in 0..40 {
            let instance = begin(&prefactor);
            let root = instance.span("agent:step", &json!({ "name": format!("{run}.root") }));
            for child in 0..5 {
                root.child("agent:step", &json!({ "name": format!("{run}.{child}") })).complete(&json!({}));
                if child == run % 5 {
                    sleep(Duration::from_millis(3)).await;
                }
            }
            root.complete(&json!({}));
            instance.finish();
        }
        assert_all_delivered(&prefactor).await;

        let mut names = api.names();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), api.names().len()), (240, 240));
        assert!(api.most_under_way() <= 3, "{} under way", api.most_under_way());
        assert!(api.requests().iter().all(|request| request.items.len() <= items));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_does_not_linger() {
    let api = Api::new();
    let prefactor = api.pipeline().linger(60 * SECOND).build().unwrap();
    let run = whole_run(&prefactor, "a");

    let (report, took) = timed(run.flush(PATIENCE)).await;

    assert!(report.complete);
    assert_eq!(report.ledger.delivered.operations, 5);
    assert!(took < SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flush_of_a_run_does_not_wait_for_what_comes_later() {
    let api = Api::new().on_request(|request| if request.number == 0 { Reply::Process } else { Reply::Hang });
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let _early = run.span("agent:step", &json!({ "name": "early" }));
    let flushed = tokio::spawn({
        let run = run.clone();
        async move { run.flush(PATIENCE).await }
    });
    sleep(Duration::from_millis(1)).await;

    let _late = run.span("agent:step", &json!({ "name": "late" }));
    let (report, took) = timed(flushed).await;

    let report = report.unwrap();
    assert!(report.complete);
    assert!(took < SECOND, "{took:?}");
    assert_eq!((report.ledger.accepted.operations, report.ledger.delivered.operations), (4, 3));
}

#[tokio::test(start_paused = true)]
async fn a_flush_of_a_run_does_not_wait_for_another_run() {
    let api = Api::new().on_request(|request| if request.number == 0 { Reply::Hang } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();
    let _stuck = begin(&prefactor);
    sleep(SECOND).await;
    let run = begin(&prefactor);

    let (report, took) = timed(run.flush(PATIENCE)).await;

    assert!(report.complete);
    assert!(took < SECOND, "{took:?}");
    assert!(!prefactor.flush(SECOND).await.complete, "the other one is still under way");
}

#[tokio::test(start_paused = true)]
async fn two_flushes_at_once_both_end() {
    let api = Api::new();
    let prefactor = api.pipeline().linger(60 * SECOND).build().unwrap();
    let run = whole_run(&prefactor, "a");

    let (both, took) =
        timed(async { tokio::join!(run.flush(PATIENCE), prefactor.flush(PATIENCE), run.flush(PATIENCE)) })
            .await;

    assert!(both.0.complete && both.1.complete && both.2.complete);
    assert!(took < SECOND, "{took:?}");
}
