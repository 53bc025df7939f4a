//! What waits to be sent for one instance, with span operations merged while they wait.

use std::collections::HashMap;

use prefactor_pfid::Stem;
use tokio::time::Instant;

use super::Doubt;
use crate::operation::{Action, CreateSpan, Operation, SpanEnd, SpanFinish, Ticket};
use crate::random_key::RandomKeyed;
use crate::segments::Segments;
use crate::wire;

/// Whether the operations of an instance may be put into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Yes, and they wait since then.
    Ready { since: Instant },
    /// No: earlier ones are in flight, and an instance has one request in flight.
    InFlight,
    /// Not yet: there is a reason to wait that concerns this instance.
    Parked,
    /// Not yet: the API did not answer. If it answers others, the wait is over.
    Resting,
}

/// The operations of one instance in order.
///
/// Invariant: a finish is merged into its create only while that create was never part of a request. After that the
/// create's key may be known to the API, which would answer it without looking at what was merged in.
#[derive(Debug)]
pub(crate) struct RunQueue {
    pub(crate) standing: Standing,
    /// Whether the first of the operations have had their time to wait for company.
    pub(crate) overdue: bool,
    pub(crate) doubt: Doubt,
    operations: Segments<Operation>,
    /// Creates of open spans that are still here and were never sent, by their number.
    creates: HashMap<Stem, u64, RandomKeyed>,
    wire_len: usize,
}

impl RunQueue {
    pub(crate) fn new(standing: Standing) -> Self {
        Self {
            standing,
            overdue: false,
            doubt: Doubt::NONE,
            operations: Segments::default(),
            creates: HashMap::default(),
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

    pub(crate) fn extend(&mut self, operations: Segments<Operation>) {
        // What can't be merged with anything stays in the memory where it is.
        if self.is_empty() && operations.iter().all(|operation| operation.action.is_whole_span()) {
            debug_assert!(self.creates.is_empty(), "numbers of other operations");
            self.wire_len = operations.iter().map(wire::estimated_len).sum();
            self.operations = operations;
            return;
        }
        self.operations.reserve(operations.len());
        for operation in operations {
            self.push(operation);
        }
    }

    fn push(&mut self, operation: Operation) {
        let operation = match operation {
            Operation { ticket, action: Action::FinishSpan { id, finish }, .. } => {
                match self.merge(id, finish, ticket) {
                    Some(alone) => alone,
                    None => return,
                }
            }
            other => other,
        };
        let open = match &operation.action {
            Action::CreateSpan(CreateSpan { id, end: SpanEnd::Open, .. }) if !operation.sent => Some(*id),
            _ => None,
        };
        self.wire_len += wire::estimated_len(&operation);
        let number = self.operations.push_back(operation);
        if let Some(id) = open {
            self.creates.insert(id, number);
        }
    }

    /// Merges a finish into the create of its span, if that still waits here; gives back what stays on its own.
    fn merge(&mut self, id: Stem, finish: SpanFinish, ticket: Ticket) -> Option<Operation> {
        let alone = |finish, ticket| Some(Operation::new(ticket, Action::FinishSpan { id, finish }));
        let waiting = self.creates.remove(&id).and_then(|number| self.operations.get_mut(number));
        let Some(Operation { ticket: create_ticket, action: Action::CreateSpan(create), .. }) = waiting
        else {
            return alone(finish, ticket);
        };
        if !create_ticket.may_absorb(&ticket) {
            return alone(finish, ticket);
        }
        let finish_len = wire::estimated_finish_len(&finish);
        if let Some(finish) = create.end_with(finish) {
            return alone(finish, ticket);
        }
        self.wire_len += finish_len;
        create_ticket.absorb(ticket);
        None
    }

    /// What `pop` would take.
    pub(crate) fn front(&self) -> Option<&Operation> {
        self.operations.front()
    }

    /// Takes the first operation for a batch.
    pub(crate) fn pop(&mut self) -> Option<Operation> {
        let operation = self.operations.pop_front()?;
        self.wire_len -= wire::estimated_len(&operation);
        if let Action::CreateSpan(CreateSpan { id, end: SpanEnd::Open, .. }) = &operation.action {
            self.creates.remove(id);
        }
        if self.operations.is_empty() {
            // Thousands of idle instances must not each keep the room of their busiest moment.
            self.creates = HashMap::default();
        }
        Some(operation)
    }

    /// The same in bytes of a request.
    pub(crate) fn front_len(&self) -> usize {
        self.operations.front().map_or(0, wire::estimated_len)
    }

    /// Puts an operation back that has to be sent again, before all others.
    pub(crate) fn put_back(&mut self, operation: Operation) {
        self.overdue = true;
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

#[cfg(test)]
mod tests {
    use prefactor_http::FinishStatus;

    use super::*;
    use crate::fixture::{self, cancel, create, finish, finish_as, operation, words};
    use crate::ledger::Fate;
    use crate::ledger::Tally;
    use crate::spool::Claim;

    fn queue() -> RunQueue {
        RunQueue::new(Standing::InFlight)
    }

    fn call(queue: &mut RunQueue, operation: Operation) {
        queue.extend(Segments::from_iter([operation]));
    }

    fn pop_all(queue: &mut RunQueue) -> Vec<Operation> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn create_and_finish_become_one_item_in_the_place_of_the_create() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();

        for action in [create(1, None), create(2, Some(1)), finish(2), create(3, Some(1)), finish(1)] {
            call(&mut queue, operation(&run, action));
        }

        let operations = pop_all(&mut queue);
        assert_eq!(words(&operations), ["whole 1 complete", "whole 2 complete", "create 3"]);
        let accepted = run.account().accepted();
        for operation in operations {
            operation.settle(Fate::Delivered);
        }
        assert_eq!(run.account().ledger().delivered, accepted);
        assert_eq!(accepted.operations, 5);
    }

    #[test]
    fn a_create_that_was_taken_for_a_batch_stays_as_it_is() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();
        call(&mut queue, operation(&run, create(1, None)));
        let sent = queue.pop().expect("the create");

        call(&mut queue, operation(&run, finish(1)));
        queue.put_back(sent);

        assert_eq!(words(&pop_all(&mut queue)), ["create 1", "finish 1 complete"]);
    }

    #[test]
    fn a_create_that_was_put_back_takes_in_no_finish() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();
        call(&mut queue, operation(&run, create(1, None)));
        call(&mut queue, operation(&run, create(2, None)));
        let sent = queue.pop().expect("the create");

        queue.put_back(sent);
        call(&mut queue, operation(&run, finish(1)));
        call(&mut queue, operation(&run, finish(2)));

        assert_eq!(words(&pop_all(&mut queue)), ["create 1", "whole 2 complete", "finish 1 complete"]);
    }

    #[test]
    fn a_create_that_an_earlier_process_has_left_takes_in_no_finish() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();

        call(&mut queue, Operation { sent: true, ..operation(&run, create(1, None)) });
        call(&mut queue, operation(&run, finish(1)));

        assert_eq!(words(&pop_all(&mut queue)), ["create 1", "finish 1 complete"]);
    }

    #[test]
    fn what_is_on_disk_is_not_merged_with_what_is_not() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();
        let on_disk = |number, action| {
            let mut operation = operation(&run, action);
            operation.ticket.claim = Claim::of(number);
            operation
        };

        call(&mut queue, operation(&run, create(1, None)));
        call(&mut queue, on_disk(7, create(2, None)));
        call(&mut queue, on_disk(8, finish(1)));
        call(&mut queue, on_disk(9, finish(2)));

        assert_eq!(words(&pop_all(&mut queue)), ["create 1", "whole 2 complete", "finish 1 complete"]);
    }

    #[test]
    fn a_cancelled_span_is_created_pending_and_cancelled_behind_it() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();

        for action in [create(1, None), create(2, Some(1)), cancel(2), cancel(1)] {
            call(&mut queue, operation(&run, action));
        }

        assert_eq!(
            words(&pop_all(&mut queue)),
            ["pending 1", "pending 2", "finish 2 cancelled", "finish 1 cancelled"]
        );
    }

    #[test]
    fn a_failed_span_is_born_failed() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();

        call(&mut queue, operation(&run, create(1, None)));
        call(&mut queue, operation(&run, finish_as(1, FinishStatus::Failed, None)));

        assert_eq!(words(&pop_all(&mut queue)), ["whole 1 failed"]);
    }

    #[test]
    fn what_is_put_back_comes_first_and_in_its_order() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();
        for action in [fixture::register(), fixture::start(), create(1, None), create(2, None)] {
            call(&mut queue, operation(&run, action));
        }
        let sent: Vec<_> = (0..3).filter_map(|_| queue.pop()).collect();

        for operation in sent.into_iter().rev() {
            queue.put_back(operation);
        }

        assert_eq!(words(&pop_all(&mut queue)), ["register", "start", "create 1", "create 2"]);
    }

    #[test]
    fn the_length_on_the_wire_is_that_of_what_is_there() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut queue = queue();
        for action in [create(1, None), create(2, None), finish(1), cancel(2), finish(9)] {
            call(&mut queue, operation(&run, action));
        }

        let mut expected = queue.wire_len();
        while let Some(operation) = queue.pop() {
            expected -= wire::estimated_len(&operation);
            assert_eq!(queue.wire_len(), expected);
        }

        assert_eq!(expected, 0);
        assert_eq!(queue.front_len(), 0);
    }

    #[test]
    fn taking_everything_leaves_nothing() {
        let pipeline = fixture::pipeline();
        let run = fixture::run(&pipeline, 1);
        let mut queue = queue();
        call(&mut queue, operation(&run, create(1, None)));

        let taken: Vec<_> = queue.take_all().collect();
        call(&mut queue, operation(&run, finish(1)));

        assert_eq!(words(&taken), ["create 1"]);
        assert_eq!(words(&pop_all(&mut queue)), ["finish 1 complete"]);
        assert_eq!(queue.wire_len(), 0);
        drop(taken);
        assert_eq!(pipeline.ledger().in_flight(), Tally::default());
    }
}
