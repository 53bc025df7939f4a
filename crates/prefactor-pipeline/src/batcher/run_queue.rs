//! What waits to be sent for one instance, with span operations merged while they wait.

use std::collections::{HashMap, VecDeque};

use prefactor_http::FinishStatus;
use prefactor_pfid::Stem;
use tokio::time::Instant;

use crate::operation::{Action, Operation, SpanEnd};
use crate::random_key::RandomKeyed;
use crate::wire;

/// Whether the operations of an instance may be put into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Yes, and they wait since then.
    Ready { since: Instant },
    /// No: earlier ones are in flight, and an instance has one request in flight.
    InFlight,
    /// Not yet: the API asked to come back later for this instance alone.
    Parked,
}

/// The operations of one instance in order.
///
/// Invariant: a finish is merged into its create only while that create was never part of a request. After that the
/// create's key may be known to the API, which would answer it without looking at what was merged in.
#[derive(Debug)]
pub(crate) struct RunQueue {
    pub(crate) standing: Standing,
    operations: VecDeque<Operation>,
    /// Creates that are still here and were never sent, by their number: the number of the front is `first`.
    creates: HashMap<Stem, u64, RandomKeyed>,
    first: u64,
    wire_len: usize,
}

impl RunQueue {
    pub(crate) fn new(standing: Standing) -> Self {
        Self {
            standing,
            operations: VecDeque::new(),
            creates: HashMap::default(),
            // Leaves room for what is put back at the front.
            first: u64::MAX / 2,
            wire_len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether nothing of this instance can be delivered any more.
    pub(crate) fn is_refused(&self) -> bool {
        self.operations.front().is_some_and(|operation| operation.run().is_refused())
    }

    /// About how many bytes the operations take in a request.
    pub(crate) fn wire_len(&self) -> usize {
        self.wire_len
    }

    pub(crate) fn push(&mut self, operation: Operation) {
        let Some(operation) = self.merge(operation) else { return };
        if let Action::CreateSpan(create) = &operation.action {
            self.creates.insert(create.id, self.first + self.operations.len() as u64);
        }
        self.wire_len += wire::estimated_len(&operation);
        self.operations.push_back(operation);
    }

    /// Merges a finish into the create of its span, if that still waits here; gives back what stays on its own.
    fn merge(&mut self, operation: Operation) -> Option<Operation> {
        let Operation { ticket, action, .. } = operation;
        let alone = |ticket, action| Some(Operation::new(ticket, action));
        let Action::FinishSpan { id, finish } = action else { return alone(ticket, action) };
        let waiting = self
            .creates
            .remove(&id)
            .and_then(|number| self.operations.get_mut(usize::try_from(number - self.first).ok()?));
        let Some(Operation { ticket: create_ticket, action: Action::CreateSpan(create), .. }) = waiting
        else {
            return alone(ticket, Action::FinishSpan { id, finish });
        };
        if finish.status == FinishStatus::Cancelled {
            create.end = SpanEnd::Cancelled;
            return alone(ticket, Action::FinishSpan { id, finish });
        }
        self.wire_len += wire::estimated_finish_len(&finish);
        create.end = SpanEnd::Finished(finish);
        create_ticket.absorb(ticket);
        None
    }

    /// Takes the first operation for a batch.
    pub(crate) fn pop(&mut self) -> Option<Operation> {
        let operation = self.operations.pop_front()?;
        self.first += 1;
        self.wire_len -= wire::estimated_len(&operation);
        if let Action::CreateSpan(create) = &operation.action {
            self.creates.remove(&create.id);
        }
        if self.operations.is_empty() {
            // Thousands of idle instances must not each keep the room of their busiest moment.
            self.operations = VecDeque::new();
            self.creates = HashMap::default();
        }
        Some(operation)
    }

    /// What `pop` would take, in bytes of a request.
    pub(crate) fn front_len(&self) -> usize {
        self.operations.front().map_or(0, wire::estimated_len)
    }

    /// Puts an operation back that has to be sent again, before all others.
    pub(crate) fn put_back(&mut self, operation: Operation) {
        self.first -= 1;
        self.wire_len += wire::estimated_len(&operation);
        self.operations.push_front(operation);
    }

    /// Takes everything, for an instance whose operations can't be delivered any more.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Operation> + use<> {
        self.creates = HashMap::default();
        self.wire_len = 0;
        std::mem::take(&mut self.operations).into_iter()
    }
}
