//! Whether it is the operations themselves that a request failed for: a pure function of what is known.
//!
//! Trouble is the API's as a rule, and then nothing helps but waiting. But it may also lie in one operation that the API
//! can't digest. A request that fails gives its lane up; its operations wait apart from others, and after a few failures
//! they go into smaller and smaller requests, until the one that spoils them is alone and the others are through.

/// What is known of operations whose request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// How many items a request may have.
    pub(crate) most_items: usize,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// How many requests of anybody had succeeded at the first of them.
    successes: u64,
    /// Others got through meanwhile. Otherwise it may as well be an outage.
    suspected: bool,
}

/// Failures after which operations are suspected while others get through.
const SUSPICIOUS: u32 = 3;

/// Failures after which requests get smaller in any case.
const MANY_FAILURES: u32 = 4;

/// By so much requests get smaller with each failure, and larger with each success.
const STEP: usize = 4;

/// Where there may be so many items in a request, no doubt is left.
const MANY_ITEMS: usize = 1 << 10;

impl Doubt {
    pub(crate) const NONE: Self =
        Self { most_items: usize::MAX, failures: 0, successes: 0, suspected: false };

    pub(crate) fn exists(self) -> bool {
        self.failures > 0 || self.most_items != usize::MAX
    }

    /// After a request of so many items has failed for reasons that may pass; `successes` of others are known by now.
    pub(crate) fn failed(self, items: usize, successes: u64) -> Self {
        let failures = self.failures.saturating_add(1);
        let first = if self.failures == 0 { successes } else { self.successes };
        let suspected = self.suspected || (failures >= SUSPICIOUS && successes > first);
        let shrinks = suspected || failures >= MANY_FAILURES;
        let most_items = if shrinks { (items / STEP).max(1) } else { self.most_items };
        Self { most_items, failures, successes: first, suspected }
    }

    /// Which wait is due before they are sent again, counted from 0.
    pub(crate) fn wait(self, items: usize) -> u32 {
        // The API works, so the parts of a request that it does not take can be tried soon.
        if self.suspected && items > 1 { 0 } else { self.failures.saturating_sub(1) }
    }

    /// Whether the wait is over as soon as the API answers others.
    pub(crate) fn may_be_an_outage(self) -> bool {
        !self.suspected
    }

    /// After a success: the suspects that are left are fewer.
    pub(crate) fn lowered(self) -> Self {
        let most_items = self.most_items.saturating_mul(STEP);
        if most_items < MANY_ITEMS { Self { most_items, failures: 0, ..self } } else { Self::NONE }
    }

    /// After an outage, requests are as large as ever.
    pub(crate) fn reconsidered(self) -> Self {
        if self.suspected { self } else { Self { most_items: usize::MAX, ..self } }
    }

    /// The doubt of a request of operations with these two doubts. `None` where they must not go together.
    pub(crate) fn joined(self, other: Self) -> Option<Self> {
        (self.exists() == other.exists()).then(|| Self {
            most_items: self.most_items.min(other.most_items),
            failures: self.failures.max(other.failures),
            successes: self.successes.max(other.successes),
            suspected: self.suspected || other.suspected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspicion_ends_in_requests_of_one_item() {
        let mut doubt = Doubt::NONE.failed(500, 7).failed(500, 8);
        let mut sizes = Vec::new();
        for _ in 0..5 {
            doubt = doubt.failed(doubt.most_items.min(500), 8);
            sizes.push(doubt.most_items);
        }

        assert_eq!(sizes, [125, 31, 7, 1, 1]);
        assert!(!doubt.may_be_an_outage(), "and it sticks");
        assert_eq!((0..5).fold(doubt, |doubt, _| doubt.lowered()), Doubt::NONE);
    }

    #[test]
    fn a_bad_moment_or_an_outage_is_no_suspicion() {
        let moment = Doubt::NONE.failed(500, 7).failed(500, 9);
        assert_eq!((moment.most_items, moment.may_be_an_outage()), (usize::MAX, true));

        let outage = (0..9).fold(Doubt::NONE, |doubt, _| doubt.failed(500, 7));
        assert_eq!((outage.most_items, outage.may_be_an_outage()), (125, true));
        assert_eq!(outage.reconsidered().most_items, usize::MAX, "an outage leaves no small requests");
        assert_eq!(outage.lowered(), Doubt { failures: 0, ..outage.lowered() });

        let suspected = outage.failed(8, 8);
        assert_eq!(suspected.reconsidered(), suspected);
    }

    #[test]
    fn the_waits_grow_but_for_parts_that_can_be_tried_soon() {
        let mut doubt = Doubt::NONE;
        let waits = (0..6).map(|_| {
            doubt = doubt.failed(10, 0);
            doubt.wait(10)
        });
        assert_eq!(waits.collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);

        let suspected = doubt.failed(10, 1);
        assert_eq!((suspected.wait(10), suspected.wait(1)), (0, 6));
    }

    #[test]
    fn the_doubtful_do_not_go_together_with_others() {
        let one = Doubt::NONE.failed(9, 0);
        let more = (0..8).fold(Doubt::NONE, |doubt, _| doubt.failed(400, 3));

        let joined = one.joined(more);

        assert_eq!(joined.map(|doubt| (doubt.most_items, doubt.failures)), Some((100, 8)));
        assert_eq!(one.joined(Doubt::NONE), None);
    }
}
