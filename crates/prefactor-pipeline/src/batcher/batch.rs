//! A batch: the operations of one request, and the lease on their instances.

use std::sync::Arc;

use prefactor_pfid::Stem;

use super::{BatcherInbox, BatcherInput, Completed, Doubt};
use crate::operation::Operation;

/// Operations that go into one request, in order.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) operations: Vec<Operation>,
    pub(crate) doubt: Doubt,
    pub(crate) lease: Lease,
}

/// The right to have a request in flight for some instances. It ends when it is completed, or at the latest when it is
/// dropped, so that no instance waits for ever, however its batch ends.
#[derive(Debug)]
pub(crate) struct Lease {
    runs: Vec<Stem>,
    batcher: Option<Arc<BatcherInbox>>,
}

impl Lease {
    pub(crate) fn new(runs: Vec<Stem>, batcher: Arc<BatcherInbox>) -> Self {
        Self { runs, batcher: Some(batcher) }
    }

    /// Gives the instances back, with what is left to do for them.
    pub(crate) fn complete(mut self, left: Completed) {
        self.give_back(left);
    }

    fn give_back(&mut self, left: Completed) {
        if let Some(batcher) = self.batcher.take() {
            batcher.push(BatcherInput::Completed(Completed { runs: std::mem::take(&mut self.runs), ..left }));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(Completed::default());
    }
}
