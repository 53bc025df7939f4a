//! The actor around the lanes: starts attempts, and acts on how they end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prefactor_http::{RawResponse, RetryPolicy};
use prefactor_pfid::{Pfid, Stem};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use super::attempt::{Attempt, AttemptResult, Attempts};
use super::lanes::{Flight, FlightId, Lanes};
use super::outcome::{ItemOutcome, Outcome, Signal};
use super::{Question, SenderInbox, SenderInput, SenderMessage};
use crate::batcher::{BatcherInbox, BatcherInput, Completed, Lease, LimitLesson, Trouble};
use crate::clock::FOREVER;
use crate::clock::Timestamp;
use crate::ledger::{Fate, RejectReason};
use crate::operation::{Action, CreateSpan, Deliveries, Operation, SpanEnd};
use crate::pipeline::{Health, Pipeline};
use crate::testing::Stage;

/// The longest `Retry-After` that is followed to the letter. More would be a mistake of somebody's clock.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

pub(crate) struct SenderActor {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) inbox: Arc<SenderInbox>,
    pub(crate) batcher: Arc<BatcherInbox>,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) retry: RetryPolicy,
    /// How long to wait before a refused token is tried again.
    pub(crate) probe_interval: Duration,
    /// Survives the actor.
    pub(crate) lanes: Arc<Mutex<Lanes>>,
}

/// The time that the actor's own timer is set to.
type Alarm = Option<Instant>;

impl Actor for SenderActor {
    type Msg = SenderMessage;
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
        self.pipeline.interrupt(Stage::Sender);
        if matches!(message, SenderMessage::AttemptDue) {
            *alarm = None;
        }
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while let Some(input) = self.inbox.pop() {
                match input {
                    SenderInput::Batch(batch) => lanes.add(Flight::new(batch, Instant::now())),
                    SenderInput::AttemptFinished { flight, result } => self.land(&mut lanes, flight, result),
                    SenderInput::Question(question) => self.ask(&lanes, question),
                    SenderInput::QuestionAnswered(question, answer) => {
                        self.answered(&mut lanes, question, &answer);
                    }
                }
            }
            if self.inbox.sleep() {
                break;
            }
        }
        let now = Instant::now();
        lanes.launch(now, |id, cargo, is_retry| Attempt::start(&self.attempts, id, cargo, is_retry));
        if let Some(due) = lanes.next_due(now)
            && alarm.is_none_or(|set| due < set)
        {
            *alarm = Some(due);
            myself.send_after(due.saturating_duration_since(now), || SenderMessage::AttemptDue);
        }
        Ok(())
    }
}

impl SenderActor {
    fn ask(&self, lanes: &Lanes, question: Question) {
        if !lanes.gate.is_open(Instant::now(), 1) {
            return;
        }
        self.pipeline.count_request(question.body.len(), false);
        let attempts = Arc::clone(&self.attempts);
        tokio::spawn(async move {
            if let Ok(answer) = attempts.transport.post_bulk(question.body.clone()).await {
                attempts.inbox.push(SenderInput::QuestionAnswered(question, answer));
            }
        });
    }

    /// What the answer to a question says to everyone counts for everyone; the rest is for who has asked.
    fn answered(&self, lanes: &mut Lanes, question: Question, answer: &RawResponse) {
        let now = Instant::now();
        match answer.status {
            429 => {
                lanes.gate.close_until(now + self.wait(0, answer.retry_after));
            }
            401 | 403 => {
                self.pipeline.set_health(Health::Unauthorized);
                lanes.gate.probe_from(now + self.probe_interval);
            }
            _ => (question.answered)(answer),
        }
    }

    fn land(&self, lanes: &mut Lanes, id: FlightId, AttemptResult { outcome, body_len }: AttemptResult) {
        let Some(mut flight) = lanes.take(id) else { return };
        let now = Instant::now();
        // What is wrong with a request shows only when it is let in.
        if let Outcome::Processed { .. } | Outcome::RefusedAsWhole | Outcome::Refused = outcome {
            lanes.allowance.accepted(flight.items, flight.sent_at, now);
        }
        match outcome {
            Outcome::Processed { outcomes, signals } => {
                self.answers(lanes);
                let operations = flight.unload();
                tell_of_terminations(&operations, &signals);
                self.settle(operations, flight.lease, outcomes, now);
            }
            Outcome::TooLarge => split(flight, RejectReason::TooLarge, LimitLesson::TooManyBytes(body_len)),
            Outcome::RefusedAsWhole => {
                self.answers(lanes);
                let lesson = LimitLesson::RefusedItems(flight.items);
                split(flight, RejectReason::Validation, lesson);
            }
            Outcome::Refused => {
                let outcomes = vec![ItemOutcome::Rejected(RejectReason::Other); flight.items];
                self.settle(flight.unload(), flight.lease, outcomes, now);
            }
            Outcome::RateLimited(after) => {
                // Everyone pauses as long as the API says, or for a moment where nothing is known of what it allows.
                let (until, allowance) = (now + self.wait(0, after), &mut lanes.allowance);
                let everyone_pauses = (after.is_some() || allowance.is_unlimited()).then_some(until);
                if let Some(until) = everyone_pauses {
                    lanes.gate.close_until(until);
                }
                allowance.refused(flight.items, flight.sent_at, now, everyone_pauses);
                lanes.put_back(id, flight, until);
            }
            Outcome::Unauthorized => {
                self.pipeline.set_health(Health::Unauthorized);
                let from = now + self.probe_interval;
                lanes.gate.probe_from(from);
                lanes.put_back(id, flight, from);
            }
            Outcome::Trouble(after) => {
                self.pipeline.set_health(Health::Unreachable);
                lanes.failed(now, self.wait(0, None));
                let doubt = flight.doubt.failed(flight.items, lanes.successes);
                let until = now + self.wait(doubt.wait(flight.items), after);
                let rests = doubt.may_be_an_outage() && after.is_none();
                give_up(flight, Trouble { until, doubt, rests });
            }
        }
    }

    /// The API has answered, whatever it said.
    fn answers(&self, lanes: &mut Lanes) {
        self.pipeline.set_health(Health::Delivering);
        if lanes.succeeded() {
            self.batcher.push(BatcherInput::Recovered);
        }
    }

    fn wait(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.retry.delay(failures, None, fastrand::f64()).max(asked).min(FOREVER)
    }

    /// Tells each operation its fate, and gives the rest back to the batcher.
    fn settle(&self, mut operations: Vec<Operation>, lease: Lease, outcomes: Vec<ItemOutcome>, now: Instant) {
        let answered_at = Timestamp::now();
        let mut left = Completed { processed: true, ..Completed::default() };
        // Spans that turn out to have other ids, and those below them: what referred to them in this request did so in vain.
        let mut renamed = Vec::new();
        let mut outcomes = outcomes.into_iter();
        let mut delivered = Deliveries::default();
        // Most of them have their fate now, and are settled where they are; the others stay.
        operations.retain_mut(|operation| {
            match outcomes.next().unwrap_or(ItemOutcome::NotProcessed) {
                ItemOutcome::Delivered(id) => {
                    if let (Action::CreateSpan(create), Some(id)) = (&operation.action, id)
                        && operation.run().span_created_as(create.id, id)
                    {
                        renamed.push(create.id);
                    }
                    self.deliver(operation, id, answered_at, &mut delivered);
                    false
                }
                ItemOutcome::Retry
                | ItemOutcome::Rejected(RejectReason::Validation | RejectReason::NotFound)
                    if operation.action.refers_to().is_some_and(|span| renamed.contains(&span)) =>
                {
                    if let Action::CreateSpan(create) = &operation.action {
                        renamed.push(create.id);
                    }
                    true
                }
                // A server that goes on behind an error refuses what needs the thing that is not there, or not yet in the
                // state that it should be in.
                ItemOutcome::OutOfState
                | ItemOutcome::Rejected(RejectReason::Validation | RejectReason::NotFound)
                    if left.is_parked(operation.run().key()) =>
                {
                    true
                }
                ItemOutcome::OutOfState if operation.action.cancels() => {
                    // Some servers cancel only what is pending (API contract, Instances and Spans). Whatever it is, it
                    // must not stay open: as failed it is finished, or it turns out to be finished already.
                    operation.action.fail_instead_of_cancelling();
                    true
                }
                // Only what is started or finished can be so already: what is created twice is answered by its key.
                ItemOutcome::OutOfState if operation.action.creates() => {
                    reject(operation, RejectReason::Conflict);
                    false
                }
                ItemOutcome::OutOfState => {
                    self.deliver(operation, None, answered_at, &mut delivered);
                    false
                }
                ItemOutcome::Rejected(reason) => {
                    reject(operation, reason);
                    false
                }
                ItemOutcome::Retry if is_hopeless(operation) => {
                    reject(operation, RejectReason::NotFound);
                    false
                }
                ItemOutcome::Retry => {
                    let run = operation.run().key();
                    // Behind another one that failed it may have failed for that alone, which does not count.
                    if !left.is_parked(run) {
                        left.parked.push((run, now + self.wait(u32::from(operation.attempts), None)));
                        operation.attempts = operation.attempts.saturating_add(1);
                    }
                    true
                }
                ItemOutcome::NotProcessed => true,
            }
        });
        drop(delivered);
        left.returned = operations;
        lease.complete(left);
    }

    fn deliver(
        &self,
        operation: &mut Operation,
        id: Option<Pfid>,
        answered_at: Timestamp,
        delivered: &mut Deliveries,
    ) {
        let run = operation.run();
        match &operation.action {
            Action::Register { .. } => match id.or(run.id()) {
                Some(id) => run.registered_as(id),
                // Registered, but under which id it does not say: nothing can be sent to it.
                None => run.registration_refused(),
            },
            Action::FinishSpan { id, .. }
            | Action::CreateSpan(CreateSpan { id, end: SpanEnd::Finished(_), .. })
                if self.pipeline.server_assigns_span_ids() =>
            {
                run.span_finished(*id);
            }
            _ => {}
        }
        self.pipeline.delivered(operation, answered_at);
        if let Some(spool) = self.pipeline.spool()
            && let Some((thing, id)) = named_by_api(operation)
        {
            spool.named(thing, id, std::mem::take(&mut operation.ticket.claim));
        }
        delivered.add(&mut operation.ticket);
    }
}

/// The request was refused as a whole: alone, an operation is refused for good; several go back to the batcher, to be sent
/// in smaller batches.
fn split(mut flight: Flight, reason: RejectReason, lesson: LimitLesson) {
    let operations = flight.unload();
    if operations.len() > 1 {
        return flight.lease.complete(Completed {
            returned: operations,
            limit: Some(lesson),
            ..Completed::default()
        });
    }
    for mut operation in operations {
        reject(&mut operation, reason);
    }
    flight.lease.complete(Completed { limit: Some(LimitLesson::RefusedAlone), ..Completed::default() });
}

/// Frees the lane of a request that has failed; its operations come back later.
fn give_up(mut flight: Flight, trouble: Trouble) {
    let returned = flight.unload();
    flight.lease.complete(Completed { returned, trouble: Some(trouble), ..Completed::default() });
}

/// Tells the runs that an operator has ended them. A signal that is about the request as a whole is about its run, where
/// there is only one; otherwise nobody knows whom it means, and the watch will find out.
fn tell_of_terminations(operations: &[Operation], signals: &[Signal]) {
    for Signal { item, reason } in signals {
        let item = item.and_then(|item| operations.get(item));
        let only = operations
            .first()
            .filter(|first| operations.iter().all(|operation| operation.run().key() == first.run().key()));
        if let Some(operation) = item.or(only) {
            operation.run().terminate(reason.as_deref());
        }
    }
}

/// What a delivered operation has made, and the id of it that others must name and may not know.
fn named_by_api(operation: &Operation) -> Option<(Stem, Pfid)> {
    let run = operation.run();
    match &operation.action {
        Action::Register { .. } => Some((run.key(), run.id()?)),
        Action::CreateSpan(create) => Some((create.id, run.assigned_span_id(create.id)?)),
        _ => None,
    }
}

/// Whether it needs a span that the API has refused.
fn is_hopeless(operation: &Operation) -> bool {
    operation.action.refers_to().is_some_and(|span| operation.run().is_span_refused(span))
}

fn reject(operation: &mut Operation, reason: RejectReason) {
    match &operation.action {
        Action::Register { .. } => operation.run().registration_refused(),
        Action::CreateSpan(CreateSpan { id, end: SpanEnd::Open | SpanEnd::Cancelled, .. }) => {
            operation.run().span_refused(*id);
        }
        Action::FinishSpan { id, .. } => operation.run().span_finished(*id),
        _ => {}
    }
    operation.settle_here(Fate::Rejected(reason));
}

impl std::fmt::Debug for SenderActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SenderActor").field("lanes", &self.lanes).finish_non_exhaustive()
    }
}
