//! What may happen to an instance, and when: the state machine of one run.

use crate::ledger::RejectReason;
use crate::operation::Action;

/// Where a run stands, as far as its operations are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// Nothing was sent yet.
    #[default]
    New,
    /// The registration is on its way and the instance's id is the server's to say: the rest waits for it.
    Registering,
    /// The id is known; everything goes on at once.
    Open,
    /// The finish has gone on; nothing may follow.
    Finished,
    /// The API refused the registration for good.
    Refused,
}

/// What to do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Forward,
    /// Keep it until the registration is answered.
    Hold,
    Reject(RejectReason),
}

impl Lifecycle {
    /// Judges the next operation and moves on to the state behind it. `id_is_known` tells whether the instance's id
    /// is fixed by now, so that what follows the registration need not wait for its answer.
    pub(crate) fn advance(&mut self, action: &Action, id_is_known: bool) -> Verdict {
        match (*self, action) {
            (Self::Refused, _) => Verdict::Reject(RejectReason::RegistrationRefused),
            (Self::Finished, _) => Verdict::Reject(RejectReason::InstanceFinished),
            (Self::New, _) => {
                *self = if id_is_known { Self::Open } else { Self::Registering };
                Verdict::Forward
            }
            (Self::Registering, _) => Verdict::Hold,
            (Self::Open, Action::FinishInstance { .. }) => {
                *self = Self::Finished;
                Verdict::Forward
            }
            (Self::Open, _) => Verdict::Forward,
        }
    }

    /// The registration was answered; what was held can go on.
    pub(crate) fn registered(&mut self) {
        if *self == Self::Registering {
            *self = Self::Open;
        }
    }

    /// The registration was refused for good.
    pub(crate) fn refused(&mut self) {
        *self = Self::Refused;
    }
}

#[cfg(test)]
mod tests {
    use prefactor_http::FinishStatus;

    use super::*;
    use crate::clock::Timestamp;

    const REGISTER: fn() -> Action = || crate::fixture::register();
    const START: fn() -> Action = || Action::Start { at: Timestamp::from_micros(1) };
    const FINISH: fn() -> Action =
        || Action::FinishInstance { status: FinishStatus::Complete, at: Timestamp::from_micros(2) };

    #[test]
    fn with_a_known_id_nothing_waits_for_the_registration() {
        let mut lifecycle = Lifecycle::default();

        let verdicts = [REGISTER(), START(), FINISH()].map(|action| lifecycle.advance(&action, true));

        assert_eq!(verdicts, [Verdict::Forward; 3]);
        assert_eq!(lifecycle, Lifecycle::Finished);
    }

    #[test]
    fn without_an_id_all_but_the_registration_waits_for_its_answer() {
        let mut lifecycle = Lifecycle::default();

        assert_eq!(lifecycle.advance(&REGISTER(), false), Verdict::Forward);
        assert_eq!(lifecycle.advance(&START(), false), Verdict::Hold);
        assert_eq!(lifecycle.advance(&FINISH(), false), Verdict::Hold);

        lifecycle.registered();
        assert_eq!(lifecycle.advance(&START(), true), Verdict::Forward);
    }

    #[test]
    fn nothing_follows_the_finish_or_a_refusal() {
        let mut finished = Lifecycle::Finished;
        let mut refused = Lifecycle::Registering;
        refused.refused();

        assert_eq!(finished.advance(&START(), true), Verdict::Reject(RejectReason::InstanceFinished));
        assert_eq!(refused.advance(&START(), true), Verdict::Reject(RejectReason::RegistrationRefused));
        refused.registered();
        assert_eq!(refused, Lifecycle::Refused);
    }
}
