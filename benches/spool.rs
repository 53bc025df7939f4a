//! What it costs to keep records on disk, for each kind of store that the spool could be made of.
//!
//! `cargo bench --bench spool`: records per second, appended in batches and removed in their order, with the disk asked to
//! keep each batch and without. The decision made of it: `docs/decisions/0010-spool.md`.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use std::collections::VecDeque;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prefactor_spool::{Limits, Spool};
use redb::{Database, Durability, TableDefinition};
use tempfile::TempDir;
use wal_db::Wal;

/// Records of a batch, about as many as a busy pipeline writes at once.
const BATCH: usize = 500;

/// Bytes of a record: a payload of 300 and what goes with it.
const RECORD: [u8; 400] = [7; 400];

/// Batches that wait before the first one is removed.
const WAITING: u64 = 20;

const FILE: u64 = 8 << 20;

/// A store as the spool needs it.
trait Store {
    fn open(directory: &Path) -> Self;
    /// Appends a batch and gives the number of its first record.
    fn append(&mut self, sync: bool) -> u64;
    /// Removes the batch that begins with that record.
    fn remove(&mut self, first: u64);
}

impl Store for Spool {
    fn open(directory: &Path) -> Self {
        let limits = Limits { max_bytes: 1 << 40, segment_bytes: FILE };
        Spool::open(directory, limits).expect("a spool").0
    }

    fn append(&mut self, sync: bool) -> u64 {
        let first = Spool::append(self, &[RECORD; BATCH], 1).expect("room");
        self.skip_unread();
        if sync {
            self.sync().expect("a disk");
        }
        first
    }

    fn remove(&mut self, first: u64) {
        (first..first + BATCH as u64).for_each(|sequence| self.acknowledge(sequence));
    }
}

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// What is removed goes with the next batch into one transaction, as acknowledgements do in the spool.
struct Redb {
    database: Database,
    next: u64,
    removed: Vec<u64>,
}

impl Store for Redb {
    fn open(directory: &Path) -> Self {
        let database = Database::create(directory.join("spool.redb")).expect("a database");
        Self { database, next: 0, removed: Vec::new() }
    }

    fn append(&mut self, sync: bool) -> u64 {
        let mut transaction = self.database.begin_write().expect("a transaction");
        transaction
            .set_durability(if sync { Durability::Immediate } else { Durability::None })
            .expect("it is new");
        {
            let mut table = transaction.open_table(TABLE).expect("a table");
            for first in self.removed.drain(..) {
                for sequence in first..first + BATCH as u64 {
                    black_box(table.remove(sequence).expect("a record"));
                }
            }
            for sequence in self.next..self.next + BATCH as u64 {
                table.insert(sequence, RECORD.as_slice()).expect("room");
            }
        }
        transaction.commit().expect("a disk");
        let first = self.next;
        self.next += BATCH as u64;
        first
    }

    fn remove(&mut self, first: u64) {
        self.removed.push(first);
    }
}

/// A log of segments from a crate. Only what is before a record is removed, and that not before the log is cut.
struct WalDb(Wal<wal_db::SegmentedStore>);

impl Store for WalDb {
    fn open(directory: &Path) -> Self {
        Self(Wal::open_segmented(directory, FILE).expect("a log"))
    }

    fn append(&mut self, sync: bool) -> u64 {
        let first = self.0.append(&RECORD).expect("room");
        for _ in 1..BATCH {
            let _ = self.0.append(&RECORD).expect("room");
        }
        if sync {
            self.0.sync().expect("a disk");
        }
        first.get()
    }

    fn remove(&mut self, first: u64) {
        let _ = self.0.truncate_before(wal_db::Lsn::new(first)).expect("a disk");
    }
}

fn measure<S: Store>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("spool");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    for sync in [true, false] {
        let kind = if sync { "synced" } else { "not synced" };
        group.bench_function(BenchmarkId::new(name, kind), |bencher| {
            let directory = TempDir::new_in(".").expect("a directory");
            let mut store = S::open(directory.path());
            let mut waiting: VecDeque<u64> = (0..WAITING).map(|_| store.append(sync)).collect();
            bencher.iter(|| {
                waiting.push_back(store.append(sync));
                let oldest = waiting.pop_front().expect("some wait");
                store.remove(oldest);
            });
        });
    }
    group.finish();
}

fn stores(c: &mut Criterion) {
    measure::<Spool>(c, "segments");
    measure::<WalDb>(c, "wal-db");
    measure::<Redb>(c, "redb");
}

criterion_group!(benches, stores);
criterion_main!(benches);
