//! What the callers did, and what must have become of it at once: the pipeline's rules for handles, told a second time and
//! without queues, actors or a clock.

use std::collections::BTreeMap;

use prefactor_http::FinishStatus;
use prefactor_pipeline::{Ledger, LossReason, RejectReason, Tally};

/// What became of a call when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Admitted,
    Lost(LossReason),
    Rejected(RejectReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Register,
    Start,
    Create { span: usize },
    Finish { span: usize, status: FinishStatus, has_result: bool },
    Quality { number: usize },
    End { status: FinishStatus },
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) entry: Entry,
    /// Nobody called it: the pipeline makes it when it comes to the end of the run.
    is_implied: bool,
    /// The server has seen it in a request.
    pub(crate) received: bool,
    /// It is part of the server's state.
    pub(crate) present: bool,
}

impl Call {
    pub(crate) fn is_admitted(&self) -> bool {
        self.entry == Entry::Admitted
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunCalls {
    pub(crate) calls: Vec<Call>,
    /// What became of the registration, where it was not admitted: everything else shares it.
    refusal: Option<Entry>,
    pub(crate) ended: bool,
}

impl RunCalls {
    /// Those among the first `count` that should be part of the server's state and are not.
    pub(crate) fn missing(&self, count: usize) -> Vec<Kind> {
        let end_was_sent =
            self.calls.iter().any(|call| call.received && matches!(call.kind, Kind::End { .. }));
        let is_missing =
            |call: &&Call| call.is_admitted() && !call.present && (end_was_sent || !call.is_implied);
        self.calls[..count].iter().filter(is_missing).map(|call| call.kind).collect()
    }
}

#[derive(Debug)]
pub(crate) struct SpanCalls {
    pub(crate) run: usize,
    /// The span that the server is told of as the parent.
    pub(crate) parent: Option<usize>,
    /// Where the creation was not admitted, what became of it.
    refusal: Option<Entry>,
    pub(crate) finished: bool,
}

/// How the ledger changed during a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    accepted: u64,
    lost: BTreeMap<LossReason, u64>,
    rejected: BTreeMap<RejectReason, u64>,
}

impl Change {
    pub(crate) fn between(before: &Ledger, after: &Ledger) -> Self {
        fn grown<R: Copy + Ord>(before: &[(R, Tally)], after: &[(R, Tally)]) -> BTreeMap<R, u64> {
            let mut counts: BTreeMap<_, _> = after.iter().map(|(r, tally)| (*r, tally.operations)).collect();
            for (reason, tally) in before {
                *counts.entry(*reason).or_default() -= tally.operations;
            }
            counts.retain(|_, count| *count > 0);
            counts
        }
        Self {
            accepted: after.accepted.operations - before.accepted.operations,
            lost: grown(&before.lost, &after.lost),
            rejected: grown(&before.rejected, &after.rejected),
        }
    }

    fn predicted(entries: &[Entry]) -> Self {
        let (mut lost, mut rejected) = (BTreeMap::new(), BTreeMap::new());
        for entry in entries {
            match entry {
                Entry::Admitted => {}
                Entry::Lost(reason) => *lost.entry(*reason).or_default() += 1,
                Entry::Rejected(reason) => *rejected.entry(*reason).or_default() += 1,
            }
        }
        Self { accepted: entries.len() as u64, lost, rejected }
    }
}

/// All calls so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) runs: Vec<RunCalls>,
    pub(crate) spans: Vec<SpanCalls>,
    /// The pipeline takes nothing new any more.
    pub(crate) closed: bool,
    /// Finishes that the pipeline itself makes for spans that were left open.
    pub(crate) implied: u64,
    /// Operations that are taken whether they fit or not.
    pub(crate) forced: u64,
    /// Calls that were counted, not those that are implied.
    pub(crate) made: u64,
    qualities: usize,
    /// The entries of the call that is being told.
    entries: Vec<Entry>,
}

impl Calls {
    /// Compares what was told since the last time with how the ledger changed.
    pub(crate) fn agree(&mut self, change: &Change) -> Result<Vec<Entry>, String> {
        let entries = std::mem::take(&mut self.entries);
        self.made += entries.len() as u64;
        let predicted = Change::predicted(&entries);
        if predicted == *change {
            Ok(entries)
        } else {
            Err(format!("a call changed the ledger by {change:?}, which should be {predicted:?}"))
        }
    }

    pub(crate) fn begin(&mut self, change: &Change) -> usize {
        let run = self.runs.len();
        self.runs.push(RunCalls::default());
        match self.submit(run, Kind::Register, change, true) {
            Entry::Admitted => {
                self.submit(run, Kind::Start, change, false);
            }
            refusal => {
                self.runs[run].refusal = Some(refusal);
                self.tell(run, Kind::Start, refusal);
            }
        }
        run
    }

    /// The number that the next span will have.
    pub(crate) fn next_span(&self) -> usize {
        self.spans.len()
    }

    pub(crate) fn span(&mut self, run: usize, parent: Option<usize>, change: &Change) -> usize {
        let span = self.spans.len();
        let parent = parent.and_then(|parent| {
            let known = &self.spans[parent];
            if known.refusal.is_some() { known.parent } else { Some(parent) }
        });
        let entry = self.call(run, Kind::Create { span }, change);
        let refusal = (entry != Entry::Admitted).then_some(entry);
        self.spans.push(SpanCalls { run, parent, refusal, finished: false });
        span
    }

    pub(crate) fn finish(&mut self, span: usize, status: FinishStatus, has_result: bool, change: &Change) {
        let (run, finished, refusal) = {
            let span = &mut self.spans[span];
            (span.run, std::mem::replace(&mut span.finished, true), span.refusal)
        };
        let kind = Kind::Finish { span, status, has_result };
        if finished {
            self.tell(run, kind, Entry::Rejected(RejectReason::SpanFinished));
        } else if let Some(refusal) = refusal {
            self.tell(run, kind, refusal);
        } else if self.call(run, kind, change) == Entry::Lost(LossReason::QueueFull) {
            // Its result found no room; that it has ended is taken all the same.
            self.submit(run, Kind::Finish { span, status, has_result: false }, change, false);
        }
    }

    pub(crate) fn drop_span(&mut self, span: usize, status: FinishStatus, change: &Change) {
        let known = &self.spans[span];
        if !known.finished && !self.runs[known.run].ended {
            self.finish(span, status, false, change);
        }
    }

    pub(crate) fn quality(&mut self, run: usize, change: &Change) {
        let number = self.qualities;
        self.qualities += 1;
        self.call(run, Kind::Quality { number }, change);
    }

    pub(crate) fn next_quality(&self) -> usize {
        self.qualities
    }

    pub(crate) fn end(&mut self, run: usize, status: FinishStatus, change: &Change) {
        let kind = Kind::End { status };
        if std::mem::replace(&mut self.runs[run].ended, true) {
            return self.tell(run, kind, Entry::Rejected(RejectReason::InstanceFinished));
        }
        if let Some(refusal) = self.runs[run].refusal {
            return self.tell(run, kind, refusal);
        }
        let before = self.runs[run].calls.len();
        if self.submit(run, kind, change, false) == Entry::Admitted {
            let implied = self.left_open(run, status);
            self.implied += implied.len() as u64;
            self.forced += implied.len() as u64;
            self.runs[run].calls.splice(before..before, implied);
        }
    }

    /// The last handle of a run is gone.
    pub(crate) fn drop_run(&mut self, run: usize, status: FinishStatus, change: &Change) {
        if !self.runs[run].ended {
            self.end(run, status, change);
        }
    }

    /// The finishes of the spans that a run's end finishes, the youngest first.
    fn left_open(&self, run: usize, status: FinishStatus) -> Vec<Call> {
        let mut open = Vec::new();
        for call in self.runs[run].calls.iter().filter(|call| call.is_admitted()) {
            match call.kind {
                Kind::Create { span } => open.push(span),
                Kind::Finish { span, .. } => open.retain(|other| *other != span),
                _ => {}
            }
        }
        let finish = |span| {
            let kind = Kind::Finish { span, status, has_result: false };
            Call { kind, entry: Entry::Admitted, is_implied: true, received: false, present: false }
        };
        open.into_iter().rev().map(finish).collect()
    }

    /// A call that is refused where its run is known to have failed or finished.
    fn call(&mut self, run: usize, kind: Kind, change: &Change) -> Entry {
        let known = &self.runs[run];
        let refusal =
            known.refusal.or_else(|| known.ended.then_some(Entry::Rejected(RejectReason::InstanceFinished)));
        match refusal {
            Some(refusal) => {
                self.tell(run, kind, refusal);
                refusal
            }
            None => self.submit(run, kind, change, true),
        }
    }

    /// A call that reaches the pipeline. Whether there was room, and whether the registration was refused by now, only the
    /// pipeline knows.
    fn submit(&mut self, run: usize, kind: Kind, change: &Change, checked: bool) -> Entry {
        let entry = if self.closed {
            Entry::Lost(LossReason::ShutDown)
        } else if change.rejected.contains_key(&RejectReason::RegistrationRefused) {
            Entry::Rejected(RejectReason::RegistrationRefused)
        } else if checked && change.lost.contains_key(&LossReason::QueueFull) {
            Entry::Lost(LossReason::QueueFull)
        } else {
            Entry::Admitted
        };
        self.forced += u64::from(!checked);
        self.tell(run, kind, entry);
        entry
    }

    fn tell(&mut self, run: usize, kind: Kind, entry: Entry) {
        self.entries.push(entry);
        self.runs[run].calls.push(Call { kind, entry, is_implied: false, received: false, present: false });
    }
}
