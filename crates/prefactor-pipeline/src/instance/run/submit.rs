//! The callers' side of a run: what they ask is counted, admitted and added to its calls.

use std::sync::{Arc, MutexGuard, TryLockError};

use prefactor_pfid::Stem;

use super::super::calls::{Calls, Place};
use super::{Run, lock};
use crate::account::Epoch;
use crate::admission::Taken;
use crate::intake::IntakeInput;
use crate::ledger::{Fate, LossReason, RejectReason, Tally};
use crate::operation::{Action, CreateSpan, Operation, SpanFinish, Ticket};
use crate::payload::{Json, Part};
use crate::segments::Segments;

/// How an operation gets into the byte budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// If it fits.
    Checked,
    /// In any case: for the few small operations without which all others of the run would be in vain.
    Forced,
}

/// An operation that is counted and has its bytes.
struct Admitted<'a> {
    run: &'a Arc<Run>,
    epoch: Epoch,
    bytes: u32,
}

impl Admitted<'_> {
    fn ticket(&self) -> Ticket {
        Ticket::new(Arc::clone(self.run), self.epoch, self.bytes)
    }
}

impl Run {
    /// Takes an operation from its caller: counts it, admits it, queues it.
    ///
    /// # Errors
    /// The fate of an operation that found no room or came too late; it is settled then.
    pub(crate) fn submit(self: &Arc<Self>, action: Action, entry: Entry) -> Result<(), Fate> {
        let bytes = action.frame_len() + action.content_len();
        self.call(bytes, entry, |calls, admitted| {
            calls.push(Operation::new(admitted.ticket(), action));
        })
    }

    /// Takes the create of a span, whose members are to be kept.
    ///
    /// # Errors
    /// As for [`Self::submit`].
    pub(crate) fn create_span(
        self: &Arc<Self>,
        members: &Part,
        create: impl FnOnce(Json) -> CreateSpan,
    ) -> Result<Place, Fate> {
        let bytes = CreateSpan::FRAME_LEN + members.json.len();
        let alone = self.copy_if_large(&members.json, bytes);
        let spare = self.pipeline.spare_blocks();
        self.call(bytes, Entry::Checked, |calls, admitted| {
            let json = alone.unwrap_or_else(|| calls.keep(&members.json, spare)).marked(members.sensitive);
            calls.push(Operation::new(admitted.ticket(), Action::CreateSpan(create(json))))
        })
    }

    /// Takes the finish of a span, whose create was put at this place and whose result is to be kept.
    ///
    /// # Errors
    /// As for [`Self::submit`].
    pub(crate) fn finish_span(
        self: &Arc<Self>,
        id: Stem,
        create: Place,
        mut finish: SpanFinish,
        result: Option<&Part>,
        entry: Entry,
    ) -> Result<(), Fate> {
        let bytes = result.map_or(0, |result| result.json.len());
        let alone = result.and_then(|result| self.copy_if_large(&result.json, bytes));
        let spare = self.pipeline.spare_blocks();
        self.call(bytes, entry, |calls, admitted| {
            finish.result = result.map(|result| {
                alone.unwrap_or_else(|| calls.keep(&result.json, spare)).marked(result.sensitive)
            });
            if let Some(finish) = calls.merge(create, finish, admitted.epoch, admitted.bytes) {
                calls.push(Operation::new(admitted.ticket(), Action::FinishSpan { id, finish }));
            }
        })
    }

    /// A copy of a text that is too large to be copied while others wait for the lock. What would be refused now is not copied.
    fn copy_if_large(&self, json: &[u8], bytes: usize) -> Option<Json> {
        let may_enter = || self.pipeline.is_open() && self.pipeline.admission().fits(bytes as u64);
        if json.len() > Json::LARGEST_SHARED && may_enter() { Some(Json::from(json)) } else { None }
    }

    /// Counts an operation of so many bytes, takes them out of the budget, and adds it to what callers ask; tells the intake if
    /// that does not know of this run yet.
    fn call<R>(
        self: &Arc<Self>,
        bytes: usize,
        entry: Entry,
        add: impl FnOnce(&mut Calls, Admitted<'_>) -> R,
    ) -> Result<R, Fate> {
        let Some(mut calls) = self.lock_calls() else {
            let fate = Fate::Lost(LossReason::ShutDown);
            self.record(fate, bytes as u64, self.account.accept(bytes as u64));
            return Err(fate);
        };
        let epoch = self.account.accept_in_turn(bytes as u64);
        let taken = match self.admit(&mut calls, bytes, entry) {
            Ok(taken) => taken,
            Err(fate) => {
                drop(calls);
                self.record(fate, bytes as u64, epoch);
                return Err(fate);
            }
        };
        let is_news = calls.is_empty();
        // What was checked is no longer than a ticket can count, and what is forced is short.
        let added = add(&mut calls, Admitted { run: self, epoch, bytes: bytes as u32 });
        drop(calls);
        if is_news {
            self.pipeline.submit(IntakeInput::Called(Arc::clone(self)));
        }
        if taken == Taken::PastMark {
            // Behind a nap there might be no room left.
            self.pipeline.intake().wake_now();
        }
        if self.pipeline.is_swept() {
            // It was admitted before the pipeline closed, and came behind the last look.
            drop(self.pick_up());
        }
        Ok(added)
    }

    /// Takes so many bytes out of the budget, or tells why not.
    fn admit(&self, calls: &mut Calls, bytes: usize, entry: Entry) -> Result<Taken, Fate> {
        let admission = self.pipeline.admission();
        if !self.pipeline.is_open() {
            Err(Fate::Lost(LossReason::ShutDown))
        } else if self.is_refused() {
            Err(Fate::Rejected(RejectReason::RegistrationRefused))
        } else if entry == Entry::Forced {
            Ok(admission.acquire(bytes as u64))
        } else if bytes > Ticket::MAX_BYTES as usize {
            Err(Fate::Lost(LossReason::QueueFull))
        } else {
            match calls.pay(bytes as u64, admission) {
                Taken::No => Err(Fate::Lost(LossReason::QueueFull)),
                taken => Ok(taken),
            }
        }
    }

    /// `None` in a process that was forked while another thread held the lock, which nobody would ever give back there.
    fn lock_calls(&self) -> Option<MutexGuard<'_, Calls>> {
        match self.calls.try_lock() {
            Ok(calls) => Some(calls),
            Err(TryLockError::Poisoned(calls)) => Some(calls.into_inner()),
            Err(TryLockError::WouldBlock) if self.pipeline.is_inherited() => None,
            Err(TryLockError::WouldBlock) => Some(lock(&self.calls)),
        }
    }

    /// What callers have asked since the last time, in order.
    pub(crate) fn pick_up(&self) -> Segments<Operation> {
        let picked_up = self.lock_calls().map(|mut calls| calls.pick_up()).unwrap_or_default();
        if picked_up.paid_ahead > 0 {
            self.pipeline.admission().release(picked_up.paid_ahead);
            self.pipeline.progressed();
        }
        picked_up.operations
    }

    /// Counts a call that is not queued at all, since its fate is certain.
    pub(crate) fn refuse(&self, fate: Fate) {
        let bytes = size_of::<Operation>() as u64;
        let epoch = self.account.accept(bytes);
        self.record(fate, bytes, epoch);
    }

    fn record(&self, fate: Fate, bytes: u64, epoch: Epoch) {
        let mut operations = [0; Epoch::COUNT];
        operations[epoch.index()] = 1;
        self.tell(fate, Tally::new(1, bytes), operations);
    }
}
