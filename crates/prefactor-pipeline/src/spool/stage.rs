//! What the pipeline knows of its spool: where operations are handed over, and what its records are told.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_queue::SegQueue;
use prefactor_pfid::{Pfid, Stem};
use tokio::sync::mpsc;

use super::{Claim, SpoolMode};
use crate::admission::Admission;
use crate::operation::Operation;

/// Whom to tell when all is on disk that can be.
pub(crate) type Done = Box<dyn FnOnce() + Send>;

/// What the writer is told.
pub(crate) enum Order {
    /// From the intake: operations in the order of their calls.
    Take(Vec<Operation>),
    /// From the sender: the id of a run or a span, which other records can't do without. The record of the operation that
    /// has made it goes when this is written down.
    Named { thing: Stem, id: Pfid, claim: Claim },
    /// From the end of the pipeline.
    End { left: Leftovers, done: Done },
}

/// What is in the pipeline's hands when it ends.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// What has passed the intake, in the order of each run: older than all that waits on disk.
    pub(crate) passed: Vec<Operation>,
    /// What the intake has not looked at: newer than that.
    pub(crate) queued: Vec<Operation>,
}

#[derive(Debug)]
pub(crate) struct Stage {
    mode: SpoolMode,
    /// Bytes of operations in memory beyond which the others wait on disk.
    room: u64,
    orders: mpsc::UnboundedSender<Order>,
    /// Records that are done with.
    pub(super) settled: SegQueue<u64>,
    /// Operations that were handed over, or left by an earlier process, and have not come back: what comes after them
    /// must not overtake them.
    outstanding: AtomicU64,
    /// The writer is gone before its time.
    broken: AtomicBool,
    /// Not all that an earlier process has left was read yet.
    resuming: AtomicBool,
    records: AtomicU64,
    bytes: AtomicU64,
}

/// How much is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolUse {
    /// Operations that are on disk and not known to be delivered.
    pub records: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl Stage {
    pub(super) fn new(mode: SpoolMode, budget: u64) -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        let stage = Self {
            mode,
            room: budget / 2,
            orders,
            settled: SegQueue::new(),
            // Held until the writer knows what an earlier process has left.
            outstanding: AtomicU64::new(1),
            broken: AtomicBool::new(false),
            resuming: AtomicBool::new(true),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        (stage, received)
    }

    /// Whether the next operation has to go through the spool.
    pub(crate) fn wants(&self, admission: &Admission) -> bool {
        !self.broken.load(Ordering::Relaxed)
            && (self.mode == SpoolMode::WriteAhead
                || self.outstanding.load(Ordering::SeqCst) > 0
                || !self.has_room(admission))
    }

    /// Whether operations that were just written may stay in memory as well.
    pub(super) fn has_room(&self, admission: &Admission) -> bool {
        admission.operations() <= self.room
    }

    /// Whether operations may be read back. What the disk does not take can't go before what waits there has gone: so
    /// there is always some room beside it.
    pub(super) fn has_ample_room(&self, admission: &Admission, unwritten: u64) -> bool {
        let held = admission.operations();
        held <= self.room / 4 * 3 || (unwritten > 0 && held.saturating_sub(unwritten) <= self.room / 4)
    }

    /// Bytes that may be read back at once.
    pub(super) fn helping(&self) -> usize {
        usize::try_from(self.room / 8).unwrap_or(usize::MAX).clamp(1, 1 << 20)
    }

    /// Hands operations over; they come back through the intake.
    ///
    /// # Errors
    /// The operations, where nobody takes them any more.
    pub(crate) fn take(&self, operations: Vec<Operation>) -> Result<(), Vec<Operation>> {
        self.outstanding.fetch_add(operations.len() as u64, Ordering::SeqCst);
        self.orders.send(Order::Take(operations)).map_err(|refused| {
            self.broken.store(true, Ordering::Relaxed);
            match refused.0 {
                Order::Take(operations) => operations,
                _ => Vec::new(),
            }
        })
    }

    /// Called for operations that have come back, and for those that never will.
    pub(crate) fn came_back(&self, operations: u64) {
        self.outstanding.fetch_sub(operations, Ordering::SeqCst);
    }

    pub(super) fn found(&self, operations: u64) {
        self.outstanding.fetch_add(operations, Ordering::SeqCst);
        self.came_back(1);
    }

    /// Lets go of records whose operation has its fate.
    pub(crate) fn settle(&self, claim: &mut Claim) {
        for sequence in claim.take() {
            self.settled.push(sequence);
        }
    }

    /// Writes down under which id the API has made a run or a span, and lets go of the record that had it made.
    pub(crate) fn named(&self, thing: Stem, id: Pfid, claim: Claim) {
        let _ = self.orders.send(Order::Named { thing, id, claim });
    }

    /// Takes what is left when the pipeline ends; `done` is called, or dropped, when all is on disk that can be.
    ///
    /// # Errors
    /// What is left, where nobody takes it any more.
    pub(crate) fn end(&self, left: Leftovers, done: Done) -> Result<(), Leftovers> {
        self.orders.send(Order::End { left, done }).map_err(|refused| match refused.0 {
            Order::End { left, .. } => left,
            _ => Leftovers::default(),
        })
    }

    pub(crate) fn is_resuming(&self) -> bool {
        self.resuming.load(Ordering::SeqCst)
    }

    pub(super) fn resumed(&self) {
        self.resuming.store(false, Ordering::SeqCst);
    }

    pub(super) fn measure(&self, usage: SpoolUse) {
        self.records.store(usage.records, Ordering::Relaxed);
        self.bytes.store(usage.bytes, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> SpoolUse {
        SpoolUse { records: self.records.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Take(_) => "Take",
            Self::Named { .. } => "Named",
            Self::End { .. } => "End",
        })
    }
}
