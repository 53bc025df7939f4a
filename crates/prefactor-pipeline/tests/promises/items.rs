use std::collections::HashMap;

use insta::assert_snapshot;
use prefactor_pipeline::{Prefactor, RejectReason};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, SECOND, assert_adds_up, assert_all_delivered, begin, whole_run};

fn named(item: &Value, name: &str) -> bool {
    item["details"]["payload"]["name"] == name
}

/// A run of spans side by side.
fn flat_run(prefactor: &Prefactor, names: &[&str]) {
    let run = begin(prefactor);
    for name in names {
        run.span("agent:step", &json!({ "name": name })).complete(&json!({}));
    }
    run.finish();
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_refused_is_rejected_and_all_others_go_on() {
    let names = ["a", "b", "c", "d"];
    for refused in names {
        for independent in [false, true] {
            let mut api = Api::new().on_item(move |item| named(item, refused).then_some("validation_errors"));
            if independent {
                api = api.independent();
            }
            let prefactor = api.pipeline().build().unwrap();

            flat_run(&prefactor, &names);
            whole_run(&prefactor, "other");
            let report = prefactor.shutdown(PATIENCE).await;

            assert!(report.complete);
            let arrived: Vec<_> =
                names.into_iter().filter(|name| *name != refused).chain(["other"]).collect();
            assert_eq!(api.names(), arrived);
            assert_eq!(report.ledger.rejected_for(RejectReason::Validation).operations, 2);
            assert_eq!(report.ledger.rejected_total().operations, 2);
            assert_eq!(report.ledger.lost_total().operations, 0);
            assert_eq!(api.requests().len(), if independent { 1 } else { 2 });
            assert_adds_up(&prefactor);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_counted_by_what_they_say() {
    let cases = [
        ("validation_error", RejectReason::Validation),
        ("bad_request", RejectReason::Validation),
        ("conflict", RejectReason::Conflict),
        ("unauthorized", RejectReason::Unauthorized),
        ("not_found", RejectReason::NotFound),
        ("a_code_of_tomorrow", RejectReason::Other),
    ];
    for (code, reason) in cases {
        let api = Api::new().on_item(move |item| named(item, "b").then_some(code));
        let prefactor = api.pipeline().build().unwrap();

        flat_run(&prefactor, &["a", "b", "c"]);
        let report = prefactor.shutdown(PATIENCE).await;

        assert_eq!(report.ledger.rejected_for(reason).operations, 2, "{code}");
        assert_eq!(api.names(), ["a", "c"], "{code}");
        assert_adds_up(&prefactor);
    }
}

/// Fails the items of a name a few times.
fn failing(name: &'static str, code: &'static str, times: u32) -> Api {
    let mut seen: HashMap<String, u32> = HashMap::new();
    Api::new().on_item(move |item| {
        let count = seen.entry(item["idempotency_key"].to_string()).or_default();
        *count += 1;
        (named(item, name) && *count <= times).then_some(code)
    })
}

#[tokio::test(start_paused = true)]
async fn an_error_that_may_pass_is_waited_for_and_what_follows_it_comes_later() {
    for (code, times) in [("not_found", 2), ("a_code_of_tomorrow", 2), ("internal_server_error", 8)] {
        let api = failing("parent", code, times);
        let prefactor = api.pipeline().build().unwrap();

        let run = begin(&prefactor);
        let parent = run.span("agent:step", &json!({ "name": "parent" }));
        parent.child("agent:step", &json!({ "name": "child" })).complete(&json!({}));
        parent.complete(&json!({}));
        run.finish();
        assert_all_delivered(&prefactor).await;

        assert_eq!(api.tree(), "run complete\n  parent complete\n    child complete\n", "{code}");
    }
}

/// A server that goes on behind an error refuses the children of a span that it does not have yet.
#[tokio::test(start_paused = true)]
async fn what_is_refused_behind_an_error_that_may_pass_is_sent_again_with_it() {
    let api = failing("parent", "internal_error", 2).independent();
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    let parent = run.span("agent:step", &json!({ "name": "parent" }));
    parent.child("agent:step", &json!({ "name": "child" })).complete(&json!({}));
    sleep(SECOND).await;
    parent.complete(&json!({}));
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.tree(), "run active\n  parent complete\n    child complete\n");
}

/// The same, failing items of these types with these codes, one after the other.
fn failing_first(failures: &[(&'static str, &'static str)]) -> Api {
    let mut failures = failures.to_vec();
    Api::new().independent().on_item(move |item| {
        let (action, code) = *failures.first()?;
        (item["_type"] == action).then(|| {
            failures.remove(0);
            code
        })
    })
}

/// The same server answers that a run can't be finished which it has not started yet.
#[tokio::test(start_paused = true)]
async fn a_finish_behind_a_start_that_may_pass_is_sent_again_with_it() {
    let api = failing_first(&[("agent_instances/start", "internal_error")]);
    let prefactor = api.pipeline().build().unwrap();

    begin(&prefactor).finish();
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.tree(), "run complete\n");
}

/// It answers `not_found` to all that comes behind a registration that fails: that says nothing of what comes behind.
#[tokio::test(start_paused = true)]
async fn what_fails_behind_another_failure_has_all_its_attempts_left() {
    let register = ("agent_instances/register", "internal_error");
    let start = ("agent_instances/start", "not_found");
    let api = failing_first(&[register, register, register, start, start]);
    let prefactor = api.pipeline().build().unwrap();

    begin(&prefactor).finish();
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.tree(), "run complete\n");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_holds_no_other_back() {
    let api = failing("slow", "internal_error", 1_000);
    let prefactor = api.pipeline().build().unwrap();

    flat_run(&prefactor, &["slow"]);
    let quick = whole_run(&prefactor, "quick");
    let report = quick.flush(SECOND).await;

    assert!(report.complete);
    assert_eq!(api.names(), ["quick"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_cancelled_any_more_is_failed() {
    let api = Api::new().strict_cancel();
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    let sent = run.span("agent:step", &json!({ "name": "sent before" }));
    sleep(SECOND).await;
    run.span("agent:step", &json!({ "name": "at once" })).cancel();
    sent.cancel();
    run.span("agent:step", &json!({ "name": "after" })).complete(&json!({}));
    let _left_open = run.span("agent:step", &json!({ "name": "left open" }));
    run.cancel();
    assert_all_delivered(&prefactor).await;

    assert_snapshot!(api.tree(), @r#"
    run failed
      sent before failed
      at once cancelled
      after complete
      left open cancelled
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cancels_what_is_active_is_taken_at_its_word() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    let sent = run.span("agent:step", &json!({ "name": "sent before" }));
    sleep(SECOND).await;
    sent.cancel();
    run.cancel();
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.tree(), "run cancelled\n  sent before cancelled\n");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_that_state_already_counts_as_done() {
    let api =
        Api::new().on_item(|item| (item["_type"] == "agent_instances/finish").then_some("invalid_action"));
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    assert_all_delivered(&prefactor).await;
}

/// What needs a refused span is not tried again and again, which would hold up its run.
#[tokio::test(start_paused = true)]
async fn the_finish_and_the_children_of_a_refused_span_are_rejected_with_it() {
    let api = Api::new().on_item(|item| named(item, "refused").then_some("validation_errors"));
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let refused = run.span("agent:step", &json!({ "name": "refused" }));
    run.flush(PATIENCE).await;

    let child = refused.child("agent:step", &json!({ "name": "child" }));
    run.flush(PATIENCE).await;
    child.complete(&json!({}));
    refused.complete(&json!({}));
    run.span("agent:step", &json!({ "name": "other" })).complete(&json!({}));
    let report = run.flush(SECOND / 2).await;

    assert!(report.complete, "nothing waits");
    assert_eq!(report.ledger.rejected_total().operations, 4);
    assert_eq!(api.names(), ["other"]);
    run.finish();
    assert!(prefactor.shutdown(PATIENCE).await.complete);
    assert_adds_up(&prefactor);
}

/// Nothing is created twice, so what can't be created is not there already.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_created_in_this_state_is_rejected() {
    let api = Api::new().on_item(|item| (item["_type"] == "agent_spans/create").then_some("invalid_action"));
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    let report = prefactor.shutdown(PATIENCE).await;

    assert_eq!(report.ledger.rejected_for(RejectReason::Conflict).operations, 2);
    assert_eq!(report.ledger.delivered.operations, 3);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_passes_after_hundreds_of_tries_is_counted_well() {
    let mut tries = 0;
    let api = Api::new().on_item(move |item| {
        tries += u32::from(named(item, "a"));
        named(item, "a").then_some(if tries <= 300 { "internal_error" } else { "not_found" })
    });
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    let report = prefactor.shutdown(24 * PATIENCE).await;

    assert_eq!(report.ledger.rejected_for(RejectReason::NotFound).operations, 2);
    assert_eq!(prefactor.actor_restarts(), 0);
    assert_adds_up(&prefactor);
}
