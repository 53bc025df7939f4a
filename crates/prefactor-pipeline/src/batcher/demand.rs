//! How much the batcher still asks for.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many operations that could go at once are enough: more than any machine sends while the intake naps.
const ENOUGH: usize = 4_096;

/// What the batcher has at hand, for the intake to look at. While there is enough, calls are better left where they are:
/// finishes meet their creates there, and each later look at a run finds more of it.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    ready: AtomicUsize,
}

impl Demand {
    /// Tells how many operations could go at once.
    pub(crate) fn tell(&self, ready: usize) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(crate) fn is_met(&self) -> bool {
        self.ready.load(Ordering::Relaxed) >= ENOUGH
    }
}
