//! Many runs at once, made by many threads, with everything that was done to each span written down.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use prefactor::{AgentVersion, Instance, Prefactor, Span};
use prefactor_emulator::{Emulator, InstanceStatus, SpanRecord, SpanStatus};
use serde_json::{Value, json};

/// How a span was finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Failed,
    Cancelled,
    Dropped,
}

/// What was done to one span, known by the number in its payload.
#[derive(Clone, Copy, Debug)]
struct Done {
    parent: Option<u64>,
    end: End,
}

/// One run and the spans that were made in it.
pub(crate) struct Tree {
    pub(crate) run: Instance,
    /// Spans that are open, the innermost last.
    open: Vec<(u64, Span)>,
    done: Vec<Done>,
    random: fastrand::Rng,
    begun: DateTime<Utc>,
}

impl Tree {
    fn plant(prefactor: &Prefactor, seed: u64) -> Self {
        let begun = Utc::now();
        let run = prefactor.instance(AgentVersion::new("forest", "v1")).start();
        Self { run, open: Vec::new(), done: Vec::new(), random: fastrand::Rng::with_seed(seed), begun }
    }

    /// Begins one more span, after finishing some of those that are open.
    fn grow(&mut self) {
        while self.open.len() > 6 || (!self.open.is_empty() && self.random.u8(..) < 100) {
            self.finish_one();
        }
        let number = self.done.len() as u64;
        let payload = json!({ "number": number, "text": "é".repeat(self.random.usize(0..60)) });
        let span = match self.open.last() {
            Some((_, parent)) => parent.child("forest:branch", &payload),
            None => self.run.root_span("forest:root", &payload),
        };
        let parent = self.open.last().map(|(parent, _)| *parent);
        self.done.push(Done { parent, end: End::Dropped });
        self.open.push((number, span));
    }

    fn finish_one(&mut self) {
        let (number, span) = self.open.pop().expect("an open span");
        let end = match self.random.u8(0..20) {
            0..=13 => End::Complete,
            14..=16 => End::Failed,
            17 => End::Cancelled,
            _ => End::Dropped,
        };
        match end {
            End::Complete => span.complete(&json!({ "of": number })),
            End::Failed => span.fail(&json!({ "of": number })),
            End::Cancelled => span.cancel(),
            End::Dropped => drop(span),
        }
        self.done[number as usize].end = end;
    }

    fn fell(&mut self) {
        while !self.open.is_empty() {
            self.finish_one();
        }
        self.run.finish();
    }

    /// Asserts that the server knows this run as it was: each span once, in its place, as it ended, in order.
    pub(crate) fn assert_arrived(&self, emulator: &Emulator) {
        let id = self.run.id().expect("a registered run");
        let instance = emulator.instance(id).expect("the run is on the server");
        let spans = emulator.spans(id);
        assert_eq!(instance.status, InstanceStatus::Complete);
        assert_eq!(spans.len(), self.done.len(), "each span exactly once");

        let numbered: HashMap<u64, &SpanRecord> =
            spans.iter().map(|span| (number(&span.payload), span)).collect();
        assert_eq!(numbered.len(), self.done.len(), "no span twice under two ids");
        let started = instance.started_sequence.expect("the run was started");
        let finished = instance.finished_sequence.expect("the run was finished");
        for (number, done) in (0..).zip(&self.done) {
            let span = numbered[&number];
            let parent = done.parent.map(|parent| numbered[&parent]);
            assert_eq!(span.parent_span_id, parent.map(|parent| parent.id));
            self.assert_ended(span, done.end);

            let (created, ended) = (span.created_sequence, span.finished_sequence.expect("finished"));
            assert!(started < created, "the run started first");
            assert!(parent.is_none_or(|parent| parent.created_sequence < created), "parents come first");
            assert!(created <= ended && ended < finished, "the run's finish comes last");
        }
    }

    fn assert_ended(&self, span: &SpanRecord, end: End) {
        let (status, has_result) = match end {
            End::Complete => (SpanStatus::Complete, true),
            End::Dropped => (SpanStatus::Complete, false),
            End::Failed => (SpanStatus::Failed, true),
            End::Cancelled => (SpanStatus::Cancelled, false),
        };
        assert_eq!(span.status, status);
        let expected = has_result.then(|| json!({ "of": number(&span.payload) }));
        assert_eq!(span.result_payload, expected);

        let ended = span.finished_at.expect("a time of the finish");
        // A span that was cancelled before it was sent is created pending: then it has not started, for the server.
        let started =
            span.started_at.or((end == End::Cancelled).then_some(ended)).expect("a time of the start");
        // The clock behind `begun` is read to the nanosecond, a span's to the microsecond.
        let begun = self.begun - chrono::TimeDelta::milliseconds(1);
        assert!(begun <= started && started <= ended && ended <= Utc::now());
    }
}

fn number(payload: &Value) -> u64 {
    payload["number"].as_u64().expect("a numbered payload")
}

/// Grows `trees` runs of `spans` spans each on `threads` threads, the runs of a thread in turns.
pub(crate) fn grow(
    prefactor: &Prefactor,
    trees: usize,
    spans: usize,
    threads: usize,
    seed: u64,
) -> Vec<Tree> {
    let per_thread = trees / threads;
    let grow_some = |thread: usize| {
        let seeds = (0..per_thread).map(|tree| seed + (thread * per_thread + tree) as u64);
        let mut trees: Vec<_> = seeds.map(|seed| Tree::plant(prefactor, seed)).collect();
        for _ in 0..spans {
            trees.iter_mut().for_each(Tree::grow);
        }
        trees.iter_mut().for_each(Tree::fell);
        trees
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || grow_some(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread of callers")).collect()
    })
}
