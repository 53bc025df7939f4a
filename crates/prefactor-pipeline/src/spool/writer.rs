//! What becomes of operations that are handed to the spool: written, and given back or left on disk; read again when there
//! is room. It works step by step and waits for nothing, except for the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::journal::Journal;
use super::runs::Runs;
use super::stage::{Done, Order, SpoolUse};
use super::unwritten::Unwritten;
use super::{Claim, Spool};
use crate::operation::Action;
use crate::pipeline::Pipeline;

/// How soon the writer looks again whether there is room to read something back, and what was settled.
const TICK: Duration = Duration::from_millis(20);

/// The same where nothing has happened for long.
const LONGEST_TICK: Duration = Duration::from_millis(200);

/// When nothing has happened for so long, files without a record that waits are removed.
const QUIET: Duration = Duration::from_secs(1);

/// What the writer wants after a step.
pub(super) enum Next {
    /// Another step, when there are orders, or after this time. `None`: there is nothing to do without orders.
    Step(Option<Duration>),
    /// To be dropped, before somebody is told.
    End(Done),
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) config: Spool,
    pub(super) journal: Journal,
    pub(super) runs: Runs,
    /// The first record of this process; what is before it was left by others.
    pub(super) own_from: Option<u64>,
    /// What must not be overtaken by what comes after it.
    pub(super) unwritten: Unwritten,
    /// When something has happened last.
    active_at: Instant,
}

impl Writer {
    pub(super) fn new(pipeline: Arc<Pipeline>, config: Spool, journal: Journal, runs: Runs) -> Self {
        Self {
            pipeline,
            config,
            journal,
            runs,
            own_from: None,
            unwritten: Unwritten::default(),
            active_at: Instant::now(),
        }
    }

    /// Follows the orders that have come since the last step, and does what has become due.
    pub(super) fn step(&mut self, orders: impl ExactSizeIterator<Item = Order>) -> Next {
        let is_quiet = orders.len() == 0;
        if !is_quiet {
            self.active_at = Instant::now();
        }
        for order in orders {
            match order {
                Order::Take(operations) => self.unwritten.extend(operations),
                Order::Named { thing, id, mut claim } => {
                    // What is not written yet tells the id itself.
                    self.journal.note_id(thing, id);
                    claim.take().for_each(|sequence| self.journal.acknowledge(sequence));
                }
                Order::End { left, done } => {
                    self.end(left);
                    return Next::End(done);
                }
            }
        }
        self.write();
        self.tidy(is_quiet);
        self.read_back();
        self.measure();
        Next::Step(self.due_in())
    }

    /// Writes what was handed over, in order, and gives it back or leaves it on disk.
    fn write(&mut self) {
        self.acknowledge();
        while !self.unwritten.is_empty() {
            let mut batch = self.unwritten.next_batch(self.config.max_bytes / 16);
            for operation in &batch {
                if let Action::Register { .. } = operation.action {
                    // So that the record tells the id, where one can be chosen.
                    operation.run().choose_id();
                }
            }
            let nothing_waits_on_disk = self.journal.unread() == 0;
            match self.journal.append(&batch) {
                Ok(first) => {
                    self.own_from.get_or_insert(first);
                    if nothing_waits_on_disk && self.has_room() {
                        for (sequence, operation) in (first..).zip(&mut batch) {
                            operation.ticket.claim = Claim::of(sequence);
                        }
                        self.journal.skip_unread();
                        self.pipeline.give_back(batch);
                    } else {
                        batch.into_iter().for_each(|operation| self.runs.set_down(operation));
                    }
                }
                // There is nothing that could be overtaken.
                Err(_) if nothing_waits_on_disk => self.pipeline.give_back(batch),
                Err(_) => {
                    self.unwritten.put_back(batch);
                    if !self.journal.is_synced() {
                        // What was settled meanwhile may make room.
                        self.journal.sync();
                    }
                    break;
                }
            }
        }
    }

    /// Lets go of the records whose operations have their fate.
    pub(super) fn acknowledge(&mut self) {
        let Some(stage) = self.pipeline.spool() else { return };
        while let Some(sequence) = stage.settled.pop() {
            self.journal.acknowledge(sequence);
            self.active_at = Instant::now();
        }
    }

    /// Syncs what is due, and removes files that nobody needs.
    fn tidy(&mut self, is_quiet: bool) {
        if self.journal.sync_due_in(is_quiet) == Some(Duration::ZERO) {
            self.journal.sync();
        }
        if self.active_at.elapsed() >= QUIET && self.journal.pending() == 0 && self.journal.is_synced() {
            self.active_at = Instant::now();
            self.journal.close();
        }
    }

    /// How long the next step may wait for orders: the longer, the longer nothing has happened.
    fn due_in(&self) -> Option<Duration> {
        if self.journal.bytes() == 0 && self.unwritten.is_empty() {
            return None;
        }
        let tick = (self.active_at.elapsed() / 10).clamp(TICK, LONGEST_TICK);
        let sync = self.journal.sync_due_in(false).unwrap_or(tick);
        Some(tick.min(sync))
    }

    /// Something was read back.
    pub(super) fn is_active(&mut self) {
        self.active_at = Instant::now();
    }

    fn has_room(&self) -> bool {
        self.pipeline.spool().is_some_and(|stage| stage.has_room(self.pipeline.admission()))
    }

    pub(super) fn measure(&self) {
        if let Some(stage) = self.pipeline.spool() {
            stage.measure(SpoolUse { records: self.journal.pending(), bytes: self.journal.bytes() });
        }
    }
}
