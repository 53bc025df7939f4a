//! How long a request that fails keeps its lane: a pure function of what is known of it.
//!
//! Trouble is the API's as a rule, and then nothing helps but waiting. But it may also lie in one operation that the API
//! can't digest. So a request that has failed a few times is given up: its lane is free for others, and its operations
//! come back in smaller requests, until what spoils them is alone (see [`Doubt`]).

use crate::batcher::Doubt;

/// Failures after which a request is given up while others get through.
const SUSPICIOUS: u32 = 3;

/// Failures after which it is given up in any case.
const TIRING: u32 = 4;

/// The same for what comes back from a request that was given up.
const TIRING_IN_DOUBT: u32 = 2;

/// What to do about a request that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Send it again after the `n`th wait, counted from 0.
    TryAgain(u32),
    /// Give its operations back to the batcher, to be sent after the `n`th wait.
    GiveUp { wait: u32, suspected: bool },
}

/// What is known of a request that has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    /// How often it has failed, this time included.
    pub(crate) failures: u32,
    pub(crate) doubt: Doubt,
    pub(crate) is_single_item: bool,
    /// Others got through since it failed first.
    pub(crate) others_succeeded: bool,
}

impl Failing {
    pub(crate) fn next_step(self) -> NextStep {
        let in_doubt = self.doubt.exists();
        let suspected = self.others_succeeded && (in_doubt || self.failures >= SUSPICIOUS);
        let tiring = if in_doubt { TIRING_IN_DOUBT } else { TIRING };
        let wait = self.in_a_row() - 1;
        if suspected && !self.is_single_item {
            // The API works, so its parts can be tried soon.
            NextStep::GiveUp { wait: 0, suspected }
        } else if suspected || self.failures >= tiring {
            NextStep::GiveUp { wait, suspected }
        } else {
            NextStep::TryAgain(wait)
        }
    }

    /// How often its operations have failed without a success, also in requests that were given up.
    pub(crate) fn in_a_row(self) -> u32 {
        self.doubt.failures + self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(failures: u32, doubt: Doubt) -> Failing {
        Failing { failures, doubt, is_single_item: false, others_succeeded: false }
    }

    #[test]
    fn in_an_outage_the_waits_grow_from_one_request_to_the_next() {
        let fresh = (1..=4).map(|failures| failing(failures, Doubt::NONE).next_step());
        let again = (1..=2).map(|failures| failing(failures, Doubt::NONE.raised(8, 4, false)).next_step());

        assert_eq!(
            fresh.chain(again).collect::<Vec<_>>(),
            [
                NextStep::TryAgain(0),
                NextStep::TryAgain(1),
                NextStep::TryAgain(2),
                NextStep::GiveUp { wait: 3, suspected: false },
                NextStep::TryAgain(4),
                NextStep::GiveUp { wait: 5, suspected: false },
            ]
        );
    }

    #[test]
    fn a_request_is_suspected_when_others_get_through_and_its_parts_are_tried_soon() {
        let others_succeeded = true;
        let fresh = |failures| Failing { others_succeeded, ..failing(failures, Doubt::NONE) }.next_step();
        let in_doubt = Failing { others_succeeded, ..failing(1, Doubt::NONE.raised(8, 3, true)) }.next_step();

        assert_eq!(fresh(2), NextStep::TryAgain(1), "a bad moment is no reason yet");
        assert_eq!(fresh(3), NextStep::GiveUp { wait: 0, suspected: true });
        assert_eq!(in_doubt, NextStep::GiveUp { wait: 0, suspected: true });
    }

    #[test]
    fn an_operation_that_fails_alone_waits_longer_and_longer_without_a_lane() {
        let alone = |earlier| {
            let doubt = Doubt::NONE.raised(8, earlier, true);
            Failing { is_single_item: true, others_succeeded: true, ..failing(1, doubt) }.next_step()
        };

        assert_eq!(alone(3), NextStep::GiveUp { wait: 3, suspected: true });
        assert_eq!(alone(4), NextStep::GiveUp { wait: 4, suspected: true });
    }
}
