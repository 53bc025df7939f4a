//! On a file system of its own, in memory: that takes the right to mount one, and a test that has it not says so.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use prefactor::spool::{SpoolError, status};
use prefactor::{AgentVersion, BuildError, Spool};
use prefactor_emulator::Faults;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{PATIENCE, Server, assert_all_delivered};

/// A disk of one megabyte, which goes away with it.
struct SmallDisk(TempDir);

impl SmallDisk {
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    fn mount() -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "prefactor-test"])
            .arg(folder.path())
            .output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            println!("skipped: no file system can be mounted here");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(status.expect("mount runs").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a pipeline may still have its files open.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_disk_that_is_full_loses_nothing_that_has_room_in_memory() {
    const SPANS: usize = 4_000;
    for mode in [|path: &Path| Spool::overflow(path), |path: &Path| Spool::write_ahead(path)] {
        let Some(disk) = SmallDisk::mount() else { return };
        let server = Server::start();
        server.set_faults(Faults::new().black_hole());
        let prefactor = server
            .pipeline()
            .partition(server.agent_id().partition())
            .request_timeout(Duration::from_secs(2))
            .memory_budget(8 << 20)
            .spool(mode(disk.path()))
            .build()
            .expect("a pipeline");

        let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
        for number in 0..SPANS {
            // Somebody else fills what is left of the disk, until the last byte.
            if number == SPANS / 2 {
                let zeros = vec![0; 2 << 20];
                let error = fs::write(disk.path().join("of-somebody-else"), zeros).expect_err("it is full");
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            }
            run.root_span("step", &json!({ "number": number, "text": "x".repeat(500) })).complete(&());
        }
        run.finish();
        assert!(!prefactor.flush_blocking(Duration::from_millis(300)).complete);
        server.set_faults(Faults::new());
        let report = prefactor.shutdown_blocking(PATIENCE);

        assert!(report.complete, "{}", report.ledger);
        assert_all_delivered(&prefactor, &report.ledger);
        assert_eq!(server.span_count(), SPANS);
    }
}

#[test]
fn a_disk_that_can_only_be_read_is_named_and_what_is_on_it_stays() {
    let Some(disk) = SmallDisk::mount() else { return };
    let server = Server::start();
    server.set_faults(Faults::new().black_hole());
    let spooled = || {
        let pipeline = server.pipeline().partition(server.agent_id().partition());
        pipeline.spool(Spool::write_ahead(disk.path())).build()
    };
    let first = spooled().expect("a pipeline");
    first.instance(AgentVersion::new("agent", "v1")).start().root_span("step", &()).complete(&());
    let ledger = first.shutdown_blocking(Duration::from_secs(3)).ledger;
    assert_eq!(ledger.spooled, ledger.accepted, "{ledger}");
    let left = status(disk.path()).expect("it can be read");

    disk.make_read_only();
    let error = spooled().expect_err("it can't be locked");
    let seen = status(disk.path()).expect("it can be read");

    assert!(matches!(&error, BuildError::Spool(SpoolError::Io { .. })), "{error:?}");
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    assert!(told.contains(&disk.path().display().to_string()) && told.contains("Read-only"), "{told}");
    assert!(left.records > 0);
    assert_eq!(seen.records, left.records);
}
