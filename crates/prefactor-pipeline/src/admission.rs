//! The only gate into the pipeline: a budget of bytes over everything that is queued, batched, in flight or
//! waiting to be sent again. ractor's mailboxes are unbounded, so this is the memory limit.

use crate::sync::{AtomicU64, Ordering};

/// Bytes that are held now, against the most that may be.
#[derive(Debug)]
pub(crate) struct Admission {
    operations: AtomicU64,
    /// The bodies of requests in flight. A part of the budget is set aside for them, so that callers are not refused
    /// for what the pipeline itself writes.
    bodies: AtomicU64,
    /// The most that operations may hold.
    limit: u64,
}

/// What came of asking for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// They do not fit.
    No,
    Yes,
    /// They were taken, and made it more than a quarter of the budget: what waits should be looked at soon, before it is so much
    /// that a spool takes it all (half of the budget), or that nothing fits any more.
    PastMark,
}

impl Admission {
    pub(crate) fn new(limit: u64) -> Self {
        Self { operations: AtomicU64::new(0), bodies: AtomicU64::new(0), limit }
    }

    /// Takes `bytes` for an operation, or for some that may follow, or nothing where they do not fit.
    pub(crate) fn try_acquire(&self, bytes: u64) -> Taken {
        // Add first and take back on failure: one atomic step where there is room, which is the case to be fast in.
        // Concurrent callers can see each other's failed attempt and be refused by its bytes too early, never too late.
        let before = self.operations.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.limit {
            self.operations.fetch_sub(bytes, Ordering::Relaxed);
            return Taken::No;
        }
        self.taken(before, bytes)
    }

    /// Whether operations hold more than a quarter of the budget.
    pub(crate) fn is_filling(&self) -> bool {
        self.is_past_mark(self.operations())
    }

    /// Whether `bytes` would fit now.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        self.operations().saturating_add(bytes) <= self.limit
    }

    /// Takes `bytes` for an operation whether they fit or not: for what the pipeline itself must add to keep its promises.
    pub(crate) fn acquire(&self, bytes: u64) -> Taken {
        let before = self.operations.fetch_add(bytes, Ordering::Relaxed);
        self.taken(before, bytes)
    }

    fn taken(&self, before: u64, bytes: u64) -> Taken {
        let has_crossed = self.is_past_mark(before + bytes) && !self.is_past_mark(before);
        if has_crossed { Taken::PastMark } else { Taken::Yes }
    }

    fn is_past_mark(&self, bytes: u64) -> bool {
        bytes > self.limit / 4
    }

    pub(crate) fn release(&self, bytes: u64) {
        // In one order with the look of those who wait for room and with their saying so: one of the two is seen.
        self.operations.fetch_sub(bytes, Ordering::SeqCst);
    }

    pub(crate) fn acquire_body(&self, bytes: u64) {
        self.bodies.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn release_body(&self, bytes: u64) {
        self.bodies.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether operations leave an eighth of their budget free: below that, callers who ask for it wait.
    pub(crate) fn has_room(&self) -> bool {
        self.operations.load(Ordering::Relaxed) <= self.limit - self.limit / 8
    }

    /// Whether they leave a quarter free: then those who wait are woken, all at once and not one for each operation.
    pub(crate) fn has_ample_room(&self) -> bool {
        self.operations.load(Ordering::SeqCst) <= self.limit - self.limit / 4
    }

    /// Bytes that operations hold, without the bodies of requests.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// Bytes that are held now.
    pub(crate) fn held(&self) -> u64 {
        self.operations.load(Ordering::Relaxed) + self.bodies.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sync::{model, thread};

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_the_budget_as_it_was() {
        model(|| {
            let admission = Admission::new(100);

            assert_eq!(admission.try_acquire(25), Taken::Yes);
            assert!(!admission.is_filling());
            assert_eq!(admission.try_acquire(35), Taken::PastMark);
            assert!(admission.is_filling());
            assert_eq!(admission.try_acquire(41), Taken::No);
            assert_eq!(admission.held(), 60);
            assert_eq!(admission.try_acquire(40), Taken::Yes);

            admission.release(100);
            assert_eq!(admission.held(), 0);
        });
    }

    #[test]
    fn of_many_threads_as_many_get_in_as_fit() {
        model(|| {
            let admission = Arc::new(Admission::new(100));
            let callers: Vec<_> = (0..3)
                .map(|_| {
                    let admission = Arc::clone(&admission);
                    thread::spawn(move || admission.try_acquire(60))
                })
                .collect();
            let admitted = callers.into_iter().map(|caller| caller.join().expect("it does not panic"));

            assert_eq!(admitted.filter(|taken| *taken != Taken::No).count(), 1);
            assert_eq!(admission.held(), 60);
        });
    }

    #[test]
    fn what_is_given_back_is_there_for_others_whoever_failed_meanwhile() {
        model(|| {
            let admission = Arc::new(Admission::new(100));
            let callers: Vec<_> = (0..2)
                .map(|_| {
                    let admission = Arc::clone(&admission);
                    thread::spawn(move || {
                        if admission.try_acquire(60) != Taken::No {
                            admission.release(60);
                        }
                    })
                })
                .collect();
            for caller in callers {
                caller.join().expect("it does not panic");
            }

            assert_eq!(admission.held(), 0);
            assert_ne!(admission.try_acquire(100), Taken::No);
        });
    }
}
