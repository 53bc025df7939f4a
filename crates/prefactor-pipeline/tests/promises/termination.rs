use prefactor_http::RawResponse;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{Api, PATIENCE, Reply, SECOND, assert_all_delivered, begin, timed, whole_run};

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_span_ends_the_wait_of_its_run_and_of_no_other() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let (run, other) = (begin(&prefactor), begin(&prefactor));
    let (terminated, others) = (run.terminated(), other.terminated());
    prefactor.flush(PATIENCE).await;

    api.terminate(run.id().unwrap(), Some("too expensive"));
    run.span("agent:step", &json!({})).complete(&json!({}));
    other.span("agent:step", &json!({})).complete(&json!({}));

    let (reason, took) = timed(timeout(PATIENCE, terminated.wait())).await;
    assert_eq!(reason.unwrap(), Some("too expensive"));
    assert!(took < SECOND, "{took:?}");
    prefactor.flush(PATIENCE).await;
    assert!(terminated.is_terminated() && !others.is_terminated());
    assert!(begin(&prefactor).terminated().reason().is_none(), "the next run starts afresh");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_nothing_to_report_hears_of_it_all_the_same() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let terminated = run.terminated();
    prefactor.flush(PATIENCE).await;
    api.terminate(run.id().unwrap(), None);

    let (reason, took) = timed(terminated.wait()).await;

    assert_eq!(reason, None);
    assert!(terminated.is_terminated());
    assert!(took <= 30 * SECOND, "{took:?}");
    let requests = api.requests();
    assert_eq!(requests.last().unwrap().types(), ["agent_instances/show"]);
    sleep(100 * SECOND).await;
    assert_eq!(api.requests().len(), requests.len(), "once is enough");
}

#[tokio::test(start_paused = true)]
async fn many_runs_are_looked_at_in_few_requests_and_only_if_somebody_wants_to_know() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let runs: Vec<_> = (0..700).map(|_| begin(&prefactor)).collect();
    prefactor.flush(PATIENCE).await;
    let before = api.requests().len();
    sleep(100 * SECOND).await;
    assert_eq!(api.requests().len(), before);

    let _terminated: Vec<_> = runs.iter().map(|run| run.terminated()).collect();
    runs[0].finish();
    prefactor.flush(PATIENCE).await;
    let before = api.requests().len();
    sleep(31 * SECOND).await;

    let sizes: Vec<_> = api.requests()[before..].iter().map(|request| request.items.len()).collect();
    assert_eq!(sizes, [500, 199]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_finished_hears_nothing_any_more() {
    let api = Api::new();
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let terminated = run.terminated();
    prefactor.flush(PATIENCE).await;

    api.terminate(run.id().unwrap(), Some("late"));
    run.span("agent:step", &json!({})).complete(&json!({}));
    run.finish();
    prefactor.flush(PATIENCE).await;
    sleep(100 * SECOND).await;

    assert!(!terminated.is_terminated());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_while_the_api_wants_to_be_left_alone() {
    let busy = Reply::Answer(RawResponse::new(429, "").with_retry_after(200 * SECOND));
    let api =
        Api::new().on_request(move |request| if request.number == 1 { busy.clone() } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let _terminated = run.terminated();
    prefactor.flush(PATIENCE).await;
    whole_run(&prefactor, "limited");

    sleep(190 * SECOND).await;
    assert_eq!(api.requests().len(), 2);
    run.finish();
    assert_all_delivered(&prefactor).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_api_does_not_know_hides_no_other() {
    let mut first = true;
    let api = Api::new().on_item(move |item| {
        let registers = item["_type"] == "agent_instances/register";
        (registers && std::mem::take(&mut first)).then_some("validation_errors")
    });
    let prefactor = api.pipeline().build().unwrap();
    let refused = begin(&prefactor);
    prefactor.flush(PATIENCE).await;
    let run = begin(&prefactor);
    let (_refused, terminated) = (refused.terminated(), run.terminated());
    prefactor.flush(PATIENCE).await;

    api.terminate(run.id().unwrap(), None);

    assert!(timeout(31 * SECOND, terminated.wait()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_api_that_takes_few_items_is_asked_in_smaller_requests() {
    let api = Api::new()
        .on_request(|request| if request.items.len() > 100 { Reply::status(400) } else { Reply::Process });
    let prefactor = api.pipeline().max_batch_items(100).build().unwrap();
    let runs: Vec<_> = (0..150).map(|_| begin(&prefactor)).collect();
    let terminated: Vec<_> = runs.iter().map(|run| run.terminated()).collect();
    prefactor.flush(PATIENCE).await;

    api.terminate(runs[149].id().unwrap(), None);

    assert!(timeout(31 * SECOND, terminated[149].wait()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_hits_the_rate_limit_pauses_everyone() {
    let busy = Reply::Answer(RawResponse::new(429, "").with_retry_after(300 * SECOND));
    let api = Api::new().on_request(move |request| {
        if request.types() == ["agent_instances/show"] { busy.clone() } else { Reply::Process }
    });
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    let _terminated = run.terminated();
    prefactor.flush(PATIENCE).await;
    sleep(31 * SECOND).await;

    run.span("agent:step", &json!({})).complete(&json!({}));
    run.flush(PATIENCE).await;

    assert_eq!(api.seconds()[..3], [0, 30, 330]);
}
