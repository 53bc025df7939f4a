use std::time::Duration;

use prefactor::AgentVersion;
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_settled};

#[test]
fn a_run_that_an_operator_ends_hears_it_with_its_next_span() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let start = || prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let (run, other) = (start(), start());
    assert!(prefactor.flush_blocking(PATIENCE).complete);
    let (terminated, others) = (run.terminated(), other.terminated());

    server.terminate(run.id().expect("an id"), "too expensive").expect("a run");
    let mut steps = 0;
    // An agent that is not async: it looks between two steps.
    while !terminated.is_terminated() && steps < 10_000 {
        run.span("step", &json!({ "n": steps })).complete(&());
        other.span("step", &json!({ "n": steps })).complete(&());
        steps += 1;
        run.flush_blocking(Duration::from_millis(10));
    }
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_eq!(terminated.reason(), Some("too expensive"), "after {steps} steps");
    assert!(!others.is_terminated());
    assert_settled(&prefactor, &report.ledger);
}
