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
            if self.pipeline.demand().tell(work.backlog.ready_items(), work.backlog.batch_items()) {
                self.pipeline.intake().wake_now();
            }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::batcher::{Completed, Limits};
    use crate::fixture::{self, create, operation};
    use crate::instance::Entry;
    use crate::intake::{IntakeActor, LiveRuns};

    /// Shorter than any actor naps or lingers.
    const A_MOMENT: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_napping_intake_goes_on_when_more_is_wanted() {
        let pipeline = fixture::pipeline();
        let inbox = Arc::new(BatcherInbox::new());
        let limits = Limits { items: 500, bytes: usize::MAX, linger: Duration::from_secs(1) };
        let work = Arc::new(Mutex::new(BatcherWork {
            backlog: Backlog::new(limits),
            pace: Pace::new(None, None, Instant::now()),
            free_lanes: 0,
        }));
        let batcher = BatcherActor {
            pipeline: Arc::clone(&pipeline),
            inbox: Arc::clone(&inbox),
            sender: Arc::new(SenderInbox::new()),
            work: Arc::clone(&work),
        };
        let intake = IntakeActor {
            pipeline: Arc::clone(&pipeline),
            batcher: Arc::clone(&inbox),
            live: Arc::new(LiveRuns::default()),
        };
        Actor::spawn(None, batcher, ()).await.expect("an actor");
        Actor::spawn(None, intake, ()).await.expect("an actor");
        let ready = || work.lock().expect("nobody panicked").backlog.ready_items();
        for n in 1..=10 {
            let run = fixture::run(&pipeline, n);
            let operations = (0..500).map(|span| operation(&run, create(span, None))).collect();
            inbox.push(BatcherInput::Operations(operations));
        }
        sleep(A_MOMENT).await;
        let late = fixture::new_run(&pipeline, 11);
        late.submit(fixture::register(), Entry::Forced).expect("it is taken in any case");
        sleep(A_MOMENT).await;
        assert_eq!(ready(), 5_000, "there is enough, and the intake naps");

        for _ in 0..6 {
            inbox.push(BatcherInput::Completed(Completed::default()));
        }
        sleep(A_MOMENT).await;

        assert_eq!(ready(), 5_000 - 6 * 500 + 1);
    }
}
