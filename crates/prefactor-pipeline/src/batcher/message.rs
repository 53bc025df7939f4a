//! What the batcher is told.

use prefactor_pfid::Stem;
use tokio::time::Instant;

use super::Doubt;
use crate::inbox::{Inbox, Wake};
use crate::operation::Operation;
use crate::segments::Segments;

/// Orders; the work itself waits in the [`BatcherInbox`].
#[derive(Debug)]
pub(crate) enum BatcherMessage {
    /// From whoever put something into the inbox, and from a flush.
    WorkArrived,
    /// From the batcher's own timer: something may be due.
    BatchDue,
}

impl Wake for BatcherMessage {
    fn wake() -> Self {
        Self::WorkArrived
    }
}

pub(crate) type BatcherInbox = Inbox<BatcherInput, BatcherMessage>;

#[derive(Debug)]
pub(crate) enum BatcherInput {
    /// From an instance, or from the intake past its actor: operations of this one instance that may be sent, in order.
    Operations(Segments<Operation>),
    /// From a batch that is done with, through its lease.
    Completed(Completed),
    /// From the sender: the API answers again.
    Recovered,
}

/// How a batch ended, as far as the batcher is concerned.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    /// The instances whose next operations may be sent now.
    pub(crate) runs: Vec<Stem>,
    /// Operations that must be sent again, in order; they come before all that waits for their instances.
    pub(crate) returned: Vec<Operation>,
    /// Instances that must not be sent before a time.
    pub(crate) parked: Vec<(Stem, Instant)>,
    /// Why the request was given up, where it was neither answered nor refused.
    pub(crate) trouble: Option<Trouble>,
    /// The API has gone through the items.
    pub(crate) processed: bool,
    /// What was learnt of the API's limits.
    pub(crate) limit: Option<LimitLesson>,
}

impl Completed {
    pub(crate) fn is_parked(&self, run: Stem) -> bool {
        self.parked.iter().any(|(parked, _)| *parked == run)
    }
}

/// A request that was given up for the time being: all its operations come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// When they may be sent again.
    pub(crate) until: Instant,
    /// What is known of them now.
    pub(crate) doubt: Doubt,
    /// The wait is over when the API answers others.
    pub(crate) rests: bool,
}

/// What an answer about a whole request says of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitLesson {
    /// So many bytes are too many.
    TooManyBytes(usize),
    /// So many items were refused as a whole.
    RefusedItems(usize),
    /// A single item was refused: what was learnt on the way to it was about that item, and not about size.
    RefusedAlone,
}
