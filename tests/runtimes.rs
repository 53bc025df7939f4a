use prefactor::{AgentVersion, Instance, Prefactor};
use prefactor_emulator::InstanceStatus;
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered};

fn work(prefactor: &Prefactor) -> Instance {
    let run = prefactor.instance(AgentVersion::new("worker", "v1")).start();
    let outer = run.span("step", &json!({ "n": 1 }));
    outer.child("step", &json!({ "n": 2 })).complete(&json!({ "ok": true }));
    outer.complete(&());
    run.finish();
    run
}

fn assert_arrived(server: &Server, run: &Instance) {
    let id = run.id().expect("a registered run");
    assert_eq!(server.instance(id).expect("the run").status, InstanceStatus::Complete);
    assert_eq!(server.spans(id).len(), 2);
}

#[test]
fn outside_of_any_runtime() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");

    let run = work(&prefactor);
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    assert_arrived(&server, &run);
}

#[tokio::test(flavor = "current_thread")]
async fn inside_a_current_thread_runtime() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let prefactor = server.pipeline().build().expect("a pipeline");

    let run = work(&prefactor);
    let report = prefactor.shutdown(PATIENCE).await;

    assert_all_delivered(&prefactor, &report.ledger);
    assert_arrived(&server, &run);
    drop_outside(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_multi_thread_runtime() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let prefactor = server.pipeline().build().expect("a pipeline");

    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let prefactor = prefactor.clone();
            tokio::spawn(async move { work(&prefactor) })
        })
        .collect();
    let mut runs = Vec::new();
    for task in tasks {
        runs.push(task.await.expect("a worker"));
    }
    let report = prefactor.shutdown(PATIENCE).await;

    assert_all_delivered(&prefactor, &report.ledger);
    runs.iter().for_each(|run| assert_arrived(&server, run));
    drop_outside(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_callers_own_runtime() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let runtime = tokio::runtime::Handle::current();
    let prefactor = server.pipeline().runtime(runtime).build().expect("a pipeline");

    let run = work(&prefactor);
    let report = prefactor.shutdown(PATIENCE).await;

    assert_all_delivered(&prefactor, &report.ledger);
    assert_arrived(&server, &run);
    drop_outside(server).await;
}

#[test]
fn a_handle_outlives_the_runtime_it_was_made_in() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (prefactor, run) = runtime.block_on(async {
        let prefactor = server.pipeline().build().expect("a pipeline");
        let run = prefactor.instance(AgentVersion::new("worker", "v1")).start();
        (prefactor, run)
    });
    drop(runtime);

    run.span("step", &json!({})).complete(&());
    run.root_span("step", &json!({})).complete(&());
    run.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    assert_arrived(&server, &run);
}

#[test]
fn a_pipeline_on_a_runtime_that_goes_away_counts_what_is_left() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // Nobody drives the runtime: what is accepted stays where it is.
    let prefactor = server.pipeline().runtime(runtime.handle().clone()).build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("worker", "v1")).start();
    drop(runtime);

    run.span("step", &json!({})).complete(&());
    run.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert!(!report.complete);
    crate::support::assert_settled(&prefactor, &report.ledger);
    assert_eq!(report.ledger.lost_total(), report.ledger.accepted);
}

/// A server ends its own runtime, which must not happen inside another one.
async fn drop_outside(server: Server) {
    tokio::task::spawn_blocking(move || drop(server)).await.expect("a stopped server");
}
