//! What was delivered, summed up before it is settled.

use std::sync::Arc;

use super::Ticket;
use crate::account::Epoch;
use crate::instance::Run;
use crate::ledger::{Fate, Tally};

/// Sums delivered operations, and settles each stretch of those of one run in one step, at the latest when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Deliveries(Option<Delivery>);

/// Some operations of one run.
#[derive(Debug)]
struct Delivery {
    run: Arc<Run>,
    tally: Tally,
    operations: [u64; Epoch::COUNT],
}

impl Deliveries {
    /// Adds the operations of a ticket that has not been settled.
    pub(crate) fn add(&mut self, ticket: &mut Ticket) {
        let delivery = match &mut self.0 {
            Some(delivery) if Arc::ptr_eq(&delivery.run, &ticket.run) => delivery,
            // What was there before is settled.
            last => last.insert(Delivery::new(Arc::clone(&ticket.run))),
        };
        let (tally, operations) = ticket.take();
        delivery.tally += tally;
        for (sum, count) in delivery.operations.iter_mut().zip(operations) {
            *sum += count;
        }
        ticket.let_go_of_records();
    }
}

impl Delivery {
    fn new(run: Arc<Run>) -> Self {
        Self { run, tally: Tally::default(), operations: [0; Epoch::COUNT] }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.run.settle(Fate::Delivered, self.tally, self.operations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, create, operation};
    use crate::operation::Operation;

    /// Operations of two runs, in turns, and those runs.
    fn in_turns() -> (Vec<Operation>, [Arc<Run>; 2]) {
        let pipeline = fixture::pipeline();
        let runs = [1, 2].map(|n| fixture::run(&pipeline, n));
        let of = |run: usize, span| operation(&runs[run], create(span, None));
        (vec![of(0, 3), of(0, 4), of(1, 5), of(0, 6)], runs)
    }

    #[test]
    fn deliveries_are_settled_run_by_run_and_all_of_them_at_the_end() {
        let (mut operations, runs) = in_turns();
        let delivered = |run: &Run| run.account().ledger().delivered.operations;
        let mark = runs[0].account().mark();
        assert!(runs[0].account().seal(mark));
        operations.push(operation(&runs[0], create(7, None)));
        let mut deliveries = Deliveries::default();

        operations.iter_mut().for_each(|operation| deliveries.add(&mut operation.ticket));
        assert_eq!((delivered(&runs[0]), delivered(&runs[1])), (2, 1));
        assert!(!runs[0].account().is_drained(mark));
        drop(deliveries);

        assert_eq!((delivered(&runs[0]), delivered(&runs[1])), (4, 1));
        assert!(runs[0].account().is_drained(mark));
        drop(operations);
        assert!(runs.iter().all(|run| run.account().ledger().in_flight() == Tally::default()));
        assert_eq!(runs[0].pipeline().admission().held(), 0);
    }

    #[test]
    fn deliveries_before_a_panic_count_as_such() {
        let (mut operations, runs) = in_turns();

        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut deliveries = Deliveries::default();
            deliveries.add(&mut operations[0].ticket);
            std::panic::resume_unwind(Box::new("a bug"));
        }));
        drop(operations);

        assert!(panicked.is_err());
        let ledger = runs[0].account().ledger();
        assert_eq!((ledger.delivered.operations, ledger.lost_total().operations), (1, 2));
        assert_eq!(runs[0].pipeline().admission().held(), 0);
    }
}
