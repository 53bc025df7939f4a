use std::collections::HashMap;

use prefactor_pipeline::RejectReason;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Api, PATIENCE, SECOND, assert_adds_up, assert_all_delivered, begin, whole_run};

#[tokio::test(start_paused = true)]
async fn before_the_partition_is_known_only_registrations_go_out() {
    let api = Api::new();
    let prefactor = api.pipeline_without_partition().build().unwrap();

    let run = whole_run(&prefactor, "first");
    assert_eq!(run.id(), None);
    prefactor.flush(PATIENCE).await;
    assert!(run.id().is_some());
    whole_run(&prefactor, "second");
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert_eq!(requests[0].types(), ["agent_instances/register"]);
    assert_eq!(requests[2].types().len(), 4, "the next run chooses its own id");
    assert_eq!(api.tree(), "run complete\n  first complete\nrun complete\n  second complete\n");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_other_ids_than_asked_for_is_followed() {
    let api = Api::new().assigns_ids();
    let prefactor = api.pipeline().build().unwrap();

    let run = begin(&prefactor);
    let parent = run.span("agent:step", &json!({ "name": "parent" }));
    sleep(SECOND / 5).await;
    parent.child("agent:step", &json!({ "name": "child" })).complete(&json!({}));
    parent.complete(&json!({}));
    run.finish();
    prefactor.flush(PATIENCE).await;
    whole_run(&prefactor, "next");
    assert_all_delivered(&prefactor).await;

    assert_eq!(
        api.tree(),
        "run complete\n  parent complete\n    child complete\nrun complete\n  next complete\n"
    );
    let last = api.requests().pop().unwrap();
    assert_eq!(last.types().first(), Some(&"agent_instances/start"), "later runs wait for their id");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_spans_other_ids_is_followed() {
    for independent in [false, true] {
        for linger in [SECOND / 10, SECOND / 100] {
            let mut api = Api::new().assigns_span_ids();
            if independent {
                api = api.independent();
            }
            let prefactor = api.pipeline().linger(linger).build().unwrap();

            for _ in 0..2 {
                let run = begin(&prefactor);
                let root = run.span("agent:step", &json!({ "name": "root" }));
                let child = root.child("agent:step", &json!({ "name": "child" }));
                let failed = child.child("agent:step", &json!({ "name": "failed" }));
                failed.fail(&json!({}));
                sleep(SECOND / 20).await;
                child.child("agent:step", &json!({ "name": "cancelled" })).cancel();
                sleep(SECOND / 20).await;
                child.complete(&json!({}));
                child.child("agent:step", &json!({ "name": "late" })).complete(&json!({}));
                root.complete(&json!({}));
                run.finish();
            }
            assert_all_delivered(&prefactor).await;

            let tree = "run complete\n  root complete\n    child complete\n      failed failed\n      cancelled cancelled\n      \
                        late complete\n";
            assert_eq!(api.tree(), tree.repeat(2), "independent: {independent}, linger: {linger:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_span_tells_the_id_that_the_server_gave_it() {
    let api = Api::new().assigns_span_ids();
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let span = run.span("agent:step", &json!({ "name": "a" }));
    let ours = span.id();

    run.flush(PATIENCE).await;

    assert_ne!(span.id(), ours);
    assert!(api.has_span(span.id().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_rejects_its_run_and_no_other() {
    let api = Api::new()
        .on_item(|item| (item["agent_version"]["name"] == "refused").then_some("validation_errors"));
    for builder in [api.pipeline(), api.pipeline_without_partition()] {
        let prefactor = builder.build().unwrap();
        let refused = prefactor.instance(prefactor_pipeline::AgentVersion::new("refused", "v1")).start();
        let span = refused.span("agent:step", &json!({}));
        let good = whole_run(&prefactor, "good");
        prefactor.flush(PATIENCE).await;

        span.complete(&json!({}));
        refused.finish();
        let report = prefactor.shutdown(PATIENCE).await;

        assert!(report.complete);
        assert_eq!(good.ledger().delivered, good.ledger().accepted);
        let ledger = refused.ledger();
        assert_eq!(ledger.rejected_for(RejectReason::Validation).operations, 1);
        assert_eq!(ledger.rejected_for(RejectReason::RegistrationRefused).operations, 4);
        assert_eq!(ledger.rejected_total(), ledger.accepted);
        assert_adds_up(&prefactor);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_not_visible_yet_is_asked_for_again() {
    let mut seen = HashMap::new();
    let api = Api::new().on_item(move |item| {
        let key = item["idempotency_key"].to_string();
        let times = seen.entry(key).or_insert(0);
        *times += 1;
        (*times <= 2).then_some("not_found")
    });
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.tree(), "run complete\n  a complete\n");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_exist_is_given_up_after_a_few_tries() {
    let api = Api::new().on_item(|_| Some("not_found"));
    let prefactor = api.pipeline().build().unwrap();

    let run = whole_run(&prefactor, "a");
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete);
    assert_eq!(api.requests().len(), 3);
    assert_eq!(run.ledger().rejected_for(RejectReason::NotFound).operations, 1);
    assert_eq!(run.ledger().rejected_for(RejectReason::RegistrationRefused).operations, 4);
    assert_adds_up(&prefactor);
}

/// Without an id there is nothing that could be sent; the run must not wait for one for ever.
#[tokio::test(start_paused = true)]
async fn a_registration_that_brings_no_id_ends_its_run() {
    let api =
        Api::new().on_item(|item| (item["_type"] == "agent_instances/register").then_some("invalid_action"));
    let prefactor = api.pipeline_without_partition().build().unwrap();

    whole_run(&prefactor, "a");
    let report = prefactor.flush(60 * SECOND).await;

    assert!(report.complete, "{}", report.ledger);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn the_children_of_a_parent_that_was_created_finished_find_it() {
    let api = Api::new().assigns_span_ids();
    let prefactor = api.pipeline().build().unwrap();
    whole_run(&prefactor, "first");
    prefactor.flush(PATIENCE).await;

    let run = begin(&prefactor);
    let root = run.span("agent:step", &json!({ "name": "root" }));
    for n in 0..800 {
        root.child("agent:step", &json!({ "name": n.to_string() })).complete(&json!({}));
    }
    root.complete(&json!({}));
    run.flush(PATIENCE).await;
    let id = root.id();
    run.finish();
    assert_all_delivered(&prefactor).await;

    assert!(api.has_span(id.unwrap()), "its handle still knows it");
    assert_eq!(api.tree().matches("\n    ").count(), 800);
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_the_agents_state_forbids_rejects_its_run() {
    let api = Api::new().on_item(|item| {
        let registers = item["_type"] == "agent_instances/register";
        registers.then_some("invalid_action")
    });
    for builder in [api.pipeline(), api.pipeline_without_partition()] {
        let prefactor = builder.build().unwrap();

        let run = whole_run(&prefactor, "a");
        assert!(run.flush(SECOND).await.complete, "it is known at once");

        let ledger = run.ledger();
        assert_eq!(ledger.rejected_for(RejectReason::Conflict).operations, 1);
        assert_eq!(ledger.rejected_for(RejectReason::RegistrationRefused).operations, 4);
    }
}
