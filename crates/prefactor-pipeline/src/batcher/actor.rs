//! The actor around the backlog: cuts a batch when one is due, a lane is free and the pace allows it.

use std::sync::{Arc, Mutex, PoisonError};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use super::backlog::{Backlog, Cut};
use super::{Batch, BatcherInbox, BatcherInput, BatcherMessage, Lease, Pace};
use crate::pipeline::Pipeline;
use crate::sender::{SenderInbox, SenderInput};
use crate::testing::Stage;

#[derive(Debug)]
pub(crate) struct BatcherActor {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) inbox: Arc<BatcherInbox>,
    pub(crate) sender: Arc<SenderInbox>,
    /// Survives the actor.
    pub(crate) work: Arc<Mutex<BatcherWork>>,
}

/// What the batcher works on.
#[derive(Debug)]
pub(crate) struct BatcherWork {
    pub(crate) backlog: Backlog,
    pub(crate) pace: Pace,
    /// Batches that may still be given to the sender at the same time.
    pub(crate) free_lanes: usize,
}

/// The time that the actor's own timer is set to.
type Alarm = Option<Instant>;

impl Actor for BatcherActor {
    type Msg = BatcherMessage;
    type State = Alarm;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<Alarm, ActorProcessingErr> {
        self.inbox.attach(myself);
        Ok(None)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        alarm: &mut Alarm,
    ) -> Result<(), ActorProcessingErr> {
        let Some(_working) = self.pipeline.work() else { return Ok(()) };
        self.pipeline.interrupt(Stage::Batcher);
        if matches!(message, BatcherMessage::BatchDue) {
            *alarm = None;
        }
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let next = loop {
            self.take_in(&mut work);
            let next = self.cut_batches(&mut work);
            self.pipeline.demand().tell(work.backlog.ready_items(), work.backlog.batch_items());
            if self.inbox.sleep() {
                break next;
            }
        };
        if let Some(next) = next
            && alarm.is_none_or(|set| next < set)
        {
            *alarm = Some(next);
            myself.send_after(next.saturating_duration_since(Instant::now()), || BatcherMessage::BatchDue);
        }
        Ok(())
    }
}

impl BatcherActor {
    fn take_in(&self, work: &mut BatcherWork) {
        let now = Instant::now();
        while let Some(input) = self.inbox.pop() {
            match input {
                BatcherInput::Operations(operations) => work.backlog.add(operations, now),
                BatcherInput::Completed(completed) => {
                    work.free_lanes += 1;
                    work.backlog.complete(completed, now);
                }
                BatcherInput::Recovered => work.backlog.recovered(now),
            }
        }
    }

    /// Hands on all batches that can go now; tells when to look again.
    fn cut_batches(&self, work: &mut BatcherWork) -> Option<Instant> {
        let now = Instant::now();
        work.backlog.unpark(now);
        while work.free_lanes > 0 && work.backlog.is_due(now, self.pipeline.is_flushing()) {
            let max_items = work.backlog.next_items().min(work.pace.max_items());
            if let Err(wait) = work.pace.admit(max_items) {
                return Some(now + wait);
            }
            let Cut { operations, runs, doubt } = work.backlog.cut(max_items);
            work.pace.give_back(max_items.saturating_sub(operations.len()));
            work.free_lanes -= 1;
            let lease = Lease::new(runs, Arc::clone(&self.inbox));
            self.sender.push(SenderInput::Batch(Batch { operations, doubt, lease }));
        }
        work.backlog.next_due().filter(|_| work.free_lanes > 0)
    }
}
