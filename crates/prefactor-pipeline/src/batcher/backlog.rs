//! Everything that waits to be sent, and the rule by which batches are cut from it. No clock: time is an argument.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use prefactor_pfid::Stem;
use tokio::time::{Duration, Instant};

use super::Doubt;
use super::message::{Completed, LimitLesson};
use super::run_queue::{RunQueue, Standing};
use crate::ledger::{Fate, RejectReason};
use crate::operation::{Action, Operation};
use crate::random_key::RandomKeyed;
use crate::segments::Segments;

/// How large a batch may get, and how long the first operation in it waits for company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
    pub(crate) linger: Duration,
}

/// What is cut for one request.
#[derive(Debug)]
pub(crate) struct Cut {
    /// In order.
    pub(crate) operations: Vec<Operation>,
    /// The instances that are in flight with it.
    pub(crate) runs: Vec<Stem>,
    /// What they have in common.
    pub(crate) doubt: Doubt,
}

#[derive(Debug)]
pub(crate) struct Backlog {
    configured: Limits,
    /// What is used now: the API may have turned out to take less.
    limits: Limits,
    queues: HashMap<Stem, RunQueue, RandomKeyed>,
    /// Instances with operations that may be sent, the longest-waiting first.
    ready: VecDeque<Stem>,
    ready_items: usize,
    ready_bytes: usize,
    parked: BTreeSet<(Instant, Stem)>,
}

impl Backlog {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            configured: limits,
            limits,
            queues: HashMap::default(),
            ready: VecDeque::new(),
            ready_items: 0,
            ready_bytes: 0,
            parked: BTreeSet::new(),
        }
    }

    /// Takes everything, in the order of each instance, the oldest instance first. For the end of the pipeline.
    pub(crate) fn take_all(&mut self) -> Vec<Operation> {
        let all = std::mem::replace(self, Self::new(self.configured));
        let by_age: BTreeMap<_, _> = all.queues.into_iter().collect();
        by_age.into_values().flat_map(|mut queue| queue.take_all().collect::<Vec<_>>()).collect()
    }

    /// Takes in operations of one instance, in order.
    pub(crate) fn add(&mut self, operations: Segments<Operation>, now: Instant) {
        let Some(first) = operations.front() else { return };
        let (key, refused) = (first.run().key(), first.run().is_refused());
        if refused {
            return reject_all(operations);
        }
        let queue = self.queues.entry(key).or_insert_with(|| RunQueue::new(Standing::Ready { since: now }));
        let (items, bytes) = (queue.len(), queue.wire_len());
        queue.extend(operations);
        if let Standing::Ready { .. } = queue.standing {
            if items == 0 && !queue.is_empty() {
                queue.standing = Standing::Ready { since: now };
                self.ready.push_back(key);
            }
            self.ready_items += queue.len() - items;
            self.ready_bytes += queue.wire_len() - bytes;
        }
    }

    /// Takes back the instances of a batch that is done with.
    pub(crate) fn complete(&mut self, completed: Completed, now: Instant) {
        if let Some(lesson) = completed.limit {
            self.learn(lesson);
        }
        for operation in completed.returned.into_iter().rev() {
            let queue = self.queues.entry(operation.run().key());
            queue.or_insert_with(|| RunQueue::new(Standing::InFlight)).put_back(operation);
        }
        for key in completed.runs {
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            if completed.processed {
                queue.doubt = queue.doubt.lowered();
            }
            let parked = completed.parked.iter().find(|(parked, _)| *parked == key);
            match (completed.trouble, parked) {
                (Some(trouble), _) => {
                    queue.doubt = trouble.doubt;
                    queue.standing = if trouble.rests { Standing::Resting } else { Standing::Parked };
                    self.parked.insert((trouble.until, key));
                }
                (None, Some((_, until))) => {
                    queue.standing = Standing::Parked;
                    self.parked.insert((*until, key));
                }
                (None, None) => self.make_ready(key, now),
            }
        }
    }

    /// Ends the waits of those who wait because the API did not answer. It was not their fault, as far as is known.
    pub(crate) fn recovered(&mut self, now: Instant) {
        for queue in self.queues.values_mut() {
            queue.doubt = queue.doubt.reconsidered();
        }
        let rests = |key| self.queues.get(key).is_some_and(|queue| queue.standing == Standing::Resting);
        let resting: Vec<_> = self.parked.iter().filter(|(_, key)| rests(key)).copied().collect();
        for entry @ (_, key) in resting {
            self.parked.remove(&entry);
            self.make_ready(key, now);
        }
    }

    fn make_ready(&mut self, key: Stem, now: Instant) {
        let Some(queue) = self.queues.get_mut(&key) else { return };
        if queue.is_refused() {
            reject_all(queue.take_all());
        }
        if queue.is_empty() {
            self.queues.remove(&key);
            return;
        }
        let since = if queue.overdue { now.checked_sub(self.limits.linger).unwrap_or(now) } else { now };
        queue.standing = Standing::Ready { since };
        self.ready.push_back(key);
        self.ready_items += queue.len();
        self.ready_bytes += queue.wire_len();
    }

    /// Lets go of the instances whose time has come.
    pub(crate) fn unpark(&mut self, now: Instant) {
        while let Some((until, key)) = self.parked.first().copied()
            && until <= now
        {
            self.parked.pop_first();
            self.make_ready(key, now);
        }
    }

    /// Remembers what the API takes.
    fn learn(&mut self, lesson: LimitLesson) {
        match lesson {
            LimitLesson::TooManyBytes(bytes) => self.limits.bytes = self.limits.bytes.min(bytes / 2).max(1),
            LimitLesson::RefusedItems(items) => self.limits.items = self.limits.items.min(items / 2).max(1),
            LimitLesson::RefusedAlone => self.limits = self.configured,
        }
    }

    /// Whether a batch is to be cut now: it is full, its first operation has waited long enough, or `flushing`.
    pub(crate) fn is_due(&self, now: Instant, flushing: bool) -> bool {
        self.ready_items > 0
            && (flushing
                || self.ready_items >= self.limits.items
                || self.ready_bytes >= self.limits.bytes
                || self.linger_ends().is_some_and(|end| end <= now))
    }

    /// When to look again, should nothing else happen.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let parked = self.parked.first().map(|(until, _)| *until);
        self.linger_ends().into_iter().chain(parked).min()
    }

    fn linger_ends(&self) -> Option<Instant> {
        let queue = self.queues.get(self.ready.front()?)?;
        match queue.standing {
            Standing::Ready { since } => Some(since + self.limits.linger),
            Standing::InFlight | Standing::Parked | Standing::Resting => None,
        }
    }

    /// Operations that could go at once.
    pub(crate) fn ready_items(&self) -> usize {
        self.ready_items
    }

    /// Operations in a full batch.
    pub(crate) fn batch_items(&self) -> usize {
        self.limits.items
    }

    /// How many operations the next batch takes at the most.
    pub(crate) fn next_items(&self) -> usize {
        self.ready_items.min(self.limits.items.min(self.next_doubt().most_items))
    }

    fn next_doubt(&self) -> Doubt {
        self.ready.front().and_then(|key| self.queues.get(key)).map_or(Doubt::NONE, |queue| queue.doubt)
    }

    /// Cuts a batch of at most `max_items`.
    pub(crate) fn cut(&mut self, max_items: usize) -> Cut {
        let mut doubt = self.next_doubt();
        let max_items = max_items.min(self.limits.items);
        let mut operations = Vec::with_capacity(self.ready_items.min(max_items));
        let mut runs = Vec::new();
        let mut bytes = 0;
        while let Some(key) = self.ready.front().copied()
            && operations.len() < max_items.min(doubt.most_items)
        {
            let Some(queue) = self.queues.get_mut(&key) else {
                self.ready.pop_front();
                continue;
            };
            // The first operation is exempt from the limit, or one that is larger could never be sent.
            let is_full = !operations.is_empty() && bytes + queue.front_len() > self.limits.bytes;
            let joined = doubt.joined(queue.doubt).filter(|joined| operations.len() < joined.most_items);
            let Some(joined) = joined.filter(|_| !is_full) else { break };
            doubt = joined;
            self.ready.pop_front();
            self.ready_items -= queue.len();
            self.ready_bytes -= queue.wire_len();
            queue.standing = Standing::InFlight;
            runs.push(key);
            let mut created = Created::default();
            while operations.len() < max_items.min(doubt.most_items)
                && (operations.is_empty() || bytes + queue.front_len() <= self.limits.bytes)
                && queue.front().is_some_and(|operation| created.admits(operation))
            {
                bytes += queue.front_len();
                let Some(operation) = queue.pop() else { break };
                operations.push(operation);
            }
            queue.overdue = !queue.is_empty();
        }
        Cut { operations, runs, doubt }
    }
}

/// The spans of a run that are created by a request so far. Where the API gives them its own ids, nothing that refers to
/// them can go with it: these ids come with the answer.
#[derive(Default)]
struct Created(HashSet<Stem, RandomKeyed>);

impl Created {
    /// Whether the operation may go with the others; then it counts as one of them.
    fn admits(&mut self, operation: &Operation) -> bool {
        if !operation.run().pipeline().server_assigns_span_ids() {
            return true;
        }
        if operation.action.refers_to().is_some_and(|span| self.0.contains(&span)) {
            return false;
        }
        if let Action::CreateSpan(create) = &operation.action {
            self.0.insert(create.id);
        }
        true
    }
}

fn reject_all(operations: impl IntoIterator<Item = Operation>) {
    for operation in operations {
        operation.settle(Fate::Rejected(RejectReason::RegistrationRefused));
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
