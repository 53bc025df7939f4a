//! What the disk has not taken yet, in its order. Pure.

use std::collections::VecDeque;

use crate::operation::Operation;

/// Operations that are written at once.
const BATCH: usize = 4_096;

/// Operations that are in memory alone and must not be overtaken.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    operations: VecDeque<Operation>,
    bytes: u64,
}

impl Unwritten {
    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Bytes of memory that they hold.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn extend(&mut self, operations: Vec<Operation>) {
        self.bytes += bytes_of(&operations);
        self.operations.extend(operations);
    }

    /// Takes what is written at once: about `most` bytes, and at least one. All of it is written or none is, so it must not
    /// be a large part of what fits.
    pub(super) fn next_batch(&mut self, most: u64) -> Vec<Operation> {
        let mut bytes = 0;
        let fits = |operation: &&Operation| {
            bytes += operation.ticket.tally().bytes;
            bytes <= most
        };
        let count = self.operations.iter().take(BATCH).take_while(fits).count().max(1);
        let batch: Vec<_> = self.operations.drain(..count.min(self.operations.len())).collect();
        self.bytes -= bytes_of(&batch);
        batch
    }

    /// Puts a batch back in its place, which the disk did not take.
    pub(super) fn put_back(&mut self, batch: Vec<Operation>) {
        self.bytes += bytes_of(&batch);
        batch.into_iter().rev().for_each(|operation| self.operations.push_front(operation));
    }
}

fn bytes_of(operations: &[Operation]) -> u64 {
    operations.iter().map(|operation| operation.ticket.tally().bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, create, operation, words};

    #[test]
    fn what_is_put_back_is_taken_again_in_its_order_and_counted_once() {
        let pipeline = fixture::pipeline();
        let run = fixture::run(&pipeline, 1);
        let mut unwritten = Unwritten::default();
        unwritten.extend((10..14).map(|number| operation(&run, create(number, None))).collect());
        let all = unwritten.bytes();

        let first = unwritten.next_batch(all / 2);
        assert_eq!(words(&first), ["create 10", "create 11"]);
        assert_eq!(unwritten.bytes(), all / 2);
        unwritten.put_back(first);

        assert_eq!(unwritten.bytes(), all);
        assert_eq!(words(&unwritten.next_batch(1)), ["create 10"], "one goes in any case");
        assert_eq!(words(&unwritten.next_batch(all)), ["create 11", "create 12", "create 13"]);
        assert_eq!((unwritten.bytes(), unwritten.is_empty()), (0, true));
    }
}
