//! From callers to instances: the queue of runs that have calls, and the actor that picks these up.
//!
//! One queue for the whole pipeline tells of runs, and calls wait with their run: an idle instance costs no queue, and callers
//! pay for one wake-up per busy stretch instead of one per operation (`docs/decisions/0002-one-intake-queue.md`).

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, ActorRuntime, SupervisionEvent};
use tokio::task::yield_now;

use crate::batcher::{BatcherInbox, BatcherInput};
use crate::inbox::{Inbox, Wake};
use crate::instance::{InstanceActor, Run};
use crate::operation::Operation;
use crate::pipeline::{Pipeline, RESTART_DELAY};
use crate::segments::Segments;
use crate::testing;

mod live_runs;

pub(crate) use live_runs::LiveRuns;

/// How long the intake waits after a few operations before it looks again. Meanwhile callers need not wake it, which
/// would cost each of them a system call, and a burst that is over by then had no pipeline at work beside it.
const NAP: Duration = Duration::from_millis(20);

/// The same while memory fills, or where what waits is to be on disk before the process might be killed.
const SHORT_NAP: Duration = Duration::from_millis(5);

/// So many operations at once are no trickle: the intake looks again as soon as others have had a turn.
const BUSY: usize = 256;

/// How often the intake looks for instances that have nothing to do, and gives back memory that nobody has used again, as long as
/// there is any or anything is held. The actors of such instances end, and start again when they are needed: an actor takes
/// several kilobytes, and a service may hold thousands of runs that wait for something.
const SWEEP: Duration = Duration::from_secs(1);

/// Behind so many operations, and the other calls of the last one's run, the other actors get their turn.
const ROUND: usize = 1_024;

#[derive(Debug)]
pub(crate) enum IntakeMessage {
    /// From a caller, also from the one whose bytes make a quarter of the budget full, from who waits for a flush or for room, from
    /// the batcher that wants more, from the spool, or from the intake itself where it could not sleep: operations may be waiting.
    WorkArrived,
    /// From the intake itself: there was much to do, and there is likely to be more.
    GoOn,
    /// From the intake's own timer.
    NapEnded,
    /// From the intake's own timer.
    SweepDue,
    /// From a timer of the intake's own: the actor of an instance panicked a moment ago.
    RestartDue(ActorId),
}

impl Wake for IntakeMessage {
    fn wake() -> Self {
        Self::WorkArrived
    }
}

pub(crate) type IntakeInbox = Inbox<IntakeInput, IntakeMessage>;

#[derive(Debug)]
pub(crate) enum IntakeInput {
    /// From a caller: there are calls of this run to be picked up.
    Called(Arc<Run>),
    /// From the spool: operations that went through it, in order.
    Spooled(Vec<Operation>),
    /// From the sender: the registration of a run without an actor was answered.
    Answered(Arc<Run>),
}

/// Which of the actor's own timers are running, and whether it has told itself to go on: there is never a second of each.
#[derive(Debug, Default)]
pub(crate) struct Reminders {
    nap: bool,
    sweep: bool,
    go_on: bool,
}

#[derive(Debug)]
pub(crate) struct IntakeActor {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) batcher: Arc<BatcherInbox>,
    pub(crate) live: Arc<LiveRuns>,
}

impl Actor for IntakeActor {
    type Msg = IntakeMessage;
    type State = Reminders;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Reminders, ActorProcessingErr> {
        if let Some(_working) = self.pipeline.work() {
            // The instances of an intake that panicked went down with it.
            for run in self.live.take() {
                self.start_instance(&myself, run);
            }
        }
        self.pipeline.intake().attach(myself);
        Ok(Reminders::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: IntakeMessage,
        reminders: &mut Reminders,
    ) -> Result<(), ActorProcessingErr> {
        if self.look(&myself, message, reminders)? && !reminders.go_on {
            // How much more is wanted shows only when instances and batcher have had a turn, and each later look at a run finds
            // more of it.
            yield_now().await;
            reminders.go_on = true;
            myself.cast(IntakeMessage::GoOn)?;
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        _: &mut Reminders,
    ) -> Result<(), ActorProcessingErr> {
        let Some(_working) = self.pipeline.work() else { return Ok(()) };
        match event {
            SupervisionEvent::ActorFailed(actor, _) => {
                self.pipeline.count_restart("instance");
                let actor = actor.get_id();
                myself.send_after(RESTART_DELAY, move || IntakeMessage::RestartDue(actor));
            }
            SupervisionEvent::ActorTerminated(actor, ..) => {
                if let Some(run) = self.live.remove(actor.get_id())
                    && run.detach(actor.get_id())
                {
                    self.let_rest(&myself, run);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl IntakeActor {
    /// Does what there is to do for a while; tells whether there is likely to be more.
    fn look(
        &self,
        myself: &ActorRef<IntakeMessage>,
        message: IntakeMessage,
        reminders: &mut Reminders,
    ) -> Result<bool, ActorProcessingErr> {
        let Some(_working) = self.pipeline.work() else { return Ok(false) };
        self.pipeline.interrupt(testing::Stage::Intake);
        match message {
            IntakeMessage::NapEnded => reminders.nap = false,
            IntakeMessage::SweepDue => {
                reminders.sweep = false;
                self.live.sweep();
                self.pipeline.spare_blocks().trim();
            }
            IntakeMessage::RestartDue(actor) => self.restart_instance(myself, actor),
            IntakeMessage::GoOn => reminders.go_on = false,
            IntakeMessage::WorkArrived => {}
        }
        let is_wanted = self.is_wanted();
        let routed = if is_wanted { self.route(myself) } else { 0 };
        let is_busy = routed >= BUSY;
        if is_busy || reminders.nap {
            // The next look is certain.
        } else if routed > 0 || !is_wanted {
            reminders.nap = true;
            myself.send_after(self.nap(), || IntakeMessage::NapEnded);
        } else if !self.pipeline.intake().sleep() {
            myself.cast(IntakeMessage::WorkArrived)?;
        }
        if !reminders.sweep && self.leaves_something() {
            reminders.sweep = true;
            myself.send_after(SWEEP, || IntakeMessage::SweepDue);
        }
        Ok(is_busy)
    }

    /// Whether there will be something to sweep: what is held leaves spare blocks behind when it is delivered.
    fn leaves_something(&self) -> bool {
        self.pipeline.admission().operations() > 0
            || !self.pipeline.spare_blocks().is_empty()
            || !self.live.is_idle()
    }

    /// Whether somebody can do something with more operations.
    fn is_wanted(&self) -> bool {
        !self.pipeline.demand().is_met() || self.is_wanted_on_disk()
    }

    fn is_wanted_on_disk(&self) -> bool {
        self.pipeline.spool().is_some_and(|spool| spool.wants(self.pipeline.admission()))
    }

    fn nap(&self) -> Duration {
        let is_urgent = self.pipeline.admission().is_filling() || self.is_wanted_on_disk();
        if is_urgent { SHORT_NAP } else { NAP }
    }

    /// Moves what waits to its instances; tells how many operations that were.
    fn route(&self, myself: &ActorRef<IntakeMessage>) -> usize {
        let mut woken = Vec::new();
        let mut for_spool = Vec::new();
        let mut routed = 0;
        while routed < ROUND
            && let Some(input) = self.pipeline.intake().pop()
        {
            match input {
                IntakeInput::Called(run) => {
                    let operations = run.pick_up();
                    routed += operations.len();
                    match self.pipeline.spool() {
                        Some(spool) if !for_spool.is_empty() || spool.wants(self.pipeline.admission()) => {
                            for_spool.extend(operations);
                        }
                        _ => self.arrive(&mut woken, run, operations),
                    }
                }
                IntakeInput::Spooled(operations) => {
                    routed += operations.len();
                    if let Some(spool) = self.pipeline.spool() {
                        spool.came_back(operations.len() as u64);
                    }
                    self.arrive_all(&mut woken, operations);
                }
                IntakeInput::Answered(run) => woken.push(run),
            }
            routed += 1;
        }
        if let Some(spool) = self.pipeline.spool()
            && !for_spool.is_empty()
            && let Err(refused) = spool.take(for_spool)
        {
            self.arrive_all(&mut woken, refused);
        }
        for run in woken {
            if !run.wake() {
                self.start_instance(myself, run);
            }
        }
        routed
    }

    /// Lets what goes on arrive at its instance; one that is to be told of it is added to `woken`.
    fn arrive(&self, woken: &mut Vec<Arc<Run>>, run: Arc<Run>, operations: Segments<Operation>) {
        if run.arrive(operations, |operations| self.batcher.push(BatcherInput::Operations(operations))) {
            woken.push(run);
        }
    }

    /// The same for operations of any runs, in order.
    fn arrive_all(&self, woken: &mut Vec<Arc<Run>>, operations: Vec<Operation>) {
        let mut operations = operations.into_iter().peekable();
        while let Some(first) = operations.next() {
            let run = Arc::clone(first.run());
            let mut together = Segments::from_iter([first]);
            together.extend(std::iter::from_fn(|| operations.next_if(|next| Arc::ptr_eq(next.run(), &run))));
            self.arrive(woken, run, together);
        }
    }

    fn restart_instance(&self, myself: &ActorRef<IntakeMessage>, gone: ActorId) {
        // A run that has another actor by now needs no third one, which nobody would ever stop.
        if let Some(run) = self.live.remove(gone)
            && run.detach(gone)
        {
            self.start_instance(myself, run);
        }
    }

    /// Takes a run whose actor has ended.
    fn let_rest(&self, myself: &ActorRef<IntakeMessage>, run: Arc<Run>) {
        if run.has_work() {
            self.start_instance(myself, run);
        } else if run.is_waiting() {
            self.live.waits(run);
        }
    }

    fn start_instance(&self, myself: &ActorRef<IntakeMessage>, run: Arc<Run>) {
        let actor = InstanceActor { run: Arc::clone(&run), batcher: Arc::clone(&self.batcher) };
        match ActorRuntime::spawn_linked_instant(None, actor, (), myself.get_cell()) {
            Ok((actor, _)) => {
                run.attach(actor.clone());
                self.live.works(actor.get_id(), run);
            }
            // Only a name that is taken can fail, and instances have none.
            Err(error) => tracing::error!(%error, "an instance actor did not start"),
        }
    }
}

#[cfg(test)]
mod tests;
