//! Who has to be looked after.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prefactor_pfid::Stem;
use ractor::ActorId;

use crate::instance::Run;
use crate::operation::Operation;

/// The instances that somebody has to look after. Survives the intake's own actor.
#[derive(Debug, Default)]
pub(crate) struct LiveRuns(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    /// Those that have an actor, by that actor.
    at_work: BTreeMap<ActorId, Arc<Run>>,
    /// Those that have none, but hold operations until their registration is answered.
    waiting: BTreeMap<Stem, Arc<Run>>,
}

impl LiveRuns {
    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no instance has an actor.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().at_work.is_empty()
    }

    pub(super) fn works(&self, actor: ActorId, run: Arc<Run>) {
        let mut runs = self.lock();
        runs.waiting.remove(&run.key());
        runs.at_work.insert(actor, run);
    }

    pub(super) fn waits(&self, run: Arc<Run>) {
        self.lock().waiting.insert(run.key(), run);
    }

    /// The run of an actor that is gone. Lets go of the lock, so that the caller may start another actor.
    pub(super) fn remove(&self, actor: ActorId) -> Option<Arc<Run>> {
        self.lock().at_work.remove(&actor)
    }

    /// Ends the actors that had nothing to do since the last time.
    pub(super) fn sweep(&self) {
        for run in self.lock().at_work.values() {
            run.rest();
        }
    }

    /// Those that had an actor, for another intake.
    pub(super) fn take(&self) -> impl Iterator<Item = Arc<Run>> {
        std::mem::take(&mut self.lock().at_work).into_values()
    }

    /// Takes what has not gone on, in the order of each run. For the end of the pipeline.
    pub(crate) fn abandon(&self) -> Vec<Operation> {
        let Runs { at_work, waiting } = std::mem::take(&mut *self.lock());
        at_work.into_values().chain(waiting.into_values()).flat_map(|run| run.abandon()).collect()
    }
}
