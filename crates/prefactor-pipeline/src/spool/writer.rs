//! The thread that owns the log: writes what it is handed, gives it back or leaves it on disk, reads it again when there is
//! room. The disk may be as slow as it likes here; nobody else waits for it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use prefactor_pfid::Stem;
use prefactor_spool::{Limits, Locked, Record, Spool as Log};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::runs::Runs;
use super::stage::{Leftovers, Order, SpoolUse, Stage};
use super::{Claim, Spool, SpoolError, SyncPolicy, record};
use crate::clock::Timestamp;
use crate::intake::IntakeInput;
use crate::ledger::{Fate, LossReason};
use crate::log::LogLevel;
use crate::observer::Spooled;
use crate::operation::{Action, Operation};
use crate::pipeline::Pipeline;
use crate::random_key::RandomKeyed;

/// How often the writer looks whether there is room to read something back, and what was settled.
const TICK: Duration = Duration::from_millis(20);

/// After so many ticks without anything to do, files without a record that waits are removed.
const QUIET: u32 = 50;

/// Operations that are written at once.
const BATCH: usize = 4_096;

/// Orders that are taken at once.
const ORDERS: usize = 64;

/// Bytes after which another file is begun. A spool has room for several.
const SEGMENT: u64 = 8 << 20;

/// A spool that is this process's alone.
#[derive(Debug)]
pub(crate) struct Opened {
    config: Spool,
    log: Locked,
}

impl Opened {
    /// # Errors
    /// [`SpoolError`]
    pub(crate) fn new(config: Spool) -> Result<Self, SpoolError> {
        let log = Log::lock(&config.directory)?;
        Ok(Self { config, log })
    }

    /// The part for the pipeline, and the part for the thread. `budget`: bytes that operations may hold in memory.
    pub(crate) fn split(self, budget: u64) -> (Stage, Unstarted) {
        let (stage, orders) = Stage::new(self.config.mode, budget);
        (stage, Unstarted { opened: self, orders })
    }
}

#[derive(Debug)]
pub(crate) struct Unstarted {
    opened: Opened,
    orders: Receiver<Order>,
}

impl Unstarted {
    /// Starts the thread; it ends with [`Stage::end`]. A test may have it run as a task.
    pub(crate) fn start(self, pipeline: Arc<Pipeline>, on: Option<&Handle>) -> io::Result<()> {
        if let Some(runtime) = on {
            runtime.spawn(async move {
                if let Ok(writer) = self.open(pipeline) {
                    writer.run_as_task().await;
                }
            });
            return Ok(());
        }
        let run = move || match self.open(Arc::clone(&pipeline)) {
            Ok(writer) => writer.run(),
            Err(orders) => without_a_log(&pipeline, &orders),
        };
        thread::Builder::new().name("prefactor-spool".to_owned()).spawn(run)?;
        Ok(())
    }

    /// Reads what the directory holds. Where it can't, the orders are for somebody else.
    fn open(self, pipeline: Arc<Pipeline>) -> Result<Writer, Receiver<Order>> {
        let Self { opened: Opened { config, log }, orders } = self;
        let limits =
            Limits { max_bytes: config.max_bytes, segment_bytes: SEGMENT.min(config.max_bytes / 8).max(1) };
        match log.recover(limits) {
            Ok((log, recovered)) => {
                for message in &recovered.messages {
                    if pipeline.logs(LogLevel::Error) {
                        tracing::error!("{message}");
                    }
                }
                let mut runs = Runs::new(Arc::clone(&pipeline));
                runs.learn(&recovered.notes);
                Ok(Writer::new(pipeline, config, log, runs, orders))
            }
            Err(error) => {
                if pipeline.logs(LogLevel::Error) {
                    tracing::error!(%error, "telemetry goes on without its spool");
                }
                Err(orders)
            }
        }
    }
}

/// The directory can be had, but not read: operations go on in memory.
fn without_a_log(pipeline: &Arc<Pipeline>, orders: &Receiver<Order>) {
    let Some(stage) = pipeline.spool() else { return };
    stage.found(0);
    stage.resumed();
    while let Ok(order) = orders.recv() {
        match order {
            Order::Take(operations) => pipeline.submit(IntakeInput::Spooled(operations)),
            Order::Named { .. } => {}
            Order::End { left, done } => {
                drop(left);
                return done();
            }
        }
    }
}

struct Writer {
    pipeline: Arc<Pipeline>,
    config: Spool,
    log: Log,
    runs: Runs,
    orders: Receiver<Order>,
    /// The first record of this process; what is before it was left by others.
    own_from: Option<u64>,
    /// What the disk has not taken yet, and must not be overtaken.
    unwritten: VecDeque<Operation>,
    /// Bytes of memory that these hold.
    unwritten_bytes: u64,
    /// Spans that are written, to be told of when the disk keeps them.
    untold: Vec<Spooled>,
    unsynced_since: Option<Instant>,
    failing: bool,
    quiet: u32,
}

impl Writer {
    fn new(pipeline: Arc<Pipeline>, config: Spool, log: Log, runs: Runs, orders: Receiver<Order>) -> Self {
        Self {
            pipeline,
            config,
            log,
            runs,
            orders,
            own_from: None,
            unwritten: VecDeque::new(),
            unwritten_bytes: 0,
            untold: Vec::new(),
            unsynced_since: None,
            failing: false,
            quiet: 0,
        }
    }

    fn run(mut self) {
        self.begin();
        loop {
            self.read_back();
            self.measure();
            match self.wait() {
                Ok(order) => {
                    if let Some(done) = self.turn(Some(order)) {
                        drop(self);
                        return done();
                    }
                }
                Err(RecvTimeoutError::Timeout) => drop(self.turn(None)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The same as a task, for tests under paused time: then the disk is part of what a seed repeats.
    async fn run_as_task(mut self) {
        self.begin();
        loop {
            self.read_back();
            self.measure();
            let order = match self.orders.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Empty) => {
                    tokio::time::sleep(TICK * self.quiet.clamp(1, QUIET)).await;
                    self.orders.try_recv().ok()
                }
                Err(TryRecvError::Disconnected) => return,
            };
            if let Some(done) = self.turn(order) {
                drop(self);
                return done();
            }
        }
    }

    fn begin(&mut self) {
        if let Some(stage) = self.pipeline.spool() {
            stage.found(self.log.unread());
        }
    }

    /// Follows an order, and those that have come meanwhile. At the end it returns whom to tell, once the log is closed.
    fn turn(&mut self, mut next: Option<Order>) -> Option<Box<dyn FnOnce() + Send>> {
        self.quiet = if next.is_some() { 0 } else { self.quiet.saturating_add(1) };
        let mut taken = 0;
        while let Some(order) = next {
            match order {
                Order::Take(operations) => {
                    self.unwritten_bytes += bytes_of(&operations);
                    self.unwritten.extend(operations);
                }
                Order::Named { thing, id, mut claim } => {
                    // What is not written yet tells the id itself.
                    self.note_if_needed(&record::encode_id(thing, id));
                    claim.take().for_each(|sequence| self.log.acknowledge(sequence));
                }
                Order::End { left, done } => {
                    self.end(left);
                    return Some(done);
                }
            }
            taken += 1;
            next = if taken < ORDERS { self.orders.try_recv().ok() } else { None };
        }
        self.write();
        self.tidy();
        None
    }

    /// Waits for an order, but no longer than until there is something to do.
    fn wait(&self) -> Result<Order, RecvTimeoutError> {
        let idle = self.log.bytes() == 0 && self.unwritten.is_empty();
        if idle {
            self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            self.orders.recv_timeout(TICK)
        }
    }

    /// Writes what was handed over, in order, and gives it back or leaves it on disk.
    fn write(&mut self) {
        self.acknowledge();
        while !self.unwritten.is_empty() {
            let count = self.next_batch();
            let mut batch: Vec<Operation> = self.unwritten.drain(..count).collect();
            let bytes = bytes_of(&batch);
            self.unwritten_bytes -= bytes;
            for operation in &batch {
                if let Action::Register { .. } = operation.action {
                    // So that the record tells the id, where one can be chosen.
                    operation.run().choose_id();
                }
            }
            let records: Vec<Vec<u8>> = batch.iter().map(record::encode).collect();
            let older = self.log.unread();
            match self.log.append(&records, Timestamp::now().as_millis()) {
                Ok(first) => {
                    self.works();
                    self.own_from.get_or_insert(first);
                    self.written(&batch);
                    if older == 0 && self.has_room() {
                        for (sequence, operation) in (first..).zip(&mut batch) {
                            operation.ticket.claim = Claim::of(sequence);
                        }
                        self.log.skip_unread();
                        self.pipeline.submit(IntakeInput::Spooled(batch));
                    } else {
                        batch.into_iter().for_each(|operation| self.runs.set_down(operation));
                    }
                }
                Err(error) => {
                    self.fails(&error);
                    if older == 0 {
                        // Nothing waits on disk that could be overtaken.
                        self.pipeline.submit(IntakeInput::Spooled(batch));
                    } else {
                        self.unwritten_bytes += bytes;
                        batch.into_iter().rev().for_each(|operation| self.unwritten.push_front(operation));
                        if self.unsynced_since.is_some() {
                            // What was settled meanwhile may make room.
                            self.sync();
                        }
                        break;
                    }
                }
            }
        }
    }

    /// How many operations are written at once. All are or none is, so they must not be a large part of what fits.
    fn next_batch(&self) -> usize {
        let mut bytes = 0;
        let fits = |operation: &&Operation| {
            bytes += operation.ticket.tally().bytes;
            bytes <= self.config.max_bytes / 16
        };
        self.unwritten.iter().take(BATCH).take_while(fits).count().max(1)
    }

    /// Does what the sync policy says after a batch was written.
    fn written(&mut self, batch: &[Operation]) {
        if self.pipeline.tells_spooled() {
            let told = batch.iter().filter_map(|operation| {
                let (span, finished) = match &operation.action {
                    Action::CreateSpan(create) => (create.id, false),
                    Action::FinishSpan { id, .. } => (*id, true),
                    _ => return None,
                };
                Some(Spooled { span, instance: operation.run().id(), finished })
            });
            self.untold.extend(told);
        }
        self.unsynced_since.get_or_insert_with(Instant::now);
        if self.config.sync == SyncPolicy::EveryBatch {
            self.sync();
        }
    }

    fn sync(&mut self) {
        self.unsynced_since = None;
        match self.log.sync() {
            Ok(()) => {
                for spooled in self.untold.drain(..) {
                    self.pipeline.spooled(spooled);
                }
            }
            Err(error) => {
                // Written, but perhaps not kept: nobody is told that it is.
                self.untold.clear();
                self.fails(&error);
            }
        }
    }

    /// Writes a note, unless there is no record that could need it.
    fn note_if_needed(&mut self, note: &[u8]) {
        if self.log.pending() == 0 {
            return;
        }
        match self.log.note(note, Timestamp::now().as_millis()) {
            Ok(()) => {
                self.unsynced_since.get_or_insert_with(Instant::now);
            }
            Err(error) => self.fails(&error),
        }
    }

    /// Reads back what waits on disk, as far as there is room, and what is too old in any case.
    fn read_back(&mut self) {
        let pipeline = Arc::clone(&self.pipeline);
        let Some(stage) = pipeline.spool() else { return };
        while self.log.unread() > 0 {
            let too_old = Timestamp::now().as_millis().saturating_sub(self.config.max_age.as_millis() as u64);
            if !stage.has_ample_room(pipeline.admission(), self.unwritten_bytes)
                && self.log.next_at().is_none_or(|at| at >= too_old)
            {
                return;
            }
            let before = self.log.unread();
            let records = match self.log.read(stage.helping()) {
                Ok(records) => records,
                Err(error) => return self.fails(&error),
            };
            let unreadable = before - self.log.unread() - records.len() as u64;
            let operations: Vec<_> =
                records.into_iter().filter_map(|record| self.operation(stage, record, too_old)).collect();
            stage.came_back(unreadable);
            if !operations.is_empty() {
                pipeline.submit(IntakeInput::Spooled(operations));
            }
        }
        self.runs.all_read();
        if stage.is_resuming() {
            stage.resumed();
            pipeline.progressed();
        }
    }

    /// The operation of a record; where there is none, or none to be sent, its fate is settled.
    fn operation(&mut self, stage: &Stage, record: Record, too_old: u64) -> Option<Operation> {
        let Record { sequence, at, body } = record;
        let is_own = self.own_from.is_some_and(|first| sequence >= first);
        let operation = record::decode(&body).and_then(|decoded| {
            if is_own { self.runs.pick_up(decoded, sequence) } else { self.runs.revive(decoded, sequence) }
        });
        let Some(operation) = operation else {
            if self.pipeline.logs(LogLevel::Error) {
                tracing::error!(sequence, "a record of the spool can't be made sense of");
            }
            self.log.acknowledge(sequence);
            stage.came_back(1);
            return None;
        };
        if at < too_old {
            stage.came_back(1);
            operation.settle(Fate::Lost(LossReason::Expired));
            return None;
        }
        Some(operation)
    }

    fn acknowledge(&mut self) {
        let pipeline = Arc::clone(&self.pipeline);
        if let Some(stage) = pipeline.spool() {
            while let Some(sequence) = stage.settled.pop() {
                self.log.acknowledge(sequence);
                self.unsynced_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Syncs what is due, and removes files that nobody needs.
    fn tidy(&mut self) {
        let due = match self.config.sync {
            SyncPolicy::EveryBatch => self.quiet > 0,
            SyncPolicy::Every(interval) => {
                self.unsynced_since.is_some_and(|since| since.elapsed() >= interval)
            }
        };
        if due && self.unsynced_since.is_some() {
            self.sync();
        }
        if self.quiet >= QUIET && self.log.pending() == 0 && self.untold.is_empty() {
            self.quiet = 0;
            if let Err(error) = self.log.close() {
                self.fails(&error);
            }
        }
    }

    /// Writes what the pipeline could not deliver, so that the next one does.
    fn end(&mut self, left: Leftovers) {
        let Leftovers { passed, queued } = left;
        self.write();
        self.unwritten.extend(queued);
        self.acknowledge();
        let now = Timestamp::now().as_millis();
        let (passed, stays) = split(passed);
        if !passed.is_empty() {
            let records: Vec<Vec<u8>> = passed.iter().map(record::encode).collect();
            match self.log.prepend(&records, now) {
                Ok(()) => {
                    for mut operation in passed {
                        operation.ticket.claim.take().for_each(|sequence| self.log.acknowledge(sequence));
                        operation.settle(Fate::Spooled);
                    }
                }
                Err(error) => self.fails(&error),
            }
        }
        // These are on disk where they belong; dropping them says so.
        drop(stays);
        while !self.unwritten.is_empty() {
            let count = self.next_batch();
            let batch: Vec<Operation> = self.unwritten.drain(..count).collect();
            let records: Vec<Vec<u8>> = batch.iter().map(record::encode).collect();
            match self.log.append(&records, now) {
                Ok(_) => {
                    self.written(&batch);
                    batch.into_iter().for_each(|operation| operation.settle(Fate::Spooled));
                }
                Err(error) => self.fails(&error),
            }
        }
        self.runs.all_stays();
        self.sync();
        self.acknowledge();
        if let Err(error) = self.log.close() {
            self.fails(&error);
        }
        self.measure();
    }

    fn has_room(&self) -> bool {
        self.pipeline.spool().is_some_and(|stage| stage.has_room(self.pipeline.admission()))
    }

    fn measure(&self) {
        if let Some(stage) = self.pipeline.spool() {
            stage.measure(SpoolUse { records: self.log.pending(), bytes: self.log.bytes() });
        }
    }

    /// Says once that the disk does not do its part.
    fn fails(&mut self, error: &dyn std::error::Error) {
        if !std::mem::replace(&mut self.failing, true) && self.pipeline.logs(LogLevel::Warn) {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(%error, cause, "the spool does not take telemetry; it stays in memory as far as there is room");
        }
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.failing) && self.pipeline.logs(LogLevel::Info) {
            tracing::info!("the spool takes telemetry again");
        }
    }
}

fn bytes_of(operations: &[Operation]) -> u64 {
    operations.iter().map(|operation| operation.ticket.tally().bytes).sum()
}

/// Operations in the order of each run: those that have to be written before all that is on disk, and those that are there
/// already, where they belong. One that is not on disk takes those before it with it.
fn split(operations: Vec<Operation>) -> (Vec<Operation>, Vec<Operation>) {
    let mut last_unclaimed: HashMap<Stem, usize, RandomKeyed> = HashMap::default();
    for (place, operation) in operations.iter().enumerate() {
        if operation.ticket.claim.is_empty() {
            last_unclaimed.insert(operation.run().key(), place);
        }
    }
    let mut place = 0;
    operations.into_iter().partition(|operation| {
        let written = last_unclaimed.get(&operation.run().key()).is_some_and(|last| place <= *last);
        place += 1;
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, create, finish, operation, words};

    #[test]
    fn what_is_on_no_disk_goes_first_with_what_comes_before_it_in_its_run() {
        let pipeline = fixture::pipeline();
        let [mixed, written, unwritten] = [1, 2, 3].map(|n| fixture::run(&pipeline, n));
        let on_disk = |number, run, action| {
            let mut operation = operation(run, action);
            operation.ticket.claim = Claim::of(number);
            operation
        };
        let left = vec![
            on_disk(1, &mixed, create(10, None)),
            on_disk(2, &written, create(20, None)),
            operation(&mixed, create(11, None)),
            operation(&unwritten, create(30, None)),
            on_disk(3, &mixed, finish(10)),
            on_disk(4, &written, finish(20)),
        ];

        let (goes_first, stays) = split(left);

        assert_eq!(words(&goes_first), ["create 10", "create 11", "create 30"]);
        assert_eq!(words(&stays), ["create 20", "finish 10 complete", "finish 20 complete"]);
    }
}
