//! What was sent, replayed, is what was called: for any calls, any cuts and any partial answers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prefactor_http::FinishStatus;
use proptest::prelude::*;

use super::*;
use crate::batcher::Trouble;
use crate::fixture::{self, create, finish_as, operation, whole};
use crate::instance::Run;
use crate::ledger::Tally;
use crate::operation::{Action, SpanEnd};
use crate::wire;

const RUNS: u32 = 3;
const LIMITS: Limits = Limits { items: 5, bytes: 2_400, linger: Duration::from_secs(1) };

#[derive(Clone, Debug)]
enum Step {
    /// A call on one instance: begin a span below one that is open, or finish one.
    Create {
        run: u32,
        parent: usize,
    },
    Finish {
        run: u32,
        span: usize,
        status: FinishStatus,
    },
    /// Calls whose finishes have met their creates, below a span that is open.
    Whole {
        run: u32,
        parent: usize,
        spans: u32,
    },
    /// The batcher cuts a batch.
    Cut {
        max_items: usize,
    },
    /// The oldest batch in flight is answered: so many of its operations were processed, then one may have failed
    /// for a while.
    Answer {
        processed: usize,
        park: bool,
    },
    /// The oldest batch in flight is given up.
    GiveUp {
        rests: bool,
    },
    /// The API answers again.
    Recover,
    /// Time passes.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let status =
        prop::sample::select(vec![FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled]);
    prop_oneof![
        4 => (0..RUNS, 0..9_usize).prop_map(|(run, parent)| Step::Create { run, parent }),
        4 => (0..RUNS, 0..9_usize, status).prop_map(|(run, span, status)| Step::Finish { run, span, status }),
        4 => (0..RUNS, 0..9_usize, 1..4_u32)
            .prop_map(|(run, parent, spans)| Step::Whole { run, parent, spans }),
        2 => (1..7_usize).prop_map(|max_items| Step::Cut { max_items }),
        2 => (0..7_usize, any::<bool>()).prop_map(|(processed, park)| Step::Answer { processed, park }),
        1 => any::<bool>().prop_map(|rests| Step::GiveUp { rests }),
        1 => Just(Step::Recover),
        1 => Just(Step::Wait),
    ]
}

/// What an API would know of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    parent: Option<Stem>,
    end: Option<FinishStatus>,
}

/// The API, or what the callers did: the same rules for both.
#[derive(Debug, Default, PartialEq, Eq)]
struct World(HashMap<Stem, Known>);

impl World {
    fn apply(&mut self, action: &Action) {
        match action {
            Action::CreateSpan(create) => {
                if let Some(parent) = &create.parent {
                    assert!(self.0.contains_key(parent), "a parent comes before its children");
                }
                let end = match &create.end {
                    SpanEnd::Finished(finish) => Some(finish.status),
                    SpanEnd::Open | SpanEnd::Cancelled => None,
                };
                let known = Known { parent: create.parent, end };
                assert_eq!(self.0.insert(create.id, known), None, "a span is created once");
            }
            Action::FinishSpan { id, finish } => {
                let span = self.0.get_mut(id).expect("a span is created before it is finished");
                assert_eq!(span.end.replace(finish.status), None, "a span is finished once");
            }
            other => panic!("not called here: {other:?}"),
        }
    }
}

struct Simulation {
    backlog: Backlog,
    now: Instant,
    runs: Vec<Arc<Run>>,
    /// The open spans of each instance, by number.
    open: Vec<Vec<u32>>,
    spans: u32,
    in_flight: Vec<(Vec<Operation>, Vec<Stem>, Doubt)>,
    called: World,
    arrived: World,
}

impl Simulation {
    fn new() -> Self {
        let pipeline = fixture::pipeline();
        Self {
            backlog: Backlog::new(LIMITS),
            now: Instant::now(),
            runs: (0..RUNS).map(|n| fixture::run(&pipeline, 10_000 + n)).collect(),
            open: vec![Vec::new(); RUNS as usize],
            spans: 0,
            in_flight: Vec::new(),
            called: World::default(),
            arrived: World::default(),
        }
    }

    fn call(&mut self, run: u32, actions: impl IntoIterator<Item = Action>) {
        let accept = |action| {
            self.called.apply(&action);
            operation(&self.runs[run as usize], action)
        };
        self.backlog.add(actions.into_iter().map(accept).collect(), self.now);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Create { run, parent } => {
                let open = &mut self.open[run as usize];
                let parent = open.get(parent).copied();
                self.spans += 1;
                open.push(self.spans);
                self.call(run, [create(self.spans, parent)]);
            }
            Step::Finish { run, span, status } => {
                let open = &mut self.open[run as usize];
                if span < open.len() {
                    let span = open.remove(span);
                    let result = (status != FinishStatus::Cancelled).then_some(r#"{"r":1}"#);
                    self.call(run, [finish_as(span, status, result)]);
                }
            }
            Step::Whole { run, parent, spans } => {
                let parent = self.open[run as usize].get(parent).copied();
                let first = self.spans + 1;
                self.spans += spans;
                self.call(run, (first..first + spans).map(|span| whole(span, parent)));
            }
            Step::Cut { max_items } => self.cut(max_items),
            Step::Answer { processed, park } => self.answer(processed, park),
            Step::GiveUp { rests } => self.give_up(rests),
            Step::Recover => self.backlog.recovered(self.now),
            Step::Wait => {
                self.now += Duration::from_secs(1);
                self.backlog.unpark(self.now);
            }
        }
    }

    fn cut(&mut self, max_items: usize) {
        let Cut { operations, runs, doubt } = self.backlog.cut(max_items);
        assert!(operations.len() <= max_items.min(LIMITS.items));
        let bytes: usize = operations.iter().map(wire::estimated_len).sum();
        assert!(operations.len() <= 1 || bytes <= LIMITS.bytes, "{bytes} bytes");
        let flying: HashSet<_> = self.in_flight.iter().flat_map(|(_, runs, _)| runs).collect();
        assert!(runs.iter().all(|run| !flying.contains(run)), "an instance has one request in flight");
        assert!(operations.iter().all(|operation| runs.contains(&operation.run().key())));
        if !runs.is_empty() {
            self.in_flight.push((operations, runs, doubt));
        }
    }

    fn answer(&mut self, processed: usize, park: bool) {
        if self.in_flight.is_empty() {
            return;
        }
        let (mut operations, runs, _) = self.in_flight.remove(0);
        let returned = operations.split_off(processed.min(operations.len()));
        for operation in operations {
            self.arrived.apply(&operation.action);
            operation.settle(Fate::Delivered);
        }
        let until = self.now + Duration::from_secs(1);
        let parked = returned.first().filter(|_| park).map(|failed| (failed.run().key(), until));
        let parked = parked.into_iter().collect();
        let completed = Completed { runs, returned, parked, processed: true, ..Completed::default() };
        self.backlog.complete(completed, self.now);
    }

    fn give_up(&mut self, rests: bool) {
        if !self.in_flight.is_empty() {
            let (returned, runs, doubt) = self.in_flight.remove(0);
            let doubt = doubt.failed(returned.len(), u64::from(!rests));
            let trouble = Some(Trouble { until: self.now + Duration::from_secs(1), doubt, rests });
            self.backlog.complete(Completed { runs, returned, trouble, ..Completed::default() }, self.now);
        }
    }

    fn finish(mut self) -> Self {
        let whole = Step::Answer { processed: usize::MAX, park: false };
        while self.backlog.next_due().is_some() || !self.in_flight.is_empty() {
            for step in [Step::Wait, Step::Cut { max_items: usize::MAX }, whole.clone()] {
                self.take(step);
            }
        }
        self
    }
}

proptest! {
    #[test]
    fn replaying_what_was_sent_equals_replaying_what_was_called(steps in prop::collection::vec(step(), 0..80)) {
        let mut simulation = Simulation::new();
        for step in steps {
            simulation.take(step);
        }

        let end = simulation.finish();

        prop_assert_eq!(&end.arrived, &end.called);
        let backlog = &end.backlog;
        prop_assert!(backlog.queues.is_empty() && backlog.ready.is_empty() && backlog.parked.is_empty());
        prop_assert_eq!((backlog.ready_items, backlog.ready_bytes), (0, 0));
        for run in &end.runs {
            let ledger = run.account().ledger();
            prop_assert_eq!(ledger.delivered, ledger.accepted);
        }
        let pipeline = end.runs[0].pipeline();
        prop_assert_eq!(pipeline.ledger().in_flight(), Tally::default());
        prop_assert_eq!(pipeline.admission().held(), 0);
    }
}
