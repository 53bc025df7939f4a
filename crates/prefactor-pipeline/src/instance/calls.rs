//! What callers have asked of a run and nobody has picked up yet.

use std::sync::Arc;

use crate::account::Epoch;
use crate::admission::{Admission, Taken};
use crate::operation::{Action, Operation, SpanFinish};
use crate::payload::{Json, JsonBlocks, SpareBlocks};
use crate::segments::Segments;

/// Room is made for so many operations at once at the most, before there are any.
const MOST_EXPECTED: usize = 16;

/// Bytes that are taken out of the budget ahead of the calls that need them, at the most.
const MOST_AHEAD: u64 = 16 * 1024;

/// Operations in the order of the calls. They are picked up all at once; until then, the finish of a span that finds its
/// create here becomes a part of it: most spans that are short are handed over once.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: Segments<Operation>,
    /// Operations that there were the last time: about as many will come.
    expected: usize,
    /// The content of what waits.
    contents: JsonBlocks,
    /// Bytes that the calls that wait have taken out of the budget.
    paid: u64,
    /// Bytes that are taken out of it for the next ones.
    paid_ahead: u64,
}

/// What waited, and the bytes that nobody needs any more.
#[derive(Debug, Default)]
pub(crate) struct PickedUp {
    pub(crate) operations: Segments<Operation>,
    pub(crate) paid_ahead: u64,
}

/// Where a call waits, until it is picked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Calls {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes so many bytes out of the budget for a call, or nothing where they do not fit.
    ///
    /// While there is much room, an eighth of what waits is taken ahead for the next calls, until these are picked up: threads
    /// that call at the same time would wait for each other's count otherwise, with each call.
    #[inline]
    pub(crate) fn pay(&mut self, bytes: u64, budget: &Admission) -> Taken {
        let taken = if bytes > self.paid_ahead { self.pay_ahead(bytes, budget) } else { Taken::Yes };
        if taken != Taken::No {
            self.paid_ahead -= bytes;
            self.paid += bytes;
        }
        taken
    }

    /// Takes what is missing for so many bytes, and some more if there is room for it.
    fn pay_ahead(&mut self, bytes: u64, budget: &Admission) -> Taken {
        let ahead = if budget.has_room() { (self.paid / 8).min(MOST_AHEAD) } else { 0 };
        let missing = bytes - self.paid_ahead;
        for bytes in [missing + ahead, missing] {
            let taken = budget.try_acquire(bytes);
            if taken != Taken::No {
                self.paid_ahead += bytes;
                return taken;
            }
        }
        Taken::No
    }

    /// Copies the content of an operation that is about to be put here. It can be read when that is picked up.
    pub(crate) fn keep(&mut self, content: &[u8], spare: &Arc<SpareBlocks>) -> Json {
        self.contents.keep(content, spare)
    }

    #[inline]
    pub(crate) fn push(&mut self, operation: Operation) -> Place {
        self.waiting.reserve(self.expected.clamp(1, MOST_EXPECTED));
        Place(self.waiting.push_back(operation))
    }

    /// Makes the finish a part of the create that was put at this place; gives back what has to be an operation of its own.
    /// The finish counts as one operation, accepted in this epoch, and holds so many bytes.
    pub(crate) fn merge(
        &mut self,
        create: Place,
        finish: SpanFinish,
        epoch: Epoch,
        bytes: u32,
    ) -> Option<SpanFinish> {
        let operation = self.waiting.get_mut(create.0);
        let Some(Operation { ticket, action: Action::CreateSpan(create), .. }) = operation else {
            return Some(finish);
        };
        let alone = create.end_with(finish);
        if alone.is_none() {
            ticket.add(epoch, bytes);
        }
        alone
    }

    /// Takes everything. What was taken out of the budget ahead goes back.
    pub(crate) fn pick_up(&mut self) -> PickedUp {
        self.paid = 0;
        self.contents.seal();
        self.expected = self.waiting.len();
        PickedUp { operations: self.waiting.take(), paid_ahead: std::mem::take(&mut self.paid_ahead) }
    }
}

#[cfg(test)]
mod tests {
    use prefactor_http::FinishStatus;

    use super::*;
    use crate::clock::Timestamp;
    use crate::fixture::{self, create, operation, words};
    use crate::ledger::Fate;

    /// Calls with the create of one span, and where that is.
    fn with_create() -> (Calls, Place) {
        let mut calls = Calls::default();
        let run = fixture::run(&fixture::pipeline(), 1);
        let place = calls.push(operation(&run, create(1, None)));
        (calls, place)
    }

    fn budget() -> Admission {
        Admission::new(1 << 20)
    }

    fn finish(status: FinishStatus) -> SpanFinish {
        SpanFinish::new(status, Timestamp::default())
    }

    /// What is picked up, in words.
    fn picked_up(calls: &mut Calls) -> Vec<String> {
        words(calls.pick_up().operations.iter())
    }

    #[test]
    fn a_finish_becomes_part_of_its_create_and_both_are_settled() {
        let (mut calls, place) = with_create();
        let run = calls.waiting.front().map(|operation| operation.run().clone()).expect("the create's");
        let epoch = run.account().accept(0);

        let alone = calls.merge(place, finish(FinishStatus::Failed), epoch, 0);

        assert!(alone.is_none());
        let picked_up: Vec<_> = calls.pick_up().operations.into_iter().collect();
        assert_eq!(words(&picked_up), ["whole 1 failed"]);
        picked_up.into_iter().for_each(|operation| operation.settle(Fate::Delivered));
        assert_eq!(run.account().ledger().delivered.operations, 2);
        assert_eq!(run.account().ledger().in_flight().operations, 0);
    }

    #[test]
    fn a_cancellation_follows_the_create_of_a_pending_span() {
        let (mut calls, place) = with_create();

        let alone = calls.merge(place, finish(FinishStatus::Cancelled), Epoch::of([1, 0]), 0);

        assert!(alone.is_some_and(|finish| finish.status == FinishStatus::Cancelled));
        assert_eq!(picked_up(&mut calls), ["pending 1"]);
    }

    #[test]
    fn a_create_that_was_picked_up_takes_in_no_finish() {
        let (mut calls, place) = with_create();
        let first = picked_up(&mut calls);
        let run = fixture::run(&fixture::pipeline(), 2);
        calls.push(operation(&run, create(2, None)));

        let alone = calls.merge(place, finish(FinishStatus::Complete), Epoch::of([1, 0]), 0);

        assert!(alone.is_some());
        assert_eq!(first, ["create 1"]);
        assert_eq!(picked_up(&mut calls), ["create 2"]);
    }

    #[test]
    fn what_is_paid_ahead_is_an_eighth_of_what_waits_and_is_left_at_the_end() {
        let budget = budget();
        let mut calls = Calls::default();
        for paid in 1..1_000 {
            assert_ne!(calls.pay(300, &budget), Taken::No);
            let ahead = budget.held() - 300 * paid;
            assert!(ahead <= (300 * paid / 8).min(MOST_AHEAD), "{ahead} after {paid}");
        }
        assert!(budget.held() > 300 * 999);

        budget.release(calls.pick_up().paid_ahead);

        assert_eq!(budget.held(), 300 * 999);
    }

    #[test]
    fn what_fits_is_paid_also_where_nothing_can_be_paid_ahead() {
        let budget = Admission::new(10_000);
        let mut calls = Calls::default();
        let mut pay = |bytes| calls.pay(bytes, &budget);
        let paid = std::iter::repeat_with(|| pay(300)).take_while(|taken| *taken != Taken::No).count();

        assert_eq!(paid, 33);
        assert_eq!([pay(100), pay(1)], [Taken::Yes, Taken::No]);
        assert_eq!(calls.pick_up().paid_ahead, 0);
        assert_eq!(budget.held(), 10_000);
    }

    #[test]
    fn contents_can_be_read_when_they_are_picked_up() {
        let mut calls = Calls::default();
        let contents: Vec<_> = (0..100_u8).map(|n| vec![n; 300]).collect();

        let kept: Vec<_> = contents.iter().map(|content| calls.keep(content, &Arc::default())).collect();
        calls.pick_up();

        assert!(kept.iter().zip(&contents).all(|(kept, content)| **kept == **content));
    }
}
