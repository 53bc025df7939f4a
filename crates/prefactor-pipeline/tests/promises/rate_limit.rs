use std::num::NonZeroU32;
use std::time::Duration;

use prefactor_http::RawResponse;
use prefactor_pipeline::RejectReason;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Api, Reply, SECOND, assert_all_delivered, begin, whole_run};

/// Says 429 to one request.
fn limited(number: usize, retry_after: Option<Duration>) -> Api {
    let mut answer = RawResponse::new(429, "slow down");
    answer.retry_after = retry_after;
    Api::new().on_request(move |request| {
        if request.number == number { Reply::Answer(answer.clone()) } else { Reply::Process }
    })
}

#[tokio::test(start_paused = true)]
async fn nobody_sends_anything_before_the_time_that_retry_after_gives() {
    let api = limited(0, Some(17 * SECOND));
    let prefactor = api.pipeline().build().unwrap();

    for _ in 0..30 {
        whole_run(&prefactor, "a");
        sleep(SECOND / 2).await;
    }
    assert_eq!(api.requests().len(), 1);
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert!(requests[1..].iter().all(|request| request.at >= 17 * SECOND), "{:?}", api.seconds());
    assert!(requests[1].at < 18 * SECOND, "{:?}", api.seconds());
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(api.names().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn without_a_word_on_when_to_return_everyone_backs_off() {
    let api = limited(0, None);
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    sleep(SECOND / 5).await;
    whole_run(&prefactor, "b");
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert!(requests[1..].iter().all(|next| next.at - requests[0].at >= SECOND / 2), "{:?}", requests[1].at);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_is_not_followed_for_ever() {
    let api = limited(0, Some(Duration::MAX));
    let prefactor = api.pipeline().build().unwrap();

    whole_run(&prefactor, "a");
    sleep(3_700 * SECOND).await;

    assert_eq!(api.names(), ["a"]);
    assert_all_delivered(&prefactor).await;
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_when_the_limit_is_hit_count_as_they_end() {
    let api = limited(1, Some(10 * SECOND));
    let prefactor = api.pipeline().max_batch_items(4).build().unwrap();

    for name in ["a", "b", "c", "d", "e", "f"] {
        whole_run(&prefactor, name);
    }
    assert_all_delivered(&prefactor).await;

    assert_eq!(api.seconds(), [0, 0, 0, 0, 10, 10, 10]);
    assert_eq!(api.names().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_batch_fills_up_while_it_waits() {
    let api = limited(0, Some(10 * SECOND));
    let prefactor = api.pipeline().lanes(1).build().unwrap();
    whole_run(&prefactor, "first");
    sleep(SECOND).await;

    let run = begin(&prefactor);
    for n in 0..5 {
        let span = run.span("agent:step", &json!({ "name": n.to_string() }));
        sleep(SECOND).await;
        span.complete(&json!({}));
    }
    run.finish();
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[2].types().len(), 2 + 5 + 1, "each span is one item");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_go_out_than_configured() {
    let api = Api::new();
    let rate = NonZeroU32::new(2);
    let prefactor = api.pipeline().requests_per_second(rate).max_batch_items(4).build().unwrap();

    for _ in 0..20 {
        whole_run(&prefactor, "a");
    }
    assert_all_delivered(&prefactor).await;

    let times: Vec<_> = api.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 20);
    for burst in times.windows(4) {
        assert!(burst[3] - burst[0] >= SECOND / 2, "{burst:?}");
    }
    assert!(*times.last().unwrap() < 11 * SECOND, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_items_go_out_than_configured() {
    let api = Api::new();
    let prefactor = api.pipeline().items_per_second(NonZeroU32::new(10)).build().unwrap();

    for _ in 0..20 {
        whole_run(&prefactor, "a");
    }
    assert_all_delivered(&prefactor).await;

    let requests = api.requests();
    assert!(requests.iter().all(|request| request.items.len() <= 10));
    let last = requests.last().unwrap().at;
    assert!((6 * SECOND..8 * SECOND + SECOND / 2).contains(&last), "{last:?} for 80 items");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_its_content_was_let_in_and_the_pace_recovers() {
    let api = Api::new().on_request(|request| match request.at {
        at if at < SECOND => Reply::Process,
        at if at < 20 * SECOND => Reply::status(429),
        _ => Reply::status(422),
    });
    let prefactor = api.pipeline().build().unwrap();
    let run = begin(&prefactor);
    sleep(SECOND).await;
    for n in 0..60 {
        run.span("agent:step", &json!({ "number": n })).complete(&());
    }
    sleep(19 * SECOND).await;

    // Once a second finds out whether that is over; to tell what is wrong with each of them takes a request for each.
    sleep(30 * SECOND).await;

    assert_eq!(prefactor.ledger().rejected_for(RejectReason::Validation).operations, 120);
    assert_eq!(prefactor.ledger().in_flight().operations, 0);
}
