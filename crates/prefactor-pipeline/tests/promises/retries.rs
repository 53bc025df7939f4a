use std::time::Duration;

use prefactor_http::{RawResponse, StatusCodes};
use prefactor_pipeline::{Health, RejectReason};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{
    Api, PATIENCE, Reply, SECOND, assert_adds_up, assert_all_delivered, begin, injected_panic, timed,
    whole_run,
};

fn troubles() -> Vec<Reply> {
    vec![
        Reply::status(500),
        Reply::status(503),
        Reply::status(599),
        Reply::status(404),
        Reply::Answer(RawResponse::new(502, "<html>Bad Gateway</html>")),
        Reply::Answer(RawResponse::new(200, "<html>Sign in</html>")),
        Reply::Answer(RawResponse::new(200, r#"{"status":"success"}"#)),
        Reply::Answer(RawResponse::new(200, r#"{"status":"success","outputs":{}}"#)),
        Reply::Answer(RawResponse::new(
            200,
            r#"{"status":"success","outputs":{"of another request":{"status":"success"}}}"#,
        )),
        Reply::Answer(RawResponse::new(400, "<html>Bad Request</html>")),
        Reply::Fail,
        Reply::ProcessAndBreakOff,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_is_sent_again_with_the_same_bytes_until_it_is_answered() {
    for trouble in troubles() {
        let reply = trouble.clone();
        let api = Api::new()
            .on_request(move |request| if request.number < 3 { reply.clone() } else { Reply::Process });
        let prefactor = api.pipeline().build().unwrap();

        whole_run(&prefactor, "once");
        sleep(SECOND / 2).await;
        assert_eq!(prefactor.health(), Health::Unreachable, "{trouble:?}");
        assert_all_delivered(&prefactor).await;

        let requests = api.requests();
        assert_eq!(requests.len(), 4, "{trouble:?}");
        assert!(requests.iter().all(|request| request.body == requests[0].body), "{trouble:?}");
        assert_eq!(api.names(), ["once"], "{trouble:?}");
        assert_eq!(api.tree(), "run complete\n  once complete\n", "{trouble:?}");
        assert_eq!(prefactor.health(), Health::Delivering);
    }
}

#[tokio::test(start_paused = true)]
async fn the_waits_grow_up_to_a_minute_and_an_outage_is_never_fatal() {
    let outage = Duration::from_secs(600);
    let api =
        Api::new().on_request(move |request| if request.at < outage { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "patient");
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    let pairs = requests.windows(2).take_while(|pair| pair[0].at < outage);
    let gaps = pairs.map(|pair| (pair[1].at - pair[0].at).as_secs_f64());
    for (n, gap) in gaps.enumerate() {
        let longest = f64::from(1 << n.min(6)).min(60.0);
        assert!((longest / 2.0..longest + 0.1).contains(&gap), "wait {n} was {gap} s");
    }
    assert!(requests.last().is_some_and(|last| last.at < outage + Duration::from_secs(61)));
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_server_is_left_alone_for_as_long_as_it_asks() {
    let busy = Reply::Answer(RawResponse::new(503, "").with_retry_after(20 * SECOND));
    let api =
        Api::new().on_request(move |request| if request.number == 0 { busy.clone() } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.seconds(), [0, 20]);
}

#[tokio::test(start_paused = true)]
async fn the_success_of_others_cuts_no_wait_short_that_the_server_asked_for() {
    let busy = Reply::Answer(RawResponse::new(503, "").with_retry_after(20 * SECOND));
    let api =
        Api::new().on_request(move |request| if request.number == 0 { busy.clone() } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();
    whole_run(&prefactor, "told to wait");
    sleep(SECOND).await;

    whole_run(&prefactor, "other");
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.seconds(), [0, 1, 20]);
}

/// Fails for whatever comes with a span of this name.
fn fails_on(name: &'static str) -> Api {
    Api::new().on_request(move |request| {
        let hit = request.items.iter().any(|item| item["details"]["payload"]["name"] == name);
        if hit { Reply::status(500) } else { Reply::Process }
    })
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_one_run_holds_no_other_back() {
    let api = fails_on("bad");
    let prefactor = api.pipeline().build().unwrap();
    let _bad = whole_run(&prefactor, "bad");
    sleep(SECOND).await;

    let good = whole_run(&prefactor, "good");
    let report = good.flush(SECOND).await;

    assert!(report.complete);
    assert_eq!(report.ledger.delivered, report.ledger.accepted);
}

/// The others' success is no reason to hammer the API with what it does not take.
#[tokio::test(start_paused = true)]
async fn a_request_that_keeps_failing_backs_off_also_while_others_succeed() {
    let api = fails_on("bad");
    let prefactor = api.pipeline().build().unwrap();
    let _bad = whole_run(&prefactor, "bad");

    for _ in 0..600 {
        whole_run(&prefactor, "good");
        sleep(SECOND / 5).await;
    }

    let is_bad = |item: &Value| item["details"]["payload"]["name"] == "bad";
    let bad = api.requests().iter().filter(|request| request.items.iter().any(is_bad)).count();
    assert!(bad < 20, "{bad} attempts in two minutes");
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_first_success_lets_everyone_go() {
    let outage = 200 * SECOND;
    let api =
        Api::new().on_request(move |request| if request.at < outage { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();
    for _ in 0..4 {
        whole_run(&prefactor, "a");
        sleep(7 * SECOND).await;
    }

    assert_all_delivered(&prefactor).await;

    let back: Vec<_> = api.requests().iter().map(|request| request.at).filter(|at| *at >= outage).collect();
    assert!(*back.last().unwrap() - back[0] < SECOND, "{back:?}");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_not_to_be_retried_rejects_the_request() {
    let api = Api::new().on_request(|_| Reply::status(503));
    let prefactor =
        api.pipeline().retry_on_status_codes(StatusCodes::from_list("429,500").unwrap()).build().unwrap();

    let run = begin(&prefactor);
    let _span = run.span("agent:step", &json!({}));
    let report = prefactor.shutdown(PATIENCE).await;

    assert!(report.complete);
    assert_eq!(api.requests().len(), 1);
    assert_eq!(report.ledger.rejected_for(RejectReason::Other).operations, 3);
    assert_adds_up(&prefactor);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_is_one_that_failed() {
    let api =
        Api::new().on_request(|request| if request.number == 0 { injected_panic() } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.names(), ["a"]);
    assert_eq!(prefactor.actor_restarts(), 0);
}

/// More requests that the API can't digest than there are lanes.
#[tokio::test(start_paused = true)]
async fn what_the_api_never_takes_leaves_the_lanes_to_others() {
    let api = fails_on("bad");
    let prefactor = api.pipeline().lanes(2).build().unwrap();
    for _ in 0..8 {
        whole_run(&prefactor, "bad").flush(SECOND / 100).await;
    }

    let good = whole_run(&prefactor, "good");
    let report = good.flush(300 * SECOND).await;

    assert!(report.complete);
    assert_eq!(report.ledger.delivered, report.ledger.accepted);
    assert_eq!(api.names(), ["good"]);
}

#[tokio::test(start_paused = true)]
async fn one_operation_that_the_api_never_takes_does_not_keep_its_company_from_arriving() {
    let api = fails_on("bad");
    let prefactor = api.pipeline().build().unwrap();
    let (bad, good) = (begin(&prefactor), begin(&prefactor));
    for n in 0..200 {
        let _ = bad.span("agent:step", &json!({ "name": if n == 100 { "bad" } else { "before or after" } }));
        let _ = good.span("agent:step", &json!({ "name": "good" }));
    }

    good.finish();
    for _ in 0..60 {
        whole_run(&prefactor, "another");
        sleep(SECOND).await;
    }

    let report = good.flush(SECOND).await;
    assert!(report.complete);
    let names = api.names();
    assert_eq!(names.iter().filter(|name| *name == "good").count(), 200);
    assert_eq!(names.iter().filter(|name| *name == "before or after").count(), 100, "up to the bad one");
    let items: Vec<_> = api.requests().iter().map(|request| request.items.len()).collect();
    assert!(items.len() < 60 + 40, "it takes few requests to find it: {items:?}");
}

/// An API that recovers gets large requests again at once.
#[tokio::test(start_paused = true)]
async fn a_long_outage_makes_no_small_requests() {
    let outage = 1_200 * SECOND;
    let api =
        Api::new().on_request(move |request| if request.at < outage { Reply::Fail } else { Reply::Process });
    let prefactor = api.pipeline().build().unwrap();
    for _ in 0..20 {
        let run = begin(&prefactor);
        for n in 0..100 {
            let _ = run.span("agent:step", &json!({ "n": n }));
        }
        sleep(SECOND).await;
    }

    sleep(outage).await;
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    let after = requests.iter().filter(|request| request.at >= outage).count();
    assert!(after < 20, "{after} requests for 4,060 items");
    assert!(
        requests.len() - after < 1_200,
        "{} requests in an outage of as many seconds",
        requests.len() - after
    );
}

/// Far more requests that the API can't digest than lanes: everybody else comes through, and soon.
#[tokio::test(start_paused = true)]
async fn what_the_api_never_takes_slows_nobody_down_for_long() {
    let api = fails_on("bad");
    let prefactor = api.pipeline().build().unwrap();
    for _ in 0..40 {
        whole_run(&prefactor, "bad").flush(SECOND / 100).await;
    }

    let mut slow = 0;
    for _ in 0..300 {
        let (report, took) = timed(whole_run(&prefactor, "good").flush(PATIENCE)).await;
        assert!(report.complete && took < 60 * SECOND, "{took:?}");
        slow += u32::from(took > SECOND);
        sleep(SECOND).await;
    }

    assert!(slow < 15, "{slow} of 300 waited for more than a second");
}
