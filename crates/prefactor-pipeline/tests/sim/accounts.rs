//! What the pipeline's hooks tell: the fates of operations, by run and by reason.

use std::collections::HashMap;

use prefactor_pfid::Pfid;
use prefactor_pipeline::{Delivered, Ledger, LossReason, Tally, Undelivered, UndeliveredReason};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunFates {
    pub(crate) delivered: u64,
    pub(crate) undelivered: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    delivered: Tally,
    undelivered: HashMap<UndeliveredReason, Tally>,
    by_id: HashMap<Option<Pfid>, RunFates>,
    /// The runs of the ids that are known.
    runs: HashMap<Pfid, usize>,
}

impl Accounts {
    pub(crate) fn delivered(&mut self, event: &Delivered) {
        self.delivered += event.tally;
        self.by_id.entry(event.instance).or_default().delivered += event.tally.operations;
    }

    pub(crate) fn undelivered(&mut self, event: &Undelivered) {
        *self.undelivered.entry(event.reason).or_default() += event.tally;
        self.by_id.entry(event.instance).or_default().undelivered += event.tally.operations;
    }

    pub(crate) fn settled(&self) -> Tally {
        self.undelivered.values().fold(self.delivered, |sum, tally| sum + *tally)
    }

    pub(crate) fn lost(&self) -> impl Iterator<Item = LossReason> {
        self.undelivered.keys().filter_map(|reason| match reason {
            UndeliveredReason::Lost(reason) => Some(*reason),
            _ => None,
        })
    }

    pub(crate) fn is_run(&mut self, id: Pfid, run: usize) {
        self.runs.insert(id, run);
    }

    pub(crate) fn of_run(&self, run: usize) -> RunFates {
        let mut sum = RunFates::default();
        for (id, fates) in &self.by_id {
            if id.and_then(|id| self.runs.get(&id)) == Some(&run) {
                sum.delivered += fates.delivered;
                sum.undelivered += fates.undelivered;
            }
        }
        sum
    }

    /// Operations that were not delivered, of runs whose id nobody knows.
    pub(crate) fn undelivered_elsewhere(&self) -> u64 {
        let known = |id: &Option<Pfid>| id.is_some_and(|id| self.runs.contains_key(&id));
        self.by_id.iter().filter(|(id, _)| !known(id)).map(|(_, fates)| fates.undelivered).sum()
    }

    /// Whether the hooks and the ledger tell the same story.
    pub(crate) fn agree(&self, ledger: &Ledger) -> Result<(), String> {
        let of_ledger: HashMap<_, _> = ledger
            .rejected
            .iter()
            .map(|(reason, tally)| (UndeliveredReason::Rejected(*reason), *tally))
            .chain(ledger.lost.iter().map(|(reason, tally)| (UndeliveredReason::Lost(*reason), *tally)))
            .collect();
        if self.delivered != ledger.delivered || self.undelivered != of_ledger {
            return Err(format!("the hooks were told {self:?}, the ledger is {ledger:?}"));
        }
        Ok(())
    }
}
