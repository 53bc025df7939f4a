use prefactor::Prefactor;
use prefactor_emulator::{
    DropAfter, DropBefore, Faults, HtmlBody, Latency, RetryAfter, ServerError, TooManyRequests,
};

use crate::support::{PATIENCE, Server, assert_all_delivered, forest};

/// 1,000 runs of 100 spans, made by 8 threads.
const RUNS: usize = 1_000;
const SPANS: usize = 100;
const THREADS: usize = 8;

/// A pipeline with room for all that the callers make before the server has taken it.
fn roomy(server: &Server) -> Prefactor {
    server.pipeline().memory_budget(512 << 20).requests_per_second(None).build().expect("a pipeline")
}

/// Every span of 100,000 arrives exactly once, in its place and in order, while this goes wrong.
fn everything_arrives_once_and_in_order(faults: Faults) {
    let server = Server::start();
    let prefactor = roomy(&server);
    server.set_faults(faults);

    let trees = forest::grow(&prefactor, RUNS, SPANS, THREADS, 7);
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert!(report.complete, "{}", report.ledger);
    assert_all_delivered(&prefactor, &report.ledger);
    assert_eq!(server.span_count(), RUNS * SPANS);
    for tree in &trees {
        tree.assert_arrived(&server);
    }
}

#[test]
fn without_faults() {
    everything_arrives_once_and_in_order(Faults::new());
}

#[test]
fn while_the_rate_is_limited_without_a_word_on_when_to_return() {
    let fault = TooManyRequests::new().probability(0.2);
    everything_arrives_once_and_in_order(Faults::new().seed(1).too_many_requests(fault));
}

#[test]
fn while_the_rate_is_limited_for_a_number_of_seconds() {
    let fault = TooManyRequests::new().probability(0.1).times(2).retry_after(RetryAfter::Seconds(1));
    everything_arrives_once_and_in_order(Faults::new().seed(2).too_many_requests(fault));
}

#[test]
fn while_the_rate_is_limited_until_a_date() {
    let fault = TooManyRequests::new().probability(0.1).times(2).retry_after(RetryAfter::HttpDate(1));
    everything_arrives_once_and_in_order(Faults::new().seed(3).too_many_requests(fault));
}

#[test]
fn while_the_server_has_errors() {
    let fault = ServerError::new().status(503).probability(0.2);
    everything_arrives_once_and_in_order(Faults::new().seed(4).server_error(fault));
}

#[test]
fn while_a_proxy_answers_in_html() {
    let fault = HtmlBody::new().status(200).probability(0.2);
    everything_arrives_once_and_in_order(Faults::new().seed(5).html_body(fault));
}

#[test]
fn while_the_server_is_slow() {
    let fault = Latency::new().min_ms(0).max_ms(20).probability(0.5);
    everything_arrives_once_and_in_order(Faults::new().seed(6).latency(fault));
}

#[test]
fn while_connections_break_before_the_work() {
    let fault = DropBefore::new().probability(0.2);
    everything_arrives_once_and_in_order(Faults::new().seed(7).drop_before(fault));
}

#[test]
fn while_connections_break_after_the_work() {
    let fault = DropAfter::new().probability(0.2);
    everything_arrives_once_and_in_order(Faults::new().seed(8).drop_after(fault));
}

#[test]
fn while_only_small_bodies_are_taken() {
    everything_arrives_once_and_in_order(Faults::new().max_body_bytes(40_000));
}

#[test]
fn while_everything_goes_wrong_at_random() {
    let faults = Faults::new()
        .seed(9)
        .max_body_bytes(100_000)
        .latency(Latency::new().max_ms(5).probability(0.1))
        .drop_before(DropBefore::new().probability(0.05))
        .too_many_requests(TooManyRequests::new().probability(0.05))
        .server_error(ServerError::new().probability(0.05))
        .html_body(HtmlBody::new().probability(0.05))
        .drop_after(DropAfter::new().probability(0.05));
    everything_arrives_once_and_in_order(faults);
}
