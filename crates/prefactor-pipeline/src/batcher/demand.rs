//! How much the batcher still asks for.

use std::sync::atomic::{AtomicBool, Ordering};

/// So many operations that could go at once are enough. The intake is told when half of them are gone.
const ENOUGH: usize = 4_096;

/// What the batcher has at hand, for the intake to look at. While there is enough, calls are better left where they are:
/// finishes meet their creates there, and each later look at a run finds more of it.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    is_met: AtomicBool,
}

impl Demand {
    /// Tells how many operations could go at once, and how many a full batch has. `true` where more is wanted from now on: the
    /// intake is to be told, since it may be napping.
    pub(crate) fn tell(&self, ready: usize, batch: usize) -> bool {
        let enough = ENOUGH.max(batch.saturating_mul(2));
        let was_met = self.is_met();
        // Until half of it is gone: a look that finds much costs hardly more than one that finds little.
        let is_met = if was_met { ready >= enough / 2 } else { ready >= enough };
        self.is_met.store(is_met, Ordering::Relaxed);
        was_met && !is_met
    }

    pub(crate) fn is_met(&self) -> bool {
        self.is_met.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_never_enough_before_a_batch_is_full() {
        let demand = Demand::default();
        let is_met = |ready, batch| {
            demand.tell(ready, batch);
            demand.is_met()
        };

        assert!(!is_met(ENOUGH - 1, 500) && is_met(ENOUGH, 500));
        assert!(!is_met(9 * ENOUGH, 10 * ENOUGH) && is_met(20 * ENOUGH, 10 * ENOUGH));
        assert!(!is_met(0, usize::MAX));
    }

    #[test]
    fn more_is_wanted_when_half_of_it_is_gone() {
        let demand = Demand::default();
        let is_told = |ready| demand.tell(ready, 500);

        assert!(!is_told(0), "nobody has to be told in the beginning");
        assert!(!is_told(ENOUGH) && !is_told(ENOUGH / 2));
        assert!(is_told(ENOUGH / 2 - 1) && !demand.is_met());
        assert!(!is_told(ENOUGH / 2 - 1), "once is enough");
    }
}
