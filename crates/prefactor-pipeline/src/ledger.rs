//! The account of every operation: what was accepted, and what became of it.
//!
//! Invariant: `accepted = delivered + rejected + lost + in flight`, in operations and in bytes, for the pipeline
//! and for each instance. An operation is one call on a handle (register, start, span, finish, quality …); its
//! bytes are what it holds in memory, the same number that the byte budget counts.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number of operations and of the bytes they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Operations.
    pub operations: u64,
    /// Bytes held in memory by those operations.
    pub bytes: u64,
}

impl Tally {
    /// A tally of `operations` that hold `bytes`.
    pub const fn new(operations: u64, bytes: u64) -> Self {
        Self { operations, bytes }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.operations + other.operations, self.bytes + other.bytes)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.operations.saturating_sub(other.operations), self.bytes.saturating_sub(other.bytes))
    }
}

macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name that logs and reports use.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Why an operation was refused for good: by the API, or by the SDK because it makes no sense.
    RejectReason {
        /// The API found a value it does not accept (API contract, Transport: 400 and 422).
        Validation = "validation",
        /// The API does not know the thing it names, also after a few retries.
        NotFound = "not_found",
        /// The API already has another thing of that id.
        Conflict = "conflict",
        /// The token may not do this one thing.
        Unauthorized = "unauthorized",
        /// One operation alone is larger than the API takes.
        TooLarge = "too_large",
        /// The registration of the instance was refused for good, so nothing of it can be delivered.
        RegistrationRefused = "registration_refused",
        /// The span was finished before.
        SpanFinished = "span_finished",
        /// The instance was finished before.
        InstanceFinished = "instance_finished",
        /// The API refused with a code that this version does not know.
        Other = "other",
    }
}

reasons! {
    /// Why an accepted operation was given up.
    LossReason {
        /// The byte budget had no room for it.
        QueueFull = "queue_full",
        /// The pipeline was shut down before it could be delivered, or before the call.
        ShutDown = "shut_down",
        /// The same, while the API refused the token.
        Unauthorized = "unauthorized",
        /// The same, while the API could not be reached or answered with errors.
        Unreachable = "unreachable",
        /// A defect of the SDK: the operation was in the hands of an actor that panicked.
        Internal = "internal",
        /// It waited in the spool for longer than it may.
        Expired = "expired",
        /// Its record in the spool could not be read any more.
        SpoolDamaged = "spool_damaged",
        /// The pipeline ended before it was delivered, and the spool did not take it: there was no room for it, or for
        /// what comes before it, or the disk failed.
        NotSpooled = "not_spooled",
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    Rejected(RejectReason),
    Lost(LossReason),
    /// It is on disk when the pipeline ends, and the next one delivers it.
    Spooled,
}

/// The account at one moment. Its `Display` is the one line
/// `accepted=N delivered=N rejected=N lost=N`, with the reasons and what is in flight behind it where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// Everything that was handed to a handle of a sampled run.
    pub accepted: Tally,
    /// What the API has confirmed.
    pub delivered: Tally,
    /// What was refused for good, by reason; only reasons that occurred.
    pub rejected: Vec<(RejectReason, Tally)>,
    /// What was given up, by reason; only reasons that occurred.
    pub lost: Vec<(LossReason, Tally)>,
    /// What the pipeline has left in its spool at its end. The next pipeline with this spool accepts it again.
    pub spooled: Tally,
}

impl Ledger {
    /// All that was refused, whatever the reason.
    pub fn rejected_total(&self) -> Tally {
        self.rejected.iter().fold(Tally::default(), |sum, (_, tally)| sum + *tally)
    }

    /// All that was given up, whatever the reason.
    pub fn lost_total(&self) -> Tally {
        self.lost.iter().fold(Tally::default(), |sum, (_, tally)| sum + *tally)
    }

    /// What was refused for this reason.
    pub fn rejected_for(&self, reason: RejectReason) -> Tally {
        self.rejected.iter().find(|(r, _)| *r == reason).map_or(Tally::default(), |(_, tally)| *tally)
    }

    /// What was given up for this reason.
    pub fn lost_for(&self, reason: LossReason) -> Tally {
        self.lost.iter().find(|(r, _)| *r == reason).map_or(Tally::default(), |(_, tally)| *tally)
    }

    /// The same, where what has no fate yet is lost for this reason.
    pub(crate) fn with_the_rest_lost(mut self, reason: LossReason) -> Self {
        let rest = self.in_flight();
        if rest != Tally::default() {
            match self.lost.binary_search_by_key(&reason, |(known, _)| *known) {
                Ok(place) => self.lost[place].1 += rest,
                Err(place) => self.lost.insert(place, (reason, rest)),
            }
        }
        self
    }

    /// What is still on its way.
    pub fn in_flight(&self) -> Tally {
        self.accepted - self.delivered - self.rejected_total() - self.lost_total() - self.spooled
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "accepted={} delivered={} rejected={} lost={}",
            self.accepted.operations,
            self.delivered.operations,
            self.rejected_total().operations,
            self.lost_total().operations
        )?;
        if self.spooled.operations > 0 {
            write!(f, " spooled={}", self.spooled.operations)?;
        }
        if self.in_flight().operations > 0 {
            write!(f, " in_flight={}", self.in_flight().operations)?;
        }
        for (reason, tally) in &self.rejected {
            write!(f, " rejected.{reason}={}", tally.operations)?;
        }
        for (reason, tally) in &self.lost {
            write!(f, " lost.{reason}={}", tally.operations)?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct AtomicTally {
    operations: AtomicU64,
    bytes: AtomicU64,
}

impl AtomicTally {
    fn add(&self, tally: Tally) {
        self.operations.fetch_add(tally.operations, Relaxed);
        self.bytes.fetch_add(tally.bytes, Relaxed);
    }

    fn read(&self) -> Tally {
        Tally::new(self.operations.load(Relaxed), self.bytes.load(Relaxed))
    }
}

/// The counted fates behind a [`Ledger`]. What was accepted is counted by each instance, on its own cache line.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    delivered: AtomicTally,
    rejected: [AtomicTally; RejectReason::ALL.len()],
    lost: [AtomicTally; LossReason::ALL.len()],
    spooled: AtomicTally,
}

impl Fates {
    pub(crate) fn record(&self, fate: Fate, tally: Tally) {
        match fate {
            Fate::Delivered => self.delivered.add(tally),
            Fate::Rejected(reason) => self.rejected[reason as usize].add(tally),
            Fate::Lost(reason) => self.lost[reason as usize].add(tally),
            Fate::Spooled => self.spooled.add(tally),
        }
    }

    /// The ledger of these fates, with nothing accepted yet. Read it before what was accepted, so that an
    /// operation settled in between shows as in flight and never as a negative number.
    pub(crate) fn ledger(&self) -> Ledger {
        fn occurred<R: Copy>(all: &[R], counts: &[AtomicTally]) -> Vec<(R, Tally)> {
            let tallies = all.iter().copied().zip(counts.iter().map(AtomicTally::read));
            tallies.filter(|(_, tally)| *tally != Tally::default()).collect()
        }
        Ledger {
            accepted: Tally::default(),
            delivered: self.delivered.read(),
            rejected: occurred(RejectReason::ALL, &self.rejected),
            lost: occurred(LossReason::ALL, &self.lost),
            spooled: self.spooled.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_fate_yet_is_in_flight() {
        let fates = Fates::default();
        fates.record(Fate::Delivered, Tally::new(2, 200));
        fates.record(Fate::Rejected(RejectReason::Validation), Tally::new(1, 50));
        fates.record(Fate::Lost(LossReason::QueueFull), Tally::new(1, 70));

        let ledger = Ledger { accepted: Tally::new(7, 1000), ..fates.ledger() };

        assert_eq!(ledger.in_flight(), Tally::new(3, 680));
        assert_eq!(ledger.rejected_for(RejectReason::Validation), Tally::new(1, 50));
        assert_eq!(ledger.lost_for(LossReason::ShutDown), Tally::default());
        assert_eq!(
            ledger.to_string(),
            "accepted=7 delivered=2 rejected=1 lost=1 in_flight=3 rejected.validation=1 lost.queue_full=1"
        );
    }

    #[test]
    fn what_is_given_up_is_lost_beside_what_was_lost_before() {
        let lost =
            vec![(LossReason::QueueFull, Tally::new(1, 70)), (LossReason::Internal, Tally::new(1, 30))];
        let ledger = Ledger { accepted: Tally::new(7, 1000), lost, ..Ledger::default() };

        let given_up = ledger.with_the_rest_lost(LossReason::ShutDown);
        let again = Ledger { accepted: Tally::new(8, 1001), ..given_up.clone() };
        let again = again.with_the_rest_lost(LossReason::ShutDown);

        assert_eq!(given_up.in_flight(), Tally::default());
        assert_eq!(given_up.lost_for(LossReason::ShutDown), Tally::new(5, 900));
        assert_eq!(again.lost_for(LossReason::ShutDown), Tally::new(6, 901));
        assert!(again.lost.is_sorted_by_key(|(reason, _)| *reason));
    }

    #[test]
    fn a_clean_ledger_is_one_short_line() {
        let ledger = Ledger { accepted: Tally::new(5, 9), delivered: Tally::new(5, 9), ..Ledger::default() };

        assert_eq!(ledger.to_string(), "accepted=5 delivered=5 rejected=0 lost=0");
    }
}
