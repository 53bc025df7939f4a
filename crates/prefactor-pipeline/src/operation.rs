//! One call on a handle, on its way: what to do, and the ticket that accounts for it.

use std::sync::Arc;

use prefactor_http::FinishStatus;
use prefactor_pfid::Stem;

use crate::account::Epoch;
use crate::clock::Timestamp;
use crate::instance::Run;
use crate::ledger::{Fate, Tally};
use crate::payload::Part;

/// An accepted operation. It is dropped only with its fate told to the ledger: its [`Ticket`] sees to that.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) ticket: Ticket,
    /// How often the API answered this one item with an error that may pass.
    pub(crate) attempts: u8,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    /// The JSON members of a registration, encoded at the call.
    Register {
        members: Box<[u8]>,
    },
    Start {
        at: Timestamp,
    },
    CreateSpan(CreateSpan),
    FinishSpan {
        id: Stem,
        finish: SpanFinish,
    },
    /// The JSON members of a quality record; `key` makes its idempotency key.
    RecordQuality {
        key: Stem,
        members: Box<[u8]>,
    },
    FinishInstance {
        status: FinishStatus,
        at: Timestamp,
    },
}

#[derive(Debug)]
pub(crate) struct CreateSpan {
    pub(crate) id: Stem,
    pub(crate) parent: Option<Stem>,
    pub(crate) started_at: Timestamp,
    /// The JSON members `schema_name` and `payload`.
    pub(crate) members: Box<[u8]>,
    pub(crate) sensitive: bool,
    pub(crate) end: SpanEnd,
}

/// How a span that is about to be created goes on, as far as it is known by now.
#[derive(Debug)]
pub(crate) enum SpanEnd {
    /// It is created active, and its finish comes later.
    Open,
    /// It is created pending, since it is cancelled right behind (API contract, Spans: only a pending one can be).
    Cancelled,
    /// It is born finished.
    Finished(SpanFinish),
}

#[derive(Debug)]
pub(crate) struct SpanFinish {
    pub(crate) status: FinishStatus,
    pub(crate) at: Timestamp,
    /// The JSON object of the result.
    pub(crate) result: Option<Box<[u8]>>,
    pub(crate) sensitive: bool,
}

impl SpanFinish {
    pub(crate) fn new(status: FinishStatus, at: Timestamp, result: Option<Part>) -> Self {
        let sensitive = result.as_ref().is_some_and(|part| part.sensitive);
        Self { status, at, result: result.map(|part| part.json), sensitive }
    }
}

impl Operation {
    pub(crate) const fn new(ticket: Ticket, action: Action) -> Self {
        Self { ticket, attempts: 0, action }
    }

    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.ticket.run
    }

    pub(crate) fn settle(self, fate: Fate) {
        self.ticket.settle(fate);
    }
}

impl Action {
    /// Whether it finishes something as cancelled.
    pub(crate) fn cancels(&self) -> bool {
        match self {
            Self::FinishSpan { finish, .. } => finish.status == FinishStatus::Cancelled,
            Self::FinishInstance { status, .. } => *status == FinishStatus::Cancelled,
            _ => false,
        }
    }

    /// Makes a finish as cancelled one as failed.
    pub(crate) fn fail_instead_of_cancelling(&mut self) {
        match self {
            Self::FinishSpan { finish, .. } => finish.status = FinishStatus::Failed,
            Self::FinishInstance { status, .. } => *status = FinishStatus::Failed,
            _ => {}
        }
    }

    /// Bytes that the operation holds beside its own struct.
    pub(crate) fn content_len(&self) -> usize {
        match self {
            Self::Register { members } | Self::RecordQuality { members, .. } => members.len(),
            Self::CreateSpan(create) => {
                let result = match &create.end {
                    SpanEnd::Finished(finish) => finish.content_len(),
                    SpanEnd::Open | SpanEnd::Cancelled => 0,
                };
                create.members.len() + result
            }
            Self::FinishSpan { finish, .. } => finish.content_len(),
            Self::Start { .. } | Self::FinishInstance { .. } => 0,
        }
    }
}

impl SpanFinish {
    fn content_len(&self) -> usize {
        self.result.as_ref().map_or(0, |result| result.len())
    }
}

/// The share of the byte budget that operations hold, and their place in the ledger. It goes with the operations and
/// is settled exactly once, at the latest when it is dropped: however an operation ends, the ledger adds up.
#[derive(Debug)]
pub(crate) struct Ticket {
    run: Arc<Run>,
    bytes: u32,
    /// Operations by the epoch in which they were accepted: a flush waits for those before it.
    operations: [u16; Epoch::COUNT],
}

impl Ticket {
    /// A ticket for one operation of `bytes`, which were taken out of the budget.
    pub(crate) fn new(run: Arc<Run>, epoch: Epoch, bytes: u32) -> Self {
        let mut operations = [0; Epoch::COUNT];
        operations[epoch.index()] = 1;
        Self { run, bytes, operations }
    }

    /// Makes this ticket stand for the operations of `other` too, which become one item on the wire.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        debug_assert!(Arc::ptr_eq(&self.run, &other.run), "only operations of one instance are merged");
        for (mine, theirs) in self.operations.iter_mut().zip(&mut other.operations) {
            *mine += std::mem::take(theirs);
        }
        self.bytes += std::mem::take(&mut other.bytes);
    }

    pub(crate) fn settle(mut self, fate: Fate) {
        self.settle_as(fate);
    }

    fn settle_as(&mut self, fate: Fate) {
        let operations = std::mem::take(&mut self.operations);
        let count: u16 = operations.iter().sum();
        if count > 0 {
            let tally = Tally::new(u64::from(count), u64::from(std::mem::take(&mut self.bytes)));
            self.run.settle(fate, tally, operations);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.operations != [0; Epoch::COUNT] {
            let reason = self.run.pipeline().loss_on_drop();
            self.settle_as(Fate::Lost(reason));
        }
    }
}
