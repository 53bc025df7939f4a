//! Waiting for room in the byte budget, for callers who would rather wait than lose.

use std::sync::atomic::Ordering;

use super::Pipeline;

impl Pipeline {
    /// Returns at once where an eighth of the budget is free; otherwise waits until a quarter is, or nothing is taken any
    /// more. Works on any executor.
    pub(crate) async fn room(&self) {
        if self.admission.has_room() {
            return;
        }
        let _waiting = Waiting::begin(self);
        loop {
            let progress = self.progress.notified();
            tokio::pin!(progress);
            // Before looking: what is settled after the look must not be missed.
            progress.as_mut().enable();
            if self.admission.has_ample_room() || self.is_inherited() || !self.is_open() {
                return;
            }
            progress.await;
        }
    }
}

/// While it lives, it is told when there is room.
struct Waiting<'a>(&'a Pipeline);

impl<'a> Waiting<'a> {
    fn begin(pipeline: &'a Pipeline) -> Self {
        pipeline.waiting.fetch_add(1, Ordering::SeqCst);
        // What fills the budget may be calls that the intake is napping on.
        pipeline.intake().wake_now();
        Self(pipeline)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use crate::fixture::{self, create};
    use crate::instance::Entry;

    #[test]
    fn what_calls_took_ahead_makes_room_when_they_are_picked_up() {
        let pipeline = fixture::pipeline();
        let (run, budget) = (fixture::run(&pipeline, 1), pipeline.admission());
        for n in 2..100 {
            run.submit(create(n, None), Entry::Checked).expect("there is room");
        }
        let ahead = budget.held() - run.account().accepted().bytes;
        // Others hold so much that there is no room.
        while budget.has_room() {
            budget.acquire(1_000);
        }
        let mut room = std::pin::pin!(pipeline.room());
        let mut look = || room.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(look(), Poll::Pending);
        // They let go of it, and nearly, but for what was taken ahead, there is.
        while !budget.has_ample_room() {
            budget.release(10);
        }
        budget.acquire(ahead);
        pipeline.progressed();
        assert_eq!(look(), Poll::Pending);

        let picked_up = run.pick_up();

        assert_eq!(look(), Poll::Ready(()));
        assert_eq!(picked_up.len(), 98);
    }
}
