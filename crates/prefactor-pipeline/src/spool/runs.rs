//! The instances whose operations wait on disk, and how operations leave memory and come back.

use std::collections::HashMap;
use std::sync::Arc;

use prefactor_pfid::Stem;

use super::record::{Decoded, Ids};
use super::{Claim, record};
use crate::account::Epoch;
use crate::instance::Run;
use crate::ledger::{Fate, LossReason, Tally};
use crate::operation::{Action, Operation, Ticket};
use crate::pipeline::Pipeline;
use crate::random_key::RandomKeyed;

/// Operations of one run that were accepted by this process and are on disk alone.
#[derive(Debug)]
struct Waiting {
    run: Arc<Run>,
    tally: Tally,
    operations: [u64; Epoch::COUNT],
}

#[derive(Debug)]
pub(super) struct Runs {
    pipeline: Arc<Pipeline>,
    waiting: HashMap<Stem, Waiting, RandomKeyed>,
    /// The ids of runs and spans that records may not tell.
    ids: Ids,
}

impl Runs {
    pub(super) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline, waiting: HashMap::default(), ids: Ids::default() }
    }

    /// Takes in what an earlier process has written down.
    pub(super) fn learn(&mut self, notes: &[Vec<u8>]) {
        self.ids.extend(notes.iter().filter_map(|note| record::decode_id(note)));
        if let Some(id) = self.ids.values().next() {
            self.pipeline.learn_partition(id.partition());
        }
    }

    /// Gives the memory of an operation back that is on disk.
    pub(super) fn set_down(&mut self, operation: Operation) {
        let run = Arc::clone(operation.run());
        let (tally, operations) = operation.ticket.set_down();
        let new =
            || Waiting { run: Arc::clone(&run), tally: Tally::default(), operations: [0; Epoch::COUNT] };
        let waiting = self.waiting.entry(run.key()).or_insert_with(new);
        waiting.tally += tally;
        waiting.operations.iter_mut().zip(operations).for_each(|(sum, count)| *sum += u64::from(count));
    }

    /// Makes an operation again from its record, which this process has written.
    pub(super) fn pick_up(&mut self, decoded: Decoded, sequence: u64) -> Option<Operation> {
        let Decoded { run, operations, action, .. } = decoded;
        let bytes = action.frame_len() + action.content_len();
        let waiting = self.waiting.get_mut(&run)?;
        let tally = Tally::new(operations.iter().copied().map(u64::from).sum(), bytes as u64);
        waiting.tally = waiting.tally - tally;
        waiting.operations.iter_mut().zip(operations).for_each(|(sum, count)| *sum -= u64::from(count));
        let ticket =
            Ticket::picked_up(Arc::clone(&waiting.run), operations, bytes as u32, Claim::of(sequence));
        Some(Operation::new(ticket, action))
    }

    /// Makes an operation again that an earlier process has left, and accepts it for this one. `None` for an operation
    /// whose run can't be known any more.
    pub(super) fn revive(&mut self, decoded: Decoded, sequence: u64) -> Option<Operation> {
        let (id, referred) = (decoded.instance(&self.ids), decoded.referred(&self.ids));
        let Decoded { run: key, operations, action, .. } = decoded;
        let run = match self.waiting.get(&key) {
            Some(waiting) => Arc::clone(&waiting.run),
            None => {
                let begins = matches!(action, Action::Register { .. });
                if id.is_none() && !begins {
                    return None;
                }
                let run = Run::revive(Arc::clone(&self.pipeline), key, id, begins);
                let waiting =
                    Waiting { run: Arc::clone(&run), tally: Tally::default(), operations: [0; Epoch::COUNT] };
                self.waiting.insert(key, waiting);
                run
            }
        };
        if let Some((span, id)) = referred {
            run.span_created_as(span, id);
        }
        if let Action::FinishInstance { .. } = action {
            // The last of its run.
            self.waiting.remove(&key);
        }
        let bytes = action.frame_len() + action.content_len();
        let mut accepted = [0; Epoch::COUNT];
        for call in 0..operations.iter().sum::<u16>().clamp(1, 2) {
            let epoch = run.account().accept(if call == 0 { bytes as u64 } else { 0 });
            accepted[epoch.index()] += 1;
        }
        let ticket = Ticket::picked_up(run, accepted, bytes as u32, Claim::of(sequence));
        Some(Operation { sent: true, ..Operation::new(ticket, action) })
    }

    /// All was read: what is still waited for is in no record any more.
    pub(super) fn all_read(&mut self) {
        self.settle(Fate::Lost(LossReason::SpoolDamaged));
        self.ids = Ids::default();
    }

    /// What is on disk stays there.
    pub(super) fn all_stays(&mut self) {
        self.settle(Fate::Spooled);
    }

    fn settle(&mut self, fate: Fate) {
        for (_, Waiting { run, tally, operations }) in self.waiting.drain() {
            if tally.operations > 0 {
                run.settle_on_disk(fate, tally, operations);
            }
        }
    }
}
