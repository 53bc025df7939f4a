//! What callers, actors and tickets of one instance share. It outlives its actor, which is only the one who works on it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prefactor_http::FinishStatus;
use prefactor_pfid::{Pfid, Stem};
use ractor::{ActorId, ActorRef};

use super::InstanceMessage;
use super::calls::Calls;
use super::lifecycle::{Lifecycle, Verdict};
use super::span_answers::SpanAnswers;
use super::span_table::SpanTable;
use crate::account::{Account, Epoch};
use crate::clock::Timestamp;
use crate::intake::IntakeInput;
use crate::ledger::{Fate, Ledger, RejectReason, Tally};
use crate::operation::{Action, Operation, SpanEnd, SpanFinish, Ticket};
use crate::pipeline::Pipeline;
use crate::segments::Segments;
use crate::termination::Termination;

mod submit;

pub(crate) use submit::Entry;

/// One run of an agent.
#[derive(Debug)]
pub(crate) struct Run {
    pipeline: Arc<Pipeline>,
    key: Stem,
    account: Arc<Account>,
    /// The id that was chosen here, once the account's partition was known.
    chosen_id: OnceLock<Pfid>,
    /// The id that the server gave, where it differs.
    assigned_id: OnceLock<Pfid>,
    /// The API refused the registration for good.
    refused: AtomicBool,
    /// An earlier process has begun it; what is not on disk any more of it was delivered.
    resumed: bool,
    /// The caller has finished it.
    finished: AtomicBool,
    /// Made when somebody asks, or when there is something to tell.
    termination: OnceLock<Termination>,
    span_answers: Mutex<SpanAnswers>,
    /// The API knows it.
    registered: AtomicBool,
    /// Nothing has happened since the last sweep.
    rested: AtomicBool,
    /// What callers have asked and the intake has not picked up yet.
    calls: Mutex<Calls>,
    /// What the intake has routed here and the actor has not looked at yet.
    arrived: Mutex<Segments<Operation>>,
    state: Mutex<State>,
    actor: Mutex<Option<ActorRef<InstanceMessage>>>,
}

#[derive(Debug, Default)]
struct State {
    lifecycle: Lifecycle,
    spans: SpanTable,
    held: VecDeque<Operation>,
}

impl State {
    /// Whether all of these go on as they are, and change nothing here: as spans do that are finished already.
    fn lets_pass(&self, operations: &Segments<Operation>) -> bool {
        self.lifecycle == Lifecycle::Open
            && operations.iter().all(|operation| operation.action.is_whole_span())
    }
}

impl Run {
    pub(crate) fn new(pipeline: Arc<Pipeline>, key: Stem) -> Arc<Self> {
        Self::make(pipeline, key, false)
    }

    /// A run of an earlier process, as far as it is still on disk: `begins` with its registration or later.
    pub(crate) fn revive(pipeline: Arc<Pipeline>, key: Stem, id: Option<Pfid>, begins: bool) -> Arc<Self> {
        let run = Self::make(pipeline, key, true);
        if let Some(id) = id {
            let _ = run.chosen_id.set(id);
        }
        if !begins {
            lock(&run.state).lifecycle = Lifecycle::Open;
        }
        run
    }

    fn make(pipeline: Arc<Pipeline>, key: Stem, resumed: bool) -> Arc<Self> {
        let account = Arc::new(Account::default());
        pipeline.registry().enter(key, Arc::clone(&account));
        Arc::new(Self {
            pipeline,
            key,
            account,
            chosen_id: OnceLock::new(),
            assigned_id: OnceLock::new(),
            refused: AtomicBool::new(false),
            resumed,
            finished: AtomicBool::new(false),
            termination: OnceLock::new(),
            span_answers: Mutex::default(),
            registered: AtomicBool::new(false),
            rested: AtomicBool::new(false),
            calls: Mutex::default(),
            arrived: Mutex::default(),
            state: Mutex::default(),
            actor: Mutex::default(),
        })
    }

    pub(crate) fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    /// What is known of the instance's id from the moment of the call.
    pub(crate) const fn key(&self) -> Stem {
        self.key
    }

    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.pipeline.ledger_of(&self.account)
    }

    /// The id on the server; `None` as long as the account's partition is not known.
    pub(crate) fn id(&self) -> Option<Pfid> {
        self.assigned_id.get().or_else(|| self.chosen_id.get()).copied()
    }

    /// Gives the bytes of settled operations back and tells the ledger what became of them.
    pub(crate) fn settle(&self, fate: Fate, tally: Tally, operations: [u64; Epoch::COUNT]) {
        self.pipeline.admission().release(tally.bytes);
        self.tell(fate, tally, operations);
    }

    /// Tells the ledger what became of operations that hold no memory.
    pub(crate) fn settle_on_disk(&self, fate: Fate, tally: Tally, operations: [u64; Epoch::COUNT]) {
        self.tell(fate, tally, operations);
    }

    fn tell(&self, fate: Fate, tally: Tally, operations: [u64; Epoch::COUNT]) {
        self.pipeline.record(self, fate, tally);
        self.account.settle(fate, tally, operations);
        self.pipeline.progressed();
    }

    /// Puts operations where the actor will find them. `true` where the actor is not yet told of anything.
    ///
    /// What changes nothing here is handed on at once, if nothing is before it that has not been handed on: it takes no actor.
    pub(crate) fn arrive(
        &self,
        operations: Segments<Operation>,
        hand_on: impl FnOnce(Segments<Operation>),
    ) -> bool {
        if operations.is_empty() {
            return false;
        }
        let mut arrived = lock(&self.arrived);
        let is_news = arrived.is_empty();
        // Locked while the actor works, until it has handed on what it had; poisoned where a panic has left it in the midst of that.
        if is_news
            && let Ok(state) = self.state.try_lock()
            && state.lets_pass(&operations)
        {
            hand_on(operations);
            return false;
        }
        arrived.append(operations);
        is_news
    }

    fn has_arrivals(&self) -> bool {
        !lock(&self.arrived).is_empty()
    }

    /// Whether there is something that an actor could do.
    pub(crate) fn has_work(&self) -> bool {
        let is_answered = self.id().is_some() || self.is_refused();
        self.has_arrivals() || (is_answered && !lock(&self.state).held.is_empty())
    }

    /// Whether it holds operations until its registration is answered.
    pub(crate) fn is_waiting(&self) -> bool {
        !lock(&self.state).held.is_empty()
    }

    /// Ends the actor if it had nothing to do since this was last called. What comes for it meanwhile starts another.
    pub(crate) fn rest(&self) {
        if self.rested.swap(true, Ordering::Relaxed)
            && let Some(actor) = lock(&self.actor).as_ref()
        {
            actor.stop(None);
        }
    }

    /// Hands on the operations that may go on by now, in order. What makes no sense is settled here.
    pub(crate) fn advance(self: &Arc<Self>, hand_on: impl FnOnce(Segments<Operation>)) {
        self.rested.store(false, Ordering::Relaxed);
        let mut state = lock(&self.state);
        let mut forward = Segments::default();
        if self.refused.load(Ordering::Acquire) {
            state.lifecycle.refused();
        } else if self.id().is_some() {
            state.lifecycle.registered();
        }
        while state.lifecycle != Lifecycle::Registering
            && let Some(operation) = state.held.pop_front()
        {
            self.judge(&mut state, operation, &mut forward);
        }
        // The intake must not wait for the judging, nor for a hook that is told of its verdicts.
        let arrived = std::mem::take(&mut *lock(&self.arrived));
        forward.reserve(arrived.len());
        for operation in arrived {
            self.judge(&mut state, operation, &mut forward);
        }
        if !forward.is_empty() {
            hand_on(forward);
        }
    }

    fn judge(self: &Arc<Self>, state: &mut State, operation: Operation, forward: &mut Segments<Operation>) {
        if state.lifecycle == Lifecycle::New {
            self.choose_id();
        }
        match state.lifecycle.advance(&operation.action, self.id().is_some()) {
            Verdict::Reject(reason) => return operation.settle(Fate::Rejected(reason)),
            Verdict::Hold => return state.held.push_back(operation),
            Verdict::Forward => {}
        }
        match &operation.action {
            Action::CreateSpan(create) if !matches!(create.end, SpanEnd::Finished(_)) => {
                state.spans.open(create.id, create.started_at);
            }
            Action::FinishSpan { id, .. } if !state.spans.close(*id) && !self.resumed => {
                return operation.settle(Fate::Rejected(RejectReason::SpanFinished));
            }
            Action::FinishInstance { status, at } => {
                let left_open = state.spans.close_all();
                let epoch = operation.ticket.epoch();
                // The threads of the two may not agree to the microsecond; a span never ends before it began.
                let finish = |(span, began)| self.finish_left_open(span, *status, (*at).max(began), epoch);
                forward.extend(left_open.into_iter().map(finish));
            }
            _ => {}
        }
        forward.push_back(operation);
    }

    /// The finish of a span that its caller left open when the instance finished. It is accepted in any case, without it the
    /// span would stay open for ever; and in the epoch of the instance's finish, so that a flush waits for both.
    fn finish_left_open(
        self: &Arc<Self>,
        id: Stem,
        status: FinishStatus,
        at: Timestamp,
        epoch: Epoch,
    ) -> Operation {
        let action = Action::FinishSpan { id, finish: SpanFinish::new(status, at) };
        // The create has paid for it.
        self.account.accept_with(epoch);
        Operation::new(Ticket::new(Arc::clone(self), epoch, 0), action)
    }

    /// Not for a run of an earlier process, which may be registered already under an id that is not known here.
    pub(crate) fn choose_id(&self) {
        if !self.resumed
            && let Some(partition) = self.pipeline.partition_for_own_ids()
        {
            let _ = self.chosen_id.set(self.key.with_partition(partition));
        }
    }

    /// The API has answered the registration with this id.
    pub(crate) fn registered_as(self: &Arc<Self>, id: Pfid) {
        self.registered.store(true, Ordering::Relaxed);
        self.pipeline.learn_partition(id.partition());
        match self.chosen_id.get() {
            Some(chosen) if *chosen == id => return,
            Some(_) => self.pipeline.ids_are_assigned_by_server(),
            None => {}
        }
        let _ = self.assigned_id.set(id);
        self.answered();
    }

    /// The API has refused the registration for good.
    pub(crate) fn registration_refused(self: &Arc<Self>) {
        self.refused.store(true, Ordering::Release);
        self.answered();
    }

    /// The caller finishes the run. `false` where that was done before.
    pub(crate) fn finish(&self) -> bool {
        !self.finished.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    /// How the caller hears that the run was ended; from now on the watch asks about it too.
    pub(crate) fn termination(self: &Arc<Self>) -> &Termination {
        self.termination.get_or_init(|| {
            self.pipeline.watch(self);
            Termination::default()
        })
    }

    /// An operator has ended the run. Nobody cares any more once it has finished.
    pub(crate) fn terminate(&self, reason: Option<&str>) {
        if !self.is_finished() {
            self.termination.get_or_init(Termination::default).terminate(reason);
        }
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Relaxed)
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.termination.get().is_some_and(Termination::is_terminated)
    }

    /// The API has refused to create a span for good.
    pub(crate) fn span_refused(&self, span: Stem) {
        lock(&self.span_answers).refuse(span);
    }

    pub(crate) fn is_span_refused(&self, span: Stem) -> bool {
        lock(&self.span_answers).is_refused(span)
    }

    /// The API has created a span; tells whether that was under another id than ours.
    pub(crate) fn span_created_as(&self, span: Stem, id: Pfid) -> bool {
        let is_ours = self.id().is_some_and(|run| span.with_partition(run.partition()) == id);
        if !is_ours {
            lock(&self.span_answers).assign(span, id);
            self.pipeline.span_ids_are_assigned_by_server();
        }
        !is_ours
    }

    /// The finish of a span has its fate.
    pub(crate) fn span_finished(&self, span: Stem) {
        lock(&self.span_answers).finish(span);
    }

    /// The id of a span on the server, as far as it is known. `None` before that of the run is.
    pub(crate) fn span_id(&self, span: Stem) -> Option<Pfid> {
        let run = self.id()?;
        Some(self.assigned_span_id(span).unwrap_or_else(|| span.with_partition(run.partition())))
    }

    /// The id that the API has given to a span, where it is known to be another one than ours.
    pub(crate) fn assigned_span_id(&self, span: Stem) -> Option<Pfid> {
        if !self.pipeline.server_assigns_span_ids() {
            return None;
        }
        lock(&self.span_answers).assigned(span)
    }

    fn answered(self: &Arc<Self>) {
        if !self.wake() {
            self.pipeline.submit(IntakeInput::Answered(Arc::clone(self)));
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// Lets the actor look at what has arrived. `false` where there is no actor (any more): one must be started.
    pub(crate) fn wake(&self) -> bool {
        lock(&self.actor).as_ref().is_some_and(|actor| actor.cast(InstanceMessage::WorkArrived).is_ok())
    }

    pub(crate) fn attach(&self, actor: ActorRef<InstanceMessage>) {
        *lock(&self.actor) = Some(actor);
    }

    /// Forgets an actor that is gone. `false` where the run has another one by now.
    pub(crate) fn detach(&self, gone: ActorId) -> bool {
        lock(&self.actor).take_if(|actor| actor.get_id() == gone).is_some()
    }

    /// Whether the actor has nothing left to do for this run, ever.
    pub(crate) fn is_over(&self) -> bool {
        matches!(lock(&self.state).lifecycle, Lifecycle::Finished | Lifecycle::Refused)
            && !self.has_arrivals()
    }

    /// Takes what has not gone on, in order. For the end of the pipeline.
    pub(crate) fn abandon(&self) -> Vec<Operation> {
        let held = std::mem::take(&mut lock(&self.state).held);
        let arrived = std::mem::take(&mut *lock(&self.arrived));
        held.into_iter().chain(arrived).collect()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.pipeline.registry().leave(self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
