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
        Self(pipeline)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
