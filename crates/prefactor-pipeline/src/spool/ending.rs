//! What a pipeline has not delivered when it ends is written, so that the next one does.

use std::collections::HashMap;

use prefactor_pfid::Stem;

use super::stage::Leftovers;
use super::writer::Writer;
use crate::ledger::{Fate, LossReason};
use crate::operation::Operation;
use crate::random_key::RandomKeyed;

impl Writer {
    /// Writes as much as fits, from the oldest on. What comes behind the first that finds no room is lost, whether it would
    /// fit or not: it may need what was lost before it.
    pub(super) fn end(&mut self, left: Leftovers) {
        let Leftovers { passed, queued } = left;
        self.acknowledge();
        // What is done with makes room.
        self.journal.sync();
        self.unwritten.extend(queued);
        let (mut passed, stays) = split(passed);
        let taken = self.journal.prepend_what_fits(&passed);
        let mut refused = passed.split_off(taken);
        for mut operation in passed {
            operation.ticket.claim.take().for_each(|sequence| self.journal.acknowledge(sequence));
            operation.settle(Fate::Spooled);
        }
        while !self.unwritten.is_empty() {
            let mut batch = self.unwritten.next_batch(self.config.max_bytes / 16);
            let taken = if refused.is_empty() { self.journal.append_what_fits(&batch) } else { 0 };
            refused.extend(batch.split_off(taken));
            batch.into_iter().for_each(|operation| operation.settle(Fate::Spooled));
        }
        // These are on disk where they belong; dropping them says so.
        drop(stays);
        self.runs.all_stays();
        self.journal.sync();
        self.acknowledge();
        self.journal.close();
        self.measure();
        if !refused.is_empty() {
            // Those among them that have a record stay where that is.
            refused.retain(|operation| operation.ticket.claim.is_empty());
            self.pipeline.give_up(LossReason::NotSpooled);
        }
    }
}

/// Operations in the order of each run: those that have to be written before all that is on disk, and those that are there
/// already, where they belong. One that is not on disk takes those before it with it.
fn split(operations: Vec<Operation>) -> (Vec<Operation>, Vec<Operation>) {
    let mut last_unclaimed: HashMap<Stem, usize, RandomKeyed> = HashMap::default();
    for (place, operation) in operations.iter().enumerate() {
        if operation.ticket.claim.is_empty() {
            last_unclaimed.insert(operation.run().key(), place);
        }
    }
    let mut place = 0;
    operations.into_iter().partition(|operation| {
        let written = last_unclaimed.get(&operation.run().key()).is_some_and(|last| place <= *last);
        place += 1;
        written
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, create, finish, operation, words};
    use crate::spool::Claim;

    #[test]
    fn what_is_on_no_disk_goes_first_with_what_comes_before_it_in_its_run() {
        let pipeline = fixture::pipeline();
        let [mixed, written, unwritten] = [1, 2, 3].map(|n| fixture::run(&pipeline, n));
        let on_disk = |number, run, action| {
            let mut operation = operation(run, action);
            operation.ticket.claim = Claim::of(number);
            operation
        };
        let left = vec![
            on_disk(1, &mixed, create(10, None)),
            on_disk(2, &written, create(20, None)),
            operation(&mixed, create(11, None)),
            operation(&unwritten, create(30, None)),
            on_disk(3, &mixed, finish(10)),
            on_disk(4, &written, finish(20)),
        ];

        let (goes_first, stays) = split(left);

        assert_eq!(words(&goes_first), ["create 10", "create 11", "create 30"]);
        assert_eq!(words(&stays), ["create 20", "finish 10 complete", "finish 20 complete"]);
    }
}
