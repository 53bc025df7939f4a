//! The root of the actors: starts intake, batcher and sender, and starts again the one that panicked. What they work on
//! lies in inboxes and shared state that outlive them, so a successor goes on where the other one stopped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prefactor_http::{RetryPolicy, StatusCodes};
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

use super::Pipeline;
use crate::batcher::{BatcherActor, BatcherInbox, BatcherWork};
use crate::intake::{IntakeActor, LiveRuns};
use crate::sender::{Attempts, Lanes, SenderActor, SenderInbox, Transport};
use crate::watch::WatchActor;

/// The wait before an actor is started again: one that panics at once must not keep the machine busy.
pub(crate) const RESTART_DELAY: Duration = Duration::from_millis(10);

/// The last stage first: each stage holds the inbox of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Child {
    Sender,
    Batcher,
    Intake,
    Watch,
}

impl Child {
    const ALL: [Self; 4] = [Self::Sender, Self::Batcher, Self::Intake, Self::Watch];

    const fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Batcher => "batcher",
            Self::Intake => "intake",
            Self::Watch => "watch",
        }
    }
}

#[derive(Debug)]
pub(crate) enum SupervisorMessage {
    /// From the supervisor's own timer.
    RestartDue(Child),
}

/// Everything that the actors work on, and that is left when they are gone.
#[derive(Clone)]
pub(crate) struct Stages {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) live: Arc<LiveRuns>,
    pub(crate) batcher_inbox: Arc<BatcherInbox>,
    pub(crate) batcher_work: Arc<Mutex<BatcherWork>>,
    pub(crate) sender_inbox: Arc<SenderInbox>,
    pub(crate) lanes: Arc<Mutex<Lanes>>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) retry: RetryPolicy,
    pub(crate) retry_on: StatusCodes,
    pub(crate) probe_interval: Duration,
}

pub(crate) struct Supervisor {
    pub(crate) stages: Stages,
}

type Children = Vec<(ActorId, Child)>;

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = Children;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Children, ActorProcessingErr> {
        let mut children = Vec::new();
        for child in Child::ALL {
            children.push((self.start(child, myself.get_cell()).await?, child));
        }
        Ok(children)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        SupervisorMessage::RestartDue(child): SupervisorMessage,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        children.push((self.start(child, myself.get_cell()).await?, child));
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, _) = event
            && let Some(index) = children.iter().position(|(id, _)| *id == actor.get_id())
        {
            let (_, child) = children.swap_remove(index);
            self.stages.pipeline.count_restart(child.name());
            myself.send_after(RESTART_DELAY, move || SupervisorMessage::RestartDue(child));
        }
        Ok(())
    }
}

impl Supervisor {
    async fn start(&self, child: Child, myself: ActorCell) -> Result<ActorId, SpawnErr> {
        let stages = self.stages.clone();
        let cell = match child {
            Child::Sender => {
                let attempts = Attempts {
                    pipeline: Arc::clone(&stages.pipeline),
                    transport: stages.transport,
                    retry_on: stages.retry_on,
                    inbox: Arc::clone(&stages.sender_inbox),
                };
                let sender = SenderActor {
                    batcher: stages.batcher_inbox,
                    pipeline: stages.pipeline,
                    inbox: stages.sender_inbox,
                    attempts: Arc::new(attempts),
                    retry: stages.retry,
                    probe_interval: stages.probe_interval,
                    lanes: stages.lanes,
                };
                Actor::spawn_linked(None, sender, (), myself).await?.0.get_cell()
            }
            Child::Batcher => {
                let batcher = BatcherActor {
                    pipeline: stages.pipeline,
                    inbox: stages.batcher_inbox,
                    sender: stages.sender_inbox,
                    work: stages.batcher_work,
                };
                Actor::spawn_linked(None, batcher, (), myself).await?.0.get_cell()
            }
            Child::Watch => {
                let watch = WatchActor { pipeline: stages.pipeline, sender: stages.sender_inbox };
                Actor::spawn_linked(None, watch, (), myself).await?.0.get_cell()
            }
            Child::Intake => {
                let intake = IntakeActor {
                    pipeline: stages.pipeline,
                    batcher: stages.batcher_inbox,
                    live: stages.live,
                };
                Actor::spawn_linked(None, intake, (), myself).await?.0.get_cell()
            }
        };
        Ok(cell.get_id())
    }
}
