//! One call on a handle, on its way: what to do, and the ticket that accounts for it.

use std::sync::Arc;

use prefactor_http::FinishStatus;
use prefactor_pfid::Stem;

use crate::account::Epoch;
use crate::clock::Timestamp;
use crate::instance::Run;
use crate::ledger::{Fate, Tally};
use crate::payload::Json;
use crate::spool::Claim;

mod deliveries;

pub(crate) use deliveries::Deliveries;

/// Bytes that a run takes beside its operations: what its handles and actors share, and its queue. They count with its
/// registration, so that an outage in which ever more runs begin stays within the budget too.
const RUN_LEN: usize = 1_280;

/// An accepted operation. It is dropped only with its fate told to the ledger: its [`Ticket`] sees to that.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) ticket: Ticket,
    /// How often the API answered this one item with an error that may pass.
    pub(crate) attempts: u8,
    /// It may have been part of a request of an earlier process, which has left it on disk.
    pub(crate) sent: bool,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    /// The JSON members of a registration, encoded at the call.
    Register {
        members: Json,
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
        members: Json,
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
    pub(crate) members: Json,
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
    pub(crate) result: Option<Json>,
}

impl SpanFinish {
    /// A finish without a result.
    pub(crate) const fn new(status: FinishStatus, at: Timestamp) -> Self {
        Self { status, at, result: None }
    }

    pub(crate) fn is_sensitive(&self) -> bool {
        self.result.as_ref().is_some_and(Json::is_sensitive)
    }
}

impl CreateSpan {
    /// Bytes that a create holds itself. It pays for its finish too: that comes whether there is room or not, as the span
    /// would seem to go on otherwise.
    pub(crate) const FRAME_LEN: usize = 2 * size_of::<Operation>();

    /// Lets the span be created as it ends; gives back the finish that must follow on its own all the same.
    pub(crate) fn end_with(&mut self, finish: SpanFinish) -> Option<SpanFinish> {
        if finish.status == FinishStatus::Cancelled {
            self.end = SpanEnd::Cancelled;
            return Some(finish);
        }
        self.end = SpanEnd::Finished(finish);
        None
    }
}

impl Operation {
    pub(crate) const fn new(ticket: Ticket, action: Action) -> Self {
        Self { ticket, attempts: 0, sent: false, action }
    }

    pub(crate) fn run(&self) -> &Arc<Run> {
        &self.ticket.run
    }

    pub(crate) fn settle(mut self, fate: Fate) {
        self.settle_here(fate);
    }

    /// The same for one that is dropped where it is.
    pub(crate) fn settle_here(&mut self, fate: Fate) {
        self.ticket.settle_here(fate);
    }
}

impl Action {
    /// The span that must be known to the API before this can be done.
    pub(crate) const fn refers_to(&self) -> Option<Stem> {
        match self {
            Self::FinishSpan { id, .. } => Some(*id),
            Self::CreateSpan(create) => create.parent,
            _ => None,
        }
    }

    /// Whether it makes something that was not there before.
    pub(crate) const fn creates(&self) -> bool {
        matches!(self, Self::Register { .. } | Self::CreateSpan(_) | Self::RecordQuality { .. })
    }

    /// Whether it is a span from its creation to its end.
    pub(crate) const fn is_whole_span(&self) -> bool {
        matches!(self, Self::CreateSpan(CreateSpan { end: SpanEnd::Finished(_), .. }))
    }

    /// When the span was finished, if this finishes one.
    pub(crate) const fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Self::FinishSpan { finish, .. }
            | Self::CreateSpan(CreateSpan { end: SpanEnd::Finished(finish), .. }) => Some(finish.at),
            _ => None,
        }
    }

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

    /// Bytes that the operation holds itself.
    pub(crate) const fn frame_len(&self) -> usize {
        match self {
            Self::CreateSpan(_) => CreateSpan::FRAME_LEN,
            Self::FinishSpan { .. } => 0,
            _ => size_of::<Operation>(),
        }
    }

    /// Bytes that the operation holds beside its own struct.
    pub(crate) fn content_len(&self) -> usize {
        match self {
            Self::Register { members } => members.len() + RUN_LEN,
            Self::RecordQuality { members, .. } => members.len(),
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
    /// Their records on disk.
    pub(crate) claim: Claim,
}

impl Ticket {
    /// The most that one operation may hold: two of them, merged, can still be counted.
    pub(crate) const MAX_BYTES: u32 = u32::MAX / 2;

    /// A ticket for one operation of `bytes`, which were taken out of the budget.
    pub(crate) fn new(run: Arc<Run>, epoch: Epoch, bytes: u32) -> Self {
        let mut operations = [0; Epoch::COUNT];
        operations[epoch.index()] = 1;
        Self { run, bytes, operations, claim: Claim::default() }
    }

    /// The epoch in which its operation was accepted.
    pub(crate) const fn epoch(&self) -> Epoch {
        Epoch::of(self.operations)
    }

    /// A ticket for what was accepted and comes back from the disk. It takes its bytes whether they fit or not: whoever
    /// reads it back has looked for room.
    pub(crate) fn picked_up(
        run: Arc<Run>,
        operations: [u16; Epoch::COUNT],
        bytes: u32,
        claim: Claim,
    ) -> Self {
        run.pipeline().admission().acquire(u64::from(bytes));
        Self { run, bytes, operations, claim }
    }

    /// Gives the bytes back and leaves the operations without a fate: they are on disk, and come back.
    pub(crate) fn set_down(mut self) -> (Tally, [u16; Epoch::COUNT]) {
        let tally = self.tally();
        let operations = std::mem::take(&mut self.operations);
        self.run.pipeline().admission().release(tally.bytes);
        self.run.pipeline().progressed();
        (tally, operations)
    }

    pub(crate) const fn operations(&self) -> [u16; Epoch::COUNT] {
        self.operations
    }

    /// Whether the two may become one: both are on disk, or neither is.
    pub(crate) fn may_absorb(&self, other: &Self) -> bool {
        self.claim.is_empty() == other.claim.is_empty()
    }

    /// Makes this ticket stand for the operations of `other` too, which become one item on the wire.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        debug_assert!(Arc::ptr_eq(&self.run, &other.run), "only operations of one instance are merged");
        debug_assert!(self.may_absorb(&other), "an operation is on disk as a whole or not at all");
        for (mine, theirs) in self.operations.iter_mut().zip(&mut other.operations) {
            *mine += std::mem::take(theirs);
        }
        self.bytes += std::mem::take(&mut other.bytes);
        self.claim.absorb(&mut other.claim);
    }

    /// Makes it stand for one more operation, whose bytes were taken out of the budget too.
    pub(crate) fn add(&mut self, epoch: Epoch, bytes: u32) {
        self.operations[epoch.index()] += 1;
        self.bytes += bytes;
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally::new(self.operations.iter().copied().map(u64::from).sum(), u64::from(self.bytes))
    }

    fn settle_here(&mut self, fate: Fate) {
        if self.operations != [0; Epoch::COUNT] {
            let (tally, operations) = self.take();
            self.run.settle(fate, tally, operations);
            if fate != Fate::Spooled {
                self.let_go_of_records();
            }
        }
    }

    /// What it stands for, which is nothing from now on.
    fn take(&mut self) -> (Tally, [u64; Epoch::COUNT]) {
        let tally = self.tally();
        self.bytes = 0;
        (tally, std::mem::take(&mut self.operations).map(u64::from))
    }

    fn let_go_of_records(&mut self) {
        if let Some(spool) = self.run.pipeline().spool() {
            spool.settle(&mut self.claim);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.operations != [0; Epoch::COUNT] {
            let on_disk = !self.claim.is_empty();
            let lost = || Fate::Lost(self.run.pipeline().loss_on_drop());
            self.settle_here(if on_disk { Fate::Spooled } else { lost() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::fixture::{self, create, finish, operation};
    use crate::ledger::{LossReason, RejectReason};
    use crate::observer::UndeliveredReason;
    use crate::pipeline::Health;

    #[test]
    fn a_settled_operation_is_counted_once_and_gives_its_bytes_back() {
        let pipeline = fixture::pipeline();
        let run = fixture::run(&pipeline, 1);
        let operation = operation(&run, create(2, None));
        let accepted = run.account().accepted();
        assert_eq!(pipeline.admission().held(), accepted.bytes);

        operation.settle(Fate::Rejected(RejectReason::Validation));

        for ledger in [pipeline.ledger(), run.account().ledger()] {
            assert_eq!(ledger.rejected_for(RejectReason::Validation), accepted);
            assert_eq!(ledger.lost_total(), Tally::default(), "dropping it afterwards counts nothing");
        }
        assert_eq!(pipeline.admission().held(), 0);
    }

    #[test]
    fn a_dropped_operation_is_lost_for_the_reason_of_the_moment() {
        let drop_one = |prepare: fn(&crate::pipeline::Pipeline)| {
            let pipeline = fixture::pipeline();
            let operation = operation(&fixture::run(&pipeline, 1), create(2, None));
            prepare(&pipeline);
            drop(operation);
            assert_eq!(pipeline.admission().held(), 0);
            pipeline
                .ledger()
                .lost
                .iter()
                .map(|(reason, tally)| (*reason, tally.operations))
                .collect::<Vec<_>>()
        };

        assert_eq!(drop_one(|_| ()), [(LossReason::Internal, 1)]);
        assert_eq!(
            drop_one(|pipeline| pipeline.set_health(Health::Unreachable)),
            [(LossReason::Internal, 1)]
        );
        assert_eq!(drop_one(|pipeline| pipeline.close()), [(LossReason::ShutDown, 1)]);
        let unreachable = drop_one(|pipeline| {
            pipeline.set_health(Health::Unreachable);
            pipeline.close();
        });
        assert_eq!(unreachable, [(LossReason::Unreachable, 1)]);
        let unauthorized = drop_one(|pipeline| {
            pipeline.set_health(Health::Unauthorized);
            pipeline.close();
        });
        assert_eq!(unauthorized, [(LossReason::Unauthorized, 1)]);
    }

    #[test]
    fn a_merged_operation_stands_for_both_also_across_a_flush() {
        let pipeline = fixture::pipeline();
        let run = fixture::run(&pipeline, 1);
        let mut created = operation(&run, create(2, None));
        let mark = run.account().mark();
        assert!(run.account().seal(mark));
        let finished = operation(&run, finish(2));
        let accepted = run.account().accepted();

        created.ticket.absorb(finished.ticket);

        assert_eq!(pipeline.ledger().lost_total(), Tally::default(), "what was absorbed is not lost");
        assert!(!run.account().is_drained(mark));
        created.settle(Fate::Delivered);
        assert!(run.account().is_drained(mark));
        assert_eq!(run.account().ledger().delivered, accepted);
        assert_eq!(pipeline.admission().held(), 0);
    }

    #[test]
    fn the_hook_is_told_of_each_operation_that_is_not_delivered() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let pipeline = fixture::observed_pipeline(move |undelivered| {
            tell.lock().unwrap().push((
                undelivered.reason,
                undelivered.tally.operations,
                undelivered.instance,
            ));
        });
        let run = fixture::run(&pipeline, 1);

        operation(&run, create(2, None)).settle(Fate::Delivered);
        operation(&run, create(3, None)).settle(Fate::Rejected(RejectReason::Conflict));
        drop(operation(&run, finish(2)));

        let reasons = [
            UndeliveredReason::Rejected(RejectReason::Conflict),
            UndeliveredReason::Lost(LossReason::Internal),
        ];
        assert_eq!(*told.lock().unwrap(), reasons.map(|reason| (reason, 1, run.id())));
    }

    #[test]
    fn only_a_cancellation_turns_into_a_failure() {
        let mut cancelled = fixture::cancel(1);
        let mut ended = fixture::finish_instance(FinishStatus::Cancelled);
        let mut completed = finish(1);
        assert!(cancelled.cancels() && ended.cancels() && !completed.cancels());
        assert!(!create(1, None).cancels());

        for action in [&mut cancelled, &mut ended] {
            action.fail_instead_of_cancelling();
            assert!(!action.cancels());
        }
        completed.fail_instead_of_cancelling();
        assert!(matches!(ended, Action::FinishInstance { status: FinishStatus::Failed, .. }));
    }
}
