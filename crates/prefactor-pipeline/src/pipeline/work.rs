//! Who is at work on operations, so that the end of a pipeline comes upon nobody: what is in an actor's hands is in nobody
//! else's sight.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[derive(Debug, Default)]
pub(super) struct Work {
    /// Locked by all who are at work, and by the end alone.
    ended: RwLock<bool>,
}

/// Somebody is at work. It can't be held over an await, since it is not `Send`.
#[derive(Debug)]
pub(crate) struct AtWork<'a>(#[expect(dead_code, reason = "it is only held")] RwLockReadGuard<'a, bool>);

impl Work {
    /// `None` behind the end, and while that waits for others.
    pub(super) fn begin(&self) -> Option<AtWork<'_>> {
        self.ended.try_read().ok().filter(|ended| !**ended).map(AtWork)
    }

    /// Waits for those who are at work. Nobody begins anything from then on.
    pub(super) fn end(&self) {
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_end_waits_for_those_who_are_at_work_and_nobody_begins_behind_it() {
        let (work, is_done) = (Work::default(), AtomicBool::new(false));
        thread::scope(|scope| {
            let one = work.begin();
            assert!(one.is_some() && work.begin().is_some(), "several work at a time");

            let end = scope.spawn(|| {
                work.end();
                is_done.load(Ordering::SeqCst)
            });
            // An end that does not wait is over by then.
            thread::sleep(Duration::from_millis(20));
            is_done.store(true, Ordering::SeqCst);
            drop(one);

            assert!(end.join().expect("it does not panic"), "the work was done before");
        });
        assert!(work.begin().is_none());
    }
}
