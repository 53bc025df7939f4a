//! The account of one instance: its part of the ledger, and what a flush of it still waits for.

use crate::ledger::{Fate, Fates, Ledger, Tally};
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Relaxed, SeqCst};

/// One of two alternating stretches of time in which operations are accepted. A flush ends one and waits until
/// everything accepted in it is settled; what comes after that end is counted in the other and does not make it wait longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u8);

impl Epoch {
    pub(crate) const COUNT: usize = 2;

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The one that comes after so many.
    const fn numbered(ended: u64) -> Self {
        Self((ended % 2) as u8)
    }

    /// One of those in which any of these operations were accepted.
    pub(crate) const fn of(operations: [u16; Self::COUNT]) -> Self {
        Self((operations[0] == 0) as u8)
    }
}

/// The moment in which a flush begins: what was accepted before is in the epoch of this number, or in an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Epochs that have ended.
    ended: AtomicU64,
    /// By calls, which come one at a time.
    called: Accepted,
    /// By all others.
    accepted: Accepted,
    settled: Settled,
}

#[derive(Debug, Default)]
struct Accepted {
    operations: [AtomicU64; Epoch::COUNT],
    bytes: AtomicU64,
}

/// On a cache line of its own: callers count what is accepted while the pipeline counts this.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Settled {
    operations: [AtomicU64; Epoch::COUNT],
    fates: Fates,
}

impl Account {
    /// Counts one operation as accepted and tells the epoch that its ticket must name.
    pub(crate) fn accept(&self, bytes: u64) -> Epoch {
        let epoch = self.running();
        self.accept_with(epoch);
        self.accepted.bytes.fetch_add(bytes, Relaxed);
        epoch
    }

    /// The same for a call. Only for those who come one at a time, under a lock that whoever settles the operation has held after
    /// them: nothing has to be changed in one step then, which would cost callers more.
    pub(crate) fn accept_in_turn(&self, bytes: u64) -> Epoch {
        let add = |counter: &AtomicU64, more| counter.store(counter.load(Relaxed) + more, Relaxed);
        let epoch = self.running();
        add(&self.called.operations[epoch.index()], 1);
        add(&self.called.bytes, bytes);
        epoch
    }

    fn running(&self) -> Epoch {
        Epoch::numbered(self.ended.load(Relaxed))
    }

    /// Counts one operation, which takes nothing, together with another one that has no fate yet: who waits for that
    /// one's epoch waits for both.
    pub(crate) fn accept_with(&self, epoch: Epoch) {
        self.accepted.operations[epoch.index()].fetch_add(1, Relaxed);
    }

    pub(crate) fn settle(&self, fate: Fate, tally: Tally, operations: [u64; Epoch::COUNT]) {
        self.settled.fates.record(fate, tally);
        for (settled, count) in self.settled.operations.iter().zip(operations) {
            if count > 0 {
                settled.fetch_add(count, SeqCst);
            }
        }
    }

    /// Where a flush begins.
    pub(crate) fn mark(&self) -> Mark {
        // A change that changes nothing: whoever ends this epoch knows of all calls that were made before.
        Mark(self.ended.fetch_add(0, SeqCst))
    }

    /// Ends the epoch of that mark, if nobody has, so that what is accepted from now on is counted in the next one. `false` while
    /// an earlier flush waits for the one before it: there are two counters.
    pub(crate) fn seal(&self, Mark(number): Mark) -> bool {
        if self.ended.load(SeqCst) == number && self.is_settled(Epoch::numbered(number + 1)) {
            // Where it fails, another flush has done it.
            let _ = self.ended.compare_exchange(number, number + 1, SeqCst, SeqCst);
        }
        self.ended.load(SeqCst) > number
    }

    /// Whether everything that was accepted before the mark is settled.
    pub(crate) fn is_drained(&self, Mark(number): Mark) -> bool {
        // Two epochs further on its counters are in use again; they were equal before that, or it would not have come to it.
        self.is_settled(Epoch::numbered(number)) || self.ended.load(SeqCst) > number + 1
    }

    /// Whether its counters are equal.
    fn is_settled(&self, epoch: Epoch) -> bool {
        let settled = self.settled.operations[epoch.index()].load(SeqCst);
        settled == self.both().map(|accepted| accepted.operations[epoch.index()].load(SeqCst)).sum::<u64>()
    }

    pub(crate) fn accepted(&self) -> Tally {
        let operations =
            |accepted: &Accepted| accepted.operations.each_ref().map(|count| count.load(Relaxed));
        self.both()
            .map(|accepted| Tally::new(operations(accepted).iter().sum(), accepted.bytes.load(Relaxed)))
            .fold(Tally::default(), |sum, tally| sum + tally)
    }

    fn both(&self) -> impl Iterator<Item = &Accepted> {
        [&self.called, &self.accepted].into_iter()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let settled = self.settled.fates.ledger();
        Ledger { accepted: self.accepted(), ..settled }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sync::{model, thread};

    fn settle(account: &Account, epoch: Epoch) {
        let mut operations = [0; Epoch::COUNT];
        operations[epoch.index()] = 1;
        account.settle(Fate::Delivered, Tally::new(1, 10), operations);
    }

    #[test]
    fn a_flush_waits_for_what_came_before_it_and_for_nothing_else() {
        model(|| {
            let account = Account::default();
            let before = account.accept(10);

            let mark = account.mark();
            assert!(account.seal(mark));
            let after = account.accept(10);

            assert_ne!(before, after);
            assert!(!account.is_drained(mark));
            settle(&account, before);
            assert!(account.is_drained(mark), "what was accepted later does not count");
            assert_eq!(account.ledger().in_flight(), Tally::new(1, 10));
        });
    }

    #[test]
    fn a_second_flush_waits_for_the_first_one_and_for_what_came_before_itself() {
        model(|| {
            let account = Account::default();
            let first = account.accept(10);
            let mark = account.mark();
            assert!(account.seal(mark));
            let second = account.accept(10);

            let next = account.mark();
            assert!(!account.seal(next));

            settle(&account, first);
            assert!(account.is_drained(mark) && account.seal(next) && !account.is_drained(next));
            settle(&account, second);
            assert!(account.is_drained(next));
        });
    }

    #[test]
    fn a_flush_that_looks_late_does_not_wait_for_what_came_behind_another_one() {
        model(|| {
            let account = Account::default();
            let first = account.accept(10);
            let marks = [account.mark(), account.mark()];
            assert!(account.seal(marks[0]));
            settle(&account, first);
            account.accept(10);
            let other = account.mark();
            assert!(account.seal(other));

            let third = account.accept(10);

            assert_eq!(third, first, "they are counted in the same place");
            assert!(marks.into_iter().all(|mark| account.seal(mark) && account.is_drained(mark)));
            assert!(!account.is_drained(other));
        });
    }

    #[test]
    fn no_flush_is_done_before_what_it_waits_for_whoever_calls_or_flushes_meanwhile() {
        model(|| {
            let account = Arc::new(Account::default());
            let (caller, other) = (Arc::clone(&account), Arc::clone(&account));
            let caller = thread::spawn(move || settle(&caller, caller.accept_in_turn(10)));
            let other = thread::spawn(move || {
                let marks = [other.mark(), other.mark()];
                let _ = marks.map(|mark| other.seal(mark));
                let next = other.mark();
                other.seal(next);
                next
            });

            let before = account.accept(10);
            let mark = account.mark();
            let during = account.accept(10);
            account.seal(mark);
            assert!(!account.is_drained(mark), "what was accepted before has no fate yet");

            settle(&account, before);
            settle(&account, during);
            caller.join().expect("it does not panic");
            let other = other.join().expect("it does not panic");
            assert!([mark, other].into_iter().all(|mark| account.seal(mark) && account.is_drained(mark)));
            assert_eq!(account.ledger().in_flight(), Tally::default());
        });
    }
}
