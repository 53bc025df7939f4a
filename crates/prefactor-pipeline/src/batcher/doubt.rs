//! Whether it is the operations themselves that a request failed for.

/// Grows when requests with an instance's operations fail again and again for reasons that may pass. The more doubt,
/// the smaller the requests that these operations go into, until the one that the API can't digest is alone and the
/// others are through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// How many items a request may have.
    pub(crate) most_items: usize,
    /// Failures in a row, from which the next wait follows.
    pub(crate) failures: u32,
    /// Others got through meanwhile. Otherwise it may as well have been an outage.
    suspected: bool,
}

impl Doubt {
    pub(crate) const NONE: Self = Self { most_items: usize::MAX, failures: 0, suspected: false };

    /// By so much requests get smaller with each doubt, and larger with each success.
    const STEP: usize = 4;

    /// Where there were so many items in a request, no doubt is left.
    const MANY: usize = 1 << 10;

    pub(crate) fn exists(self) -> bool {
        self.most_items != Self::NONE.most_items
    }

    /// After a request of so many items was given up that failed so often in a row.
    pub(crate) fn raised(self, items: usize, failures: u32, suspected: bool) -> Self {
        let most_items = (items / Self::STEP).max(1);
        Self { most_items, failures, suspected: self.suspected || suspected }
    }

    /// After a success: the suspects that are left are fewer.
    pub(crate) fn lowered(self) -> Self {
        let most_items = self.most_items.saturating_mul(Self::STEP);
        if most_items < Self::MANY { Self { most_items, failures: 0, ..self } } else { Self::NONE }
    }

    /// After an outage.
    pub(crate) fn reconsidered(self) -> Self {
        if self.suspected { self } else { Self::NONE }
    }

    /// The doubt of a request of operations with these two doubts. `None` where they must not go together.
    pub(crate) fn joined(self, other: Self) -> Option<Self> {
        (self.exists() == other.exists()).then(|| Self {
            most_items: self.most_items.min(other.most_items),
            failures: self.failures.max(other.failures),
            suspected: self.suspected || other.suspected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubt_ends_in_requests_of_one_item() {
        let mut doubt = Doubt::NONE.raised(500, 3, true);
        let mut sizes = vec![doubt.most_items];
        while doubt.most_items > 1 {
            doubt = doubt.raised(doubt.most_items, 4, true);
            sizes.push(doubt.most_items);
        }

        assert_eq!(sizes, [125, 31, 7, 1]);
        assert_eq!(doubt.raised(1, 4, true), doubt, "it has an end");
        assert_eq!((0..5).fold(doubt, |doubt, _| doubt.lowered()), Doubt::NONE);
    }

    #[test]
    fn an_outage_is_no_suspicion() {
        let outage = Doubt::NONE.raised(9, 4, false);
        let suspected = Doubt::NONE.raised(9, 3, true).raised(2, 4, false);

        assert_eq!(outage.reconsidered(), Doubt::NONE);
        assert_eq!(suspected.reconsidered(), suspected);
    }

    #[test]
    fn the_doubtful_do_not_go_together_with_others() {
        let (one, more) = (Doubt::NONE.raised(9, 3, true), Doubt::NONE.raised(400, 8, false));

        assert_eq!(one.joined(more), Some(Doubt { most_items: 2, failures: 8, suspected: true }));
        assert_eq!(one.joined(Doubt::NONE), None);
    }
}
