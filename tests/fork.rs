//! After a `fork` the child has the handles and none of the threads: it neither sends, nor hangs, nor touches the spool.

#![cfg(unix)]

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use fork::{Fork, fork, waitpid};
use prefactor::{AgentVersion, Prefactor, Report, Spool};
use prefactor_emulator::Emulator;
use serde_json::json;

const SPANS: usize = 2_000;

/// What is bounded at all ends before.
const LIMIT: Duration = Duration::from_secs(30);

/// Longer than anybody may wait: who waits for threads that are not there, waits for ever.
const FOREVER: Duration = Duration::from_secs(3_600);

/// Runs this in a child, and gives what it returns; panics where it panics or hangs.
fn in_a_child(work: impl FnOnce() -> String) -> String {
    let (mut told, mut tell) = io::pipe().expect("a pipe");
    match fork().expect("a child") {
        Fork::Child => {
            let done = catch_unwind(AssertUnwindSafe(work));
            let _ = tell.write_all(done.as_deref().unwrap_or("it panicked").as_bytes());
            std::process::exit(0);
        }
        Fork::Parent(child) => {
            drop(tell);
            let (send, told_in_time) = mpsc::channel();
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = told.read_to_string(&mut text);
                let _ = send.send(text);
            });
            let text = told_in_time.recv_timeout(LIMIT);
            if text.is_err() {
                let _ = std::process::Command::new("kill").args(["-9", &child.to_string()]).status();
            }
            waitpid(child).expect("its end");
            text.expect("the child hangs")
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn version() -> AgentVersion {
    AgentVersion::new("fork", "v1")
}

fn assert_truthful(report: &Report) {
    let ledger = &report.ledger;
    let known = ledger.delivered + ledger.rejected_total() + ledger.lost_total() + ledger.in_flight();
    assert_eq!(ledger.accepted, known + ledger.spooled);
    assert!(!report.complete, "nobody delivers here: {report:?}");
    assert!(ledger.in_flight().operations > 0, "{report:?}");
}

#[test]
fn a_child_neither_sends_nor_hangs_and_its_parent_goes_on() {
    let runtime = runtime();
    let emulator = runtime.block_on(Emulator::start()).expect("an emulator");
    let spool = tempfile::tempdir().expect("a directory");
    let builder = || {
        Prefactor::builder()
            .api_url(emulator.url().parse().expect("a url"))
            .api_token(emulator.token().parse().expect("a token"))
    };
    let prefactor =
        builder().spool(Spool::write_ahead(spool.path())).memory_budget(8 << 20).build().expect("a pipeline");
    let run = prefactor.instance(version()).start();
    // The timers of the parent are at work, and are missing in the child as well.
    assert!(runtime.block_on(prefactor.flush(LIMIT)).complete);

    let open = run.root_span("parent", &json!({}));
    for number in 0..SPANS {
        run.root_span("parent", &number).complete(&json!({}));
    }
    // Most of it is on its way.
    let said = in_a_child(|| {
        open.complete(&"child");
        // More than there is room for.
        let payload = "x".repeat(5_000);
        for _ in 0..SPANS {
            run.root_span("child", &payload).complete(&json!({}));
        }
        let mut another = prefactor.instance(version()).start();
        another.root_span("child", &json!({})).complete(&json!({}));
        let here = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        here.block_on(prefactor.wait_for_room());
        assert_truthful(&prefactor.flush_blocking(FOREVER));
        assert_truthful(&here.block_on(prefactor.flush(FOREVER)));
        assert_truthful(&here.block_on(another.flush(FOREVER)));
        another = prefactor.instance(version()).start();
        another.finish();
        assert_truthful(&here.block_on(prefactor.shutdown(FOREVER)));
        drop(prefactor.shutdown_on_drop(FOREVER));
        let report = prefactor.shutdown_blocking(FOREVER);
        assert_truthful(&report);
        assert!(report.ledger.lost_total().operations > 0, "{report:?}");
        // The child's own, as it should be done.
        let own = builder().build().expect("a pipeline");
        let run = own.instance(version()).start();
        run.root_span("own", &json!({})).complete(&json!({}));
        run.finish();
        assert!(own.shutdown_blocking(LIMIT).complete);
        "all well".to_owned()
    });
    open.complete(&"parent");
    run.finish();
    let report = prefactor.flush_blocking(LIMIT);
    // Once more, when all is quiet and the actors sleep: here the handles are dropped as well.
    let last = in_a_child(|| {
        let run = prefactor.instance(version()).start();
        run.root_span("child", &json!({})).complete(&json!({}));
        drop((run, prefactor.clone()));
        "all well".to_owned()
    });

    assert_eq!((said.as_str(), last.as_str()), ("all well", "all well"));
    assert!(report.complete && report.ledger.delivered == report.ledger.accepted, "{report:?}");
    let runs = emulator.instances();
    assert_eq!(runs.len(), 2, "{runs:?}");
    let spans = runs.iter().flat_map(|run| emulator.spans(run.id));
    let (mut of_parent, mut own) = (0, 0);
    for span in spans {
        match span.schema_name.as_str() {
            "parent" => of_parent += 1,
            "own" => own += 1,
            other => panic!("{other} was sent"),
        }
        assert_ne!(span.result_payload, Some(json!("child")));
    }
    assert_eq!((of_parent, own), (SPANS + 1, 1));
    assert_eq!(emulator.replay_count(), 0, "nothing was sent twice");
    let left = prefactor.shutdown_blocking(LIMIT);
    assert!(left.complete, "{left:?}");
    // All that the spool ever had was delivered, and none of that is the child's.
    assert_eq!(prefactor.spool_use().records, 0);
}
