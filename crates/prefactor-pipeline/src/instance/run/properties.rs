//! What goes on of a run, replayed, is what was called: for any calls, and whenever the actor looks and the API answers.

use proptest::prelude::*;

use super::*;
use crate::fixture::{self, create, finish_as, finish_instance, operation, partition, quality, whole, words};

#[derive(Clone, Debug)]
enum Step {
    /// A span below one of those before it.
    Create {
        parent: Option<prop::sample::Index>,
    },
    /// Spans that are finished already, one after the other.
    Whole {
        spans: u32,
    },
    /// Of any span, also one that is finished or was never created.
    Finish {
        span: u32,
        status: FinishStatus,
    },
    Quality,
    End {
        status: FinishStatus,
    },
    /// The actor looks at what has arrived.
    Look,
    /// The API answers the registration.
    Registered,
    Refused,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let status =
        || prop::sample::select(vec![FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled]);
    let parent = prop::option::of(any::<prop::sample::Index>());
    let step = prop_oneof![
        8 => parent.prop_map(|parent| Step::Create { parent }),
        8 => (1..12_u32, status()).prop_map(|(span, status)| Step::Finish { span, status }),
        4 => (1..4_u32).prop_map(|spans| Step::Whole { spans }),
        2 => Just(Step::Quality),
        1 => status().prop_map(|status| Step::End { status }),
        6 => Just(Step::Look),
        2 => Just(Step::Registered),
        1 => Just(Step::Refused),
    ];
    prop::collection::vec(step, 0..40)
}

/// What a run must make of its calls, told without queues, tables or states.
#[derive(Default)]
struct Told {
    /// What goes on, in words.
    forwarded: Vec<String>,
    open: Vec<u32>,
    has_ended: bool,
    rejected: Vec<RejectReason>,
}

impl Told {
    fn call(&mut self, step: &Step, number: u32) {
        if self.has_ended {
            let operations = if let Step::Whole { spans } = step { *spans } else { 1 };
            self.rejected.extend(std::iter::repeat_n(RejectReason::InstanceFinished, operations as usize));
            return;
        }
        match step {
            Step::Create { .. } => {
                self.open.push(number);
                self.forwarded.push(format!("create {number}"));
            }
            Step::Finish { span, status } => match self.open.iter().position(|open| open == span) {
                None => self.rejected.push(RejectReason::SpanFinished),
                Some(at) => {
                    self.open.remove(at);
                    self.forwarded.push(format!("finish {span} {}", status.as_str()));
                }
            },
            Step::Whole { spans } => {
                self.forwarded.extend((0..*spans).map(|span| format!("whole {} complete", number + span)));
            }
            Step::Quality => self.forwarded.push(format!("quality {number}")),
            Step::End { status } => {
                self.has_ended = true;
                let left_open = std::mem::take(&mut self.open).into_iter().rev();
                self.forwarded.extend(left_open.map(|span| format!("finish {span} {}", status.as_str())));
                self.forwarded.push(format!("end {}", status.as_str()));
            }
            Step::Look | Step::Registered | Step::Refused => {}
        }
    }
}

struct Replay {
    run: Arc<Run>,
    told: Told,
    forwarded: Vec<Operation>,
    calls: u32,
    created: Vec<u32>,
}

impl Replay {
    fn begin(knows_partition: bool) -> Self {
        let pipeline =
            if knows_partition { fixture::pipeline() } else { fixture::pipeline_without_partition() };
        let run = fixture::new_run(&pipeline, 1_000);
        for action in [fixture::register(), fixture::start()] {
            run.arrive(Segments::from_iter([operation(&run, action)]), drop);
        }
        let told = Told { forwarded: vec!["register".to_owned(), "start".to_owned()], ..Told::default() };
        Self { run, told, forwarded: Vec::new(), calls: 0, created: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        self.calls += 1;
        let number = self.calls;
        let action = match step {
            Step::Create { parent } => {
                let parent = parent.filter(|_| !self.created.is_empty()).map(|at| *at.get(&self.created));
                self.created.push(number);
                create(number, parent)
            }
            Step::Finish { span, status } => finish_as(*span, *status, None),
            Step::Whole { spans } => {
                let actions = (0..*spans).map(|span| whole(number + span, None));
                let operations = actions.map(|action| operation(&self.run, action)).collect();
                self.run.arrive(operations, |operations| self.forwarded.extend(operations));
                self.told.call(step, number);
                self.calls += spans - 1;
                return;
            }
            Step::Quality => quality(number),
            Step::End { status } => finish_instance(*status),
            Step::Look => return self.run.advance(|operations| self.forwarded.extend(operations)),
            Step::Registered => return self.run.registered_as(self.run.key().with_partition(partition())),
            Step::Refused => return self.run.registration_refused(),
        };
        self.told.call(step, number);
        let operations = Segments::from_iter([operation(&self.run, action)]);
        self.run.arrive(operations, |operations| self.forwarded.extend(operations));
    }
}

proptest! {
    #[test]
    fn what_goes_on_is_what_was_called(
        knows_partition in any::<bool>(),
        steps in steps(),
    ) {
        let mut replay = Replay::begin(knows_partition);
        let mut is_answered = false;
        for step in &steps {
            // One registration has one answer, and it comes after the registration was sent.
            let is_answer = matches!(step, Step::Registered | Step::Refused);
            if is_answer && (is_answered || replay.forwarded.is_empty()) {
                continue;
            }
            is_answered |= is_answer;
            replay.take(step);
            if !knows_partition && !is_answered {
                prop_assert!(words(&replay.forwarded).len() <= 1, "nothing overtakes the registration");
            }
        }
        if !is_answered {
            replay.take(&Step::Look);
            replay.take(&Step::Registered);
        }
        replay.take(&Step::Look);

        let Replay { run, told, forwarded, .. } = replay;
        let gone_on = words(&forwarded);
        let ledger = run.account().ledger();
        if run.is_refused() {
            prop_assert!(told.forwarded.starts_with(&gone_on), "{:?} of {:?}", gone_on, told.forwarded);
            let rejected = ledger.rejected_total().operations + gone_on.len() as u64;
            prop_assert_eq!(rejected, ledger.accepted.operations);
        } else {
            prop_assert_eq!(&gone_on, &told.forwarded);
            for reason in [RejectReason::SpanFinished, RejectReason::InstanceFinished] {
                let times = told.rejected.iter().filter(|rejected| **rejected == reason).count();
                prop_assert_eq!(ledger.rejected_for(reason).operations, times as u64);
            }
            prop_assert_eq!(ledger.in_flight().operations, gone_on.len() as u64);
        }
        prop_assert_eq!(ledger.lost_total(), Tally::default());
    }
}
