use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use prefactor::spool::{SpoolError, status};
use prefactor::{
    AgentVersion, BuildError, Builder, Ledger, LossReason, Prefactor, Report, Spool, SyncPolicy,
};
use prefactor_emulator::{DropAfter, Faults};
use serde_json::json;
use tempfile::TempDir;

use crate::support::forest::grow;
use crate::support::{PATIENCE, Server, assert_all_delivered};

/// Long enough to write everything down on a busy machine; the server does not answer anyway.
const SHORT: Duration = Duration::from_secs(3);

const MODES: [fn(&Path) -> Spool; 2] = [|path| Spool::overflow(path), |path| Spool::write_ahead(path)];

fn with_partition(server: &Server) -> Builder {
    server.pipeline().partition(server.agent_id().partition())
}

/// Everything is somewhere, and nothing is lost.
#[track_caller]
fn assert_spooled(prefactor: &Prefactor, ledger: &Ledger) {
    assert_eq!(ledger.accepted, ledger.delivered + ledger.spooled, "{ledger}");
    assert_eq!(prefactor.memory_in_use(), 0);
}

fn spool_files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "spool")).count()
}

/// Delivers what is in the directory, with a pipeline of its own.
fn deliver(server: &Server, spool: Spool) -> (Prefactor, Report) {
    // On a slow disk the one before may still be at it.
    let begun = Instant::now();
    let prefactor = loop {
        match with_partition(server).spool(spool.clone()).build() {
            Err(BuildError::Spool(SpoolError::InUse { .. })) if begun.elapsed() < PATIENCE => {
                std::thread::yield_now();
            }
            built => break built.expect("a pipeline"),
        }
    };
    let report = prefactor.shutdown_blocking(PATIENCE);
    (prefactor, report)
}

#[test]
fn what_a_shutdown_could_not_deliver_arrives_with_the_next_pipeline() {
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let first = with_partition(&server).spool(mode(folder.path())).build().expect("a pipeline");
        let trees = grow(&first, 6, 40, 2, 1);
        let report = first.shutdown_blocking(SHORT);
        assert!(!report.complete);
        assert_eq!(report.ledger.spooled, report.ledger.accepted, "{}", report.ledger);
        assert_spooled(&first, &report.ledger);
        assert!(report.ledger.to_string().contains("spooled="));
        server.set_faults(Faults::new());

        let (second, report) = deliver(&server, mode(folder.path()));

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&second, &report.ledger);
        trees.iter().for_each(|tree| tree.assert_arrived(&server));
        assert_eq!(spool_files(folder.path()), 0);
    }
}

#[test]
fn what_was_begun_at_the_server_is_finished_by_the_next_pipeline() {
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        let first = with_partition(&server).spool(mode(folder.path())).build().expect("a pipeline");
        let run = first.instance(AgentVersion::new("agent", "v1")).start();
        let completed = run.root_span("step", &json!({ "number": 0 }));
        let left_open = run.root_span("step", &json!({ "number": 1 }));
        assert!(first.flush_blocking(PATIENCE).complete);
        server.set_faults(Faults::new().black_hole());
        completed.complete(&json!({ "done": true }));
        run.finish();
        let Report { ledger, .. } = first.shutdown_blocking(SHORT);
        drop(left_open);
        assert_eq!(ledger.spooled.operations, 3, "two spans and the run: {ledger}");
        server.set_faults(Faults::new());

        let (second, report) = deliver(&server, mode(folder.path()));

        assert_eq!(report.ledger.accepted.operations, 3);
        assert_all_delivered(&second, &report.ledger);
        let spans = server.spans(run.id().expect("an id"));
        assert!(spans.iter().all(|span| span.finished_sequence.is_some()), "{spans:?}");
        assert_eq!(spans[0].result_payload, Some(json!({ "done": true })));
        assert!(server.instances().iter().all(|run| run.finished_at.is_some()));
    }
}

#[test]
fn a_run_without_an_id_gets_one_from_the_next_pipeline() {
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let first = server.pipeline().spool(mode(folder.path())).build().expect("a pipeline");
        grow(&first, 4, 10, 2, 2);
        let report = first.shutdown_blocking(SHORT);
        assert_eq!(report.ledger.spooled, report.ledger.accepted, "{}", report.ledger);
        server.set_faults(Faults::new());

        let second = server.pipeline().spool(mode(folder.path())).build().expect("a pipeline");
        let report = second.shutdown_blocking(PATIENCE);

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&second, &report.ledger);
        assert_eq!((server.instances().len(), server.span_count()), (4, 40));
    }
}

#[test]
fn what_had_landed_unseen_is_not_doubled_and_not_left_open() {
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        // Everything is processed, and nobody hears of it.
        server.set_faults(Faults::new().drop_after(DropAfter::new()));
        let first = with_partition(&server).spool(mode(folder.path())).build().expect("a pipeline");
        let trees = grow(&first, 6, 40, 2, 3);
        let report = first.shutdown_blocking(SHORT);
        assert_spooled(&first, &report.ledger);
        assert!(server.span_count() > 0, "something has landed");
        server.set_faults(Faults::new());

        let (second, report) = deliver(&server, mode(folder.path()));

        assert_all_delivered(&second, &report.ledger);
        trees.iter().for_each(|tree| tree.assert_arrived(&server));
    }
}

#[test]
fn an_outage_that_is_longer_than_memory_is_large_loses_nothing() {
    const SPANS: usize = 6_000;
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let budget = 2 << 20;
        let prefactor = with_partition(&server)
            .request_timeout(Duration::from_millis(200))
            .memory_budget(budget)
            .spool(mode(folder.path()))
            .build()
            .expect("a pipeline");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let runs: Vec<_> =
            (0..5).map(|_| prefactor.instance(AgentVersion::new("agent", "v1")).start()).collect();
        for (number, run) in (0..SPANS).zip(runs.iter().cycle()) {
            runtime.block_on(prefactor.wait_for_room());
            let span = run.root_span("step", &json!({ "number": number, "text": "x".repeat(500) }));
            span.complete(&json!({ "of": number }));
            assert!(prefactor.memory_in_use() <= budget);
        }
        runs.iter().for_each(|run| run.finish());
        let ledger = prefactor.ledger();
        assert!(ledger.accepted.bytes > budget, "more than fits");
        assert_eq!(ledger.in_flight(), ledger.accepted, "{ledger}");
        assert!(prefactor.spool_use().bytes > 0);
        server.set_faults(Faults::new());

        let report = prefactor.shutdown_blocking(PATIENCE);

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&prefactor, &report.ledger);
        for run in runs {
            let spans = server.spans(run.id().expect("an id"));
            assert_eq!(spans.len(), SPANS / 5);
            assert!(spans.iter().all(|span| span.result_payload.is_some()));
        }
        assert_eq!(spool_files(folder.path()), 0);
    }
}

#[test]
fn a_full_disk_is_emptied_again_whatever_waits_in_front_of_it() {
    const SPANS: u64 = 6_000;
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let prefactor = with_partition(&server)
            .request_timeout(Duration::from_millis(200))
            .memory_budget(2 << 20)
            .spool(mode(folder.path()).max_bytes(400 << 10))
            .build()
            .expect("a pipeline");
        let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                for number in 0..SPANS {
                    runtime.block_on(prefactor.wait_for_room());
                    run.root_span("step", &json!({ "number": number, "text": "x".repeat(500) }))
                        .complete(&());
                }
            });
            let begun = Instant::now();
            // Nothing more is made since there is no room, neither on disk nor in memory.
            let mut accepted = prefactor.ledger().accepted;
            loop {
                std::thread::sleep(Duration::from_millis(300));
                let now = prefactor.ledger().accepted;
                if accepted == now && prefactor.spool_use().bytes > 200 << 10 {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE);
                accepted = now;
            }
            server.set_faults(Faults::new());
        });
        run.finish();
        let report = prefactor.shutdown_blocking(PATIENCE);

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&prefactor, &report.ledger);
        assert_eq!(server.span_count() as u64, SPANS);
    }
}

#[test]
fn what_waits_on_disk_when_the_pipeline_ends_comes_after_what_was_in_memory() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let spool = || Spool::overflow(folder.path());
    let first = with_partition(&server).memory_budget(512 << 10).spool(spool()).build().expect("a pipeline");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let run = first.instance(AgentVersion::new("agent", "v1")).start();
    let root = run.root_span("root", &json!({}));
    for number in 0..1_000 {
        runtime.block_on(first.wait_for_room());
        root.child("step", &json!({ "number": number, "text": "x".repeat(500) })).complete(&());
    }
    root.complete(&json!({ "done": true }));
    run.finish();
    let report = first.shutdown_blocking(SHORT);
    assert_spooled(&first, &report.ledger);
    server.set_faults(Faults::new());

    let (second, report) = deliver(&server, spool());

    assert_all_delivered(&second, &report.ledger);
    let spans = server.spans(run.id().expect("an id"));
    assert_eq!(spans.len(), 1_001);
    assert!(spans.iter().all(|span| span.finished_sequence.is_some()));
    let children =
        spans.iter().filter(|span| span.parent_span_id.is_some()).map(|span| &span.payload["number"]);
    assert!(children.eq(&(0..1_000).map(serde_json::Value::from).collect::<Vec<_>>()), "in their order");
}

#[test]
fn of_more_than_fits_a_shutdown_writes_what_fits_and_names_the_rest() {
    for mode in MODES {
        let folder = TempDir::new().expect("a folder");
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let spool = || mode(folder.path()).max_bytes(100 << 10);
        let first = with_partition(&server).spool(spool()).build().expect("a pipeline");
        let run = first.instance(AgentVersion::new("agent", "v1")).start();
        for number in 0..400 {
            run.root_span("step", &json!({ "number": number, "text": "x".repeat(500) })).complete(&());
        }
        let Report { ledger, .. } = first.shutdown_blocking(SHORT);
        let refused = ledger.lost_for(LossReason::NotSpooled);
        assert_eq!(ledger.accepted, ledger.spooled + refused, "{ledger}");
        assert!(ledger.spooled.operations > 100 && refused.operations > 100, "{ledger}");
        let left = status(folder.path()).expect("a spool");
        assert!(left.bytes <= 100 << 10, "{left:?}");
        server.set_faults(Faults::new());

        let (second, report) = deliver(&server, spool());

        assert_eq!(report.ledger.accepted.operations, ledger.spooled.operations);
        assert_all_delivered(&second, &report.ledger);
        let spans = server.spans(run.id().expect("an id"));
        assert!(spans.iter().map(|span| span.payload["number"].as_u64()).is_sorted(), "in their order");
    }
}

#[test]
fn what_is_too_old_is_lost_under_its_name() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let first = with_partition(&server).spool(Spool::overflow(folder.path())).build().expect("a pipeline");
    grow(&first, 2, 5, 1, 4);
    let spooled = first.shutdown_blocking(SHORT).ledger.spooled;
    server.set_faults(Faults::new());
    std::thread::sleep(Duration::from_millis(5));

    let (second, report) = deliver(&server, Spool::overflow(folder.path()).max_age(Duration::from_millis(1)));

    assert_eq!(
        report.ledger.lost_for(LossReason::Expired).operations,
        spooled.operations,
        "{}",
        report.ledger
    );
    assert_eq!(report.ledger.accepted, report.ledger.lost_total());
    assert_eq!((server.span_count(), spool_files(folder.path())), (0, 0));
    assert_eq!(second.memory_in_use(), 0);
}

#[test]
fn a_directory_serves_one_pipeline_at_a_time() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start();
    let build = || with_partition(&server).spool(Spool::write_ahead(folder.path())).build();
    let first = build().expect("a pipeline");

    let refused = build().expect_err("it is in use");

    assert!(matches!(refused, BuildError::Spool(SpoolError::InUse { .. })), "{refused}");
    assert!(status(folder.path()).expect("a spool").in_use);
    first.shutdown_blocking(PATIENCE);
    build().expect("free again");
}

#[test]
fn a_disk_that_takes_nothing_harms_nobody() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start();
    // No room for a single record.
    let spool = Spool::write_ahead(folder.path().join("full")).max_bytes(50);
    let full = with_partition(&server).spool(spool).build().expect("a pipeline");
    let gone = folder.path().join("gone");
    let spool = Spool::write_ahead(&gone).sync(SyncPolicy::Every(Duration::from_millis(20)));
    let without_a_directory = with_partition(&server).spool(spool).build().expect("a pipeline");
    fs::remove_dir_all(&gone).expect("it goes");

    for prefactor in [full, without_a_directory] {
        let trees = grow(&prefactor, 4, 20, 2, 5);
        let report = prefactor.shutdown_blocking(PATIENCE);

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&prefactor, &report.ledger);
        trees.iter().for_each(|tree| tree.assert_arrived(&server));
    }
}

#[test]
fn damaged_files_cost_what_was_in_them_and_nothing_else() {
    let folder = TempDir::new().expect("a folder");
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let first = with_partition(&server).spool(Spool::write_ahead(folder.path())).build().expect("a pipeline");
    for _ in 0..3 {
        let run = first.instance(AgentVersion::new("agent", "v1")).start();
        run.span("step", &json!({ "name": "find me" })).complete(&());
        run.finish();
    }
    first.shutdown_blocking(SHORT);
    server.set_faults(Faults::new());
    for entry in fs::read_dir(folder.path()).expect("a directory") {
        let path = entry.expect("an entry").path();
        let mut bytes = fs::read(&path).expect("a file");
        if let Some(last) = bytes.windows(7).rposition(|seven| seven == b"find me") {
            bytes[last] = b'F';
            fs::write(&path, bytes).expect("a file");
        }
    }
    fs::write(folder.path().join("00000000000000000001.spool"), "nothing of ours").expect("a file");

    let (second, report) = deliver(&server, Spool::write_ahead(folder.path()));

    assert!(report.complete, "{}", report.ledger);
    assert_all_delivered(&second, &report.ledger);
    assert_eq!(server.span_count(), 2);
    assert_eq!(status(folder.path()).expect("a spool").damaged.len(), 2);
    let (_, report) = deliver(&server, Spool::write_ahead(folder.path()));
    assert_eq!(report.ledger, Ledger::default());
}
