//! From callers to instances: the queue that every handle pushes into, and the actor that routes what is in it.
//!
//! One queue for the whole pipeline, and not one per instance: an idle instance costs no queue, and callers pay for one
//! wake-up per busy stretch instead of one per operation (`docs/decisions/0002-one-intake-queue.md`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, SupervisionEvent};

use crate::batcher::BatcherInbox;
use crate::inbox::{Inbox, Wake};
use crate::instance::{InstanceActor, Run};
use crate::operation::Operation;
use crate::pipeline::{Pipeline, RESTART_DELAY};
use crate::testing::Stage;

/// How long the intake waits after a few operations before it looks again. Meanwhile callers need not wake it, which
/// would cost each of them a system call.
const NAP: Duration = Duration::from_millis(5);

/// So many operations at once are no trickle: the intake looks again at once.
const BUSY: usize = 256;

/// So many operations are routed before the other actors get their turn.
const ROUND: usize = 4_096;

#[derive(Debug)]
pub(crate) enum IntakeMessage {
    /// From a caller, from a flush, or from the intake itself: operations may be waiting.
    WorkArrived,
    /// From the intake's own timer.
    NapEnded,
    /// From a timer of the intake's own: the actor of an instance panicked a moment ago.
    RestartDue(ActorId),
}

impl Wake for IntakeMessage {
    fn wake() -> Self {
        Self::WorkArrived
    }
}

pub(crate) type IntakeInbox = Inbox<Operation, IntakeMessage>;

/// The instances that have an actor, by that actor. Survives the intake's own actor.
#[derive(Debug, Default)]
pub(crate) struct LiveRuns(Mutex<HashMap<ActorId, Arc<Run>>>);

impl LiveRuns {
    fn lock(&self) -> MutexGuard<'_, HashMap<ActorId, Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of an actor that is gone. Lets go of the lock, so that the caller may start another actor.
    fn remove(&self, actor: ActorId) -> Option<Arc<Run>> {
        self.lock().remove(&actor)
    }

    fn take(&self) -> Vec<Arc<Run>> {
        self.lock().drain().map(|(_, run)| run).collect()
    }

    /// Drops what has not gone on of any run, which counts it as lost. For the end of the pipeline.
    pub(crate) fn abandon(&self) {
        for run in self.take() {
            run.abandon();
        }
    }
}

/// Whether the actor's own timer is running.
type Napping = bool;

#[derive(Debug)]
pub(crate) struct IntakeActor {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) batcher: Arc<BatcherInbox>,
    pub(crate) live: Arc<LiveRuns>,
}

impl Actor for IntakeActor {
    type Msg = IntakeMessage;
    type State = Napping;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Napping, ActorProcessingErr> {
        // The instances of an intake that panicked went down with it.
        for run in self.live.take() {
            self.start_instance(&myself, run);
        }
        self.pipeline.intake().attach(myself);
        Ok(false)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: IntakeMessage,
        napping: &mut Napping,
    ) -> Result<(), ActorProcessingErr> {
        self.pipeline.interrupt(Stage::Intake);
        match message {
            IntakeMessage::NapEnded => *napping = false,
            IntakeMessage::RestartDue(actor) => self.restart_instance(&myself, actor),
            IntakeMessage::WorkArrived => {}
        }
        let routed = self.route(&myself);
        if routed >= BUSY {
            myself.cast(IntakeMessage::WorkArrived)?;
        } else if *napping {
            // The end of the nap looks again.
        } else if routed > 0 {
            *napping = true;
            myself.send_after(NAP, || IntakeMessage::NapEnded);
        } else if !self.pipeline.intake().sleep() {
            myself.cast(IntakeMessage::WorkArrived)?;
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        _: &mut Napping,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(actor, _) => {
                self.pipeline.count_restart("instance");
                let actor = actor.get_id();
                myself.send_after(RESTART_DELAY, move || IntakeMessage::RestartDue(actor));
            }
            SupervisionEvent::ActorTerminated(actor, ..) => {
                if let Some(run) = self.live.remove(actor.get_id())
                    && run.detach(actor.get_id())
                    && run.has_arrivals()
                {
                    self.start_instance(&myself, run);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl IntakeActor {
    /// Moves what waits to its instances; tells how many operations that were.
    fn route(&self, myself: &ActorRef<IntakeMessage>) -> usize {
        let mut woken = Vec::new();
        let mut routed = 0;
        while routed < ROUND
            && let Some(operation) = self.pipeline.intake().pop()
        {
            let run = Arc::clone(operation.run());
            if run.arrive(operation) {
                woken.push(run);
            }
            routed += 1;
        }
        for run in woken {
            if !run.wake() {
                self.start_instance(myself, run);
            }
        }
        routed
    }

    fn restart_instance(&self, myself: &ActorRef<IntakeMessage>, gone: ActorId) {
        // A run that has another actor by now needs no third one, which nobody would ever stop.
        if let Some(run) = self.live.remove(gone)
            && run.detach(gone)
        {
            self.start_instance(myself, run);
        }
    }

    fn start_instance(&self, myself: &ActorRef<IntakeMessage>, run: Arc<Run>) {
        let actor = InstanceActor { run: Arc::clone(&run), batcher: Arc::clone(&self.batcher) };
        match ActorRuntime::spawn_linked_instant(None, actor, (), myself.get_cell()) {
            Ok((actor, _)) => {
                run.attach(actor.clone());
                self.live.lock().insert(actor.get_id(), run);
                if self.pipeline.has_ended() {
                    // The end may have looked through the live runs before this one was among them.
                    self.live.abandon();
                }
            }
            // Only a name that is taken can fail, and instances have none.
            Err(error) => tracing::error!(%error, "an instance actor did not start"),
        }
    }
}
