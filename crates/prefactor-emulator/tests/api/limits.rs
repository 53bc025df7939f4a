//! Faults that limit rates and sizes, name things themselves and end runs, as they are seen on the wire.

use std::time::Duration;

use prefactor_emulator::{
    Distribution, Emulator, FaultKind, Faults, IgnoredIds, InstanceStatus, Latency, RateLimit, TerminateRun,
};
use serde_json::json;

use crate::support::{Answer, Api, own_id, span};

async fn with(faults: Faults) -> Api {
    Api::with(Emulator::builder().faults(faults).journal(10)).await
}

fn retry_after(answer: &Answer) -> &str {
    answer.headers.get("retry-after").expect("a header").to_str().expect("text")
}

fn items(api: &Api, count: usize) -> serde_json::Value {
    (0..count)
        .map(|_| json!({ "_type": "agent_instances/register", "idempotency_key": api.key() }))
        .collect::<Vec<_>>()
        .into()
}

fn last_fault(api: &Api) -> Option<FaultKind> {
    api.emulator.journal().last().expect("a request").fault
}

#[tokio::test]
async fn requests_beyond_the_burst_are_told_when_there_is_room() {
    // An hour for each token: none comes while this runs.
    let api =
        with(Faults::new().rate_limit(RateLimit::new().requests_per_s(1.0 / 3_600.0).requests_burst(2.0)))
            .await;

    let answers =
        [api.get("/ping").await, api.get("/ping").await, api.post_nothing("/agent_instance/register").await];

    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 429]);
    assert_eq!(answers[2].code(), "too_many_requests");
    let seconds: u64 = retry_after(&answers[2]).parse().expect("seconds");
    assert!((3_590..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(last_fault(&api), Some(FaultKind::RateLimited));
    assert!(api.emulator.instances().is_empty());
}

#[tokio::test]
async fn a_bucket_fills_again() {
    let api = with(Faults::new().rate_limit(RateLimit::new().requests_per_s(2.0).requests_burst(1.0))).await;
    let burst = api.get("/ping").await;
    let mut refused = 0;

    while api.get("/ping").await.status == 429 {
        refused += 1;
        assert!(refused < 10_000, "it never fills");
    }

    assert_eq!(burst.status, 200);
    assert!(refused > 0);
}

#[tokio::test]
async fn items_are_counted_apart_from_requests_and_nothing_of_a_refused_batch_is_done() {
    let limit = RateLimit::new().items_per_s(0.01).items_burst(5.0);
    let api = with(Faults::new().rate_limit(limit)).await;

    let first = api.bulk(items(&api, 4)).await;
    let second = api.bulk(items(&api, 2)).await;
    let single = api.post_nothing("/agent_instance/register").await;
    let ping = api.get("/ping").await;

    assert_eq!([first.status, second.status, single.status, ping.status], [200, 429, 200, 200]);
    assert_eq!(retry_after(&second), "100");
    assert_eq!(api.emulator.instances().len(), 5);
}

#[tokio::test]
async fn a_batch_of_too_many_items_is_refused_as_a_whole() {
    let api = with(Faults::new().max_items(2)).await;

    let long = api.bulk(items(&api, 3)).await;
    let fault = last_fault(&api);
    let short = api.bulk(items(&api, 2)).await;

    assert_eq!(long.refusal(), (400, "bad_request"));
    assert!(long.body["message"].as_str().expect("a message").contains('2'), "{long:?}");
    assert_eq!(fault, Some(FaultKind::TooManyItems));
    assert_eq!((short.status, api.emulator.instances().len()), (200, 2));
}

#[tokio::test]
async fn chosen_ids_are_ignored_where_the_fault_says_so() {
    let api = with(Faults::new().ignored_ids(IgnoredIds::new().spans(true))).await;
    let (run, span_id) = (own_id(&api), own_id(&api));

    let registered = api.post("/agent_instance/register", json!({ "id": run })).await.id();
    let created = api.create_span(&run, json!({ "id": span_id })).await.id();
    api.emulator.set_faults(Faults::new().ignored_ids(IgnoredIds::new().instances(true)));
    let other = api.post("/agent_instance/register", json!({ "id": own_id(&api) })).await;

    assert_eq!(registered, run);
    assert_ne!(created, span_id);
    assert_eq!(api.emulator.spans(&run)[0].id.to_string(), created);
    assert_eq!(other.status, 200);
    assert_eq!(api.finish_span(&span_id, json!({})).await.status, 404);
    assert_eq!(api.finish_span(&created, json!({})).await.status, 200);
}

#[tokio::test]
async fn a_run_is_terminated_in_the_answer_to_its_last_span() {
    let api = with(Faults::new().terminate_run(TerminateRun::new().after_spans(3).reason("over"))).await;
    let run = api.started().await;

    let create = async || api.create_span(&run, json!({})).await;
    let answers = [create().await, create().await, create().await, create().await];

    let controls = answers.each_ref().map(|answer| answer.body.get("control"));
    let over = json!({ "terminate": true, "reason": "over" });
    assert_eq!(controls, [None, None, Some(&over), Some(&over)]);
    assert_eq!(api.emulator.instance(&run).expect("the run").status, InstanceStatus::Terminated);
}

#[tokio::test]
async fn the_same_seed_terminates_the_same_runs_however_their_spans_fall() {
    let terminated = async |seed, reversed: bool| {
        let fault = TerminateRun::new().after_spans(1).probability(0.5);
        let api = with(Faults::new().seed(seed).terminate_run(fault)).await;
        let mut runs = Vec::new();
        for _ in 0..20 {
            runs.push(api.started().await);
        }
        let mut order: Vec<_> = runs.iter().collect();
        if reversed {
            order.reverse();
        }
        for run in order {
            api.bulk(json!([{
                "_type": "agent_spans/create", "idempotency_key": api.key(), "details": span(run, json!({})),
            }]))
            .await;
        }
        let is_terminated =
            |run: &String| api.emulator.instance(run).expect("the run").status == InstanceStatus::Terminated;
        runs.iter().map(is_terminated).collect::<Vec<_>>()
    };

    let (first, again, other) =
        (terminated(1, false).await, terminated(1, true).await, terminated(2, false).await);

    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.contains(&true) && first.contains(&false));
}

#[tokio::test]
async fn latency_of_a_distribution_delays_the_answer() {
    let fixed = Distribution::Fixed { ms: 30.0 };
    let api = with(Faults::new().latency(Latency::new().distribution(fixed))).await;
    let start = std::time::Instant::now();

    let answer = api.get("/ping").await;

    assert_eq!(answer.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn faults_that_bend_the_rules_are_remembered_with_their_effects() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("emulator.db");
    let bent = Faults::new()
        .ignored_ids(IgnoredIds::new().spans(true).instances(true))
        .terminate_run(TerminateRun::new().after_spans(2));
    let first = Api::with(Emulator::builder().database(&file).faults(bent)).await;
    let run = first.post("/agent_instance/register", json!({ "id": own_id(&first) })).await.id();
    for _ in 0..2 {
        first.create_span(&run, json!({ "id": own_id(&first) })).await.details();
    }
    first.emulator.set_faults(Faults::new());
    let plain = first.started().await;
    for _ in 0..2 {
        first.create_span(&plain, json!({ "id": own_id(&first) })).await.details();
    }
    let (runs, spans) = (first.emulator.instances(), first.emulator.spans(&run));
    first.emulator.shutdown().await;

    let second = Api::with(Emulator::builder().database(&file)).await;

    assert_eq!(second.emulator.instances(), runs);
    assert_eq!(second.emulator.spans(&run), spans);
    assert_eq!(runs[0].status, InstanceStatus::Terminated);
    assert_eq!(runs[1].status, InstanceStatus::Active);
}
