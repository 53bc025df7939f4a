//! Callers that do anything at all with their handles, told step by step.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use fastrand::Rng;
use prefactor_http::FinishStatus;
use prefactor_pipeline::{AgentVersion, Instance, Prefactor, Report, Span, Termination};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::audit;
use crate::bulk;
use crate::calls::{Calls, Change, Entry};
use crate::scenario::{LONGEST_FILLING, Scenario, pick};
use crate::story::Story;

/// The handles of one run.
struct Run {
    number: usize,
    /// Tells whether an operator has ended it, where somebody wants to know.
    terminated: Option<Termination>,
    instance: Option<Instance>,
    /// With their numbers.
    spans: Vec<(usize, Span)>,
}

pub(crate) struct Callers {
    pub(crate) rng: Rng,
    pub(crate) story: Story,
    pub(crate) prefactor: Prefactor,
    most_runs: usize,
    runs: Vec<Run>,
    /// Flushes and shutdowns that somebody waits for.
    waits: JoinSet<()>,
}

/// A machine that slept, for example.
const JUMP: Duration = Duration::from_secs(3_600);

/// Actors that have panicked are started again within this time.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a wait may take beyond its time: the step of tokio's timers.
const TIMER_STEP: Duration = Duration::from_millis(2);

impl Callers {
    pub(crate) fn new(rng: Rng, story: Story, prefactor: Prefactor, scenario: &Scenario) -> Self {
        Self { rng, story, prefactor, most_runs: scenario.most_runs, runs: Vec::new(), waits: JoinSet::new() }
    }

    /// One step of anybody.
    pub(crate) async fn step(&mut self) {
        match self.rng.u32(0..100) {
            0..8 => self.begin(),
            8..40 => self.span(),
            40..62 => self.finish_span(),
            62..67 => self.drop_span(),
            67..71 => self.quality(),
            71..77 => self.end_run(),
            77..81 => self.drop_run(),
            81..85 => self.flush_run().await,
            85..89 => self.flush_in_the_background(),
            89..91 => self.wait_for_room().await,
            91..93 => self.terminate(),
            _ => self.pause().await,
        }
        if self.rng.u32(0..3) == 0 {
            sleep(Duration::from_millis(self.rng.u64(0..40))).await;
        }
    }

    /// Makes a call: compares how the ledger changes with how `tell` says that it must.
    fn call<T>(
        &mut self,
        words: String,
        act: impl FnOnce(&Self) -> T,
        tell: impl FnOnce(&mut Calls, &Change),
    ) -> T {
        let before = self.prefactor.ledger();
        let done = act(self);
        let change = Change::between(&before, &self.prefactor.ledger());
        let told = &mut *self.story.lock();
        tell(&mut told.calls, &change);
        match told.calls.agree(&change) {
            Ok(entries) if entries.iter().all(|entry| *entry == Entry::Admitted) => told.note(words),
            Ok(entries) => told.note(format!("{words}: {entries:?}")),
            Err(error) => told.violate(format!("{words}: {error}")),
        }
        done
    }

    fn begin(&mut self) {
        if self.runs.len() >= self.most_runs {
            return;
        }
        let number = self.story.lock().calls.runs.len();
        let instance = self.call(
            format!("begin r{number}"),
            |callers| {
                let agent = callers.prefactor.instance(AgentVersion::new("agent", "v1"));
                agent.external_identifier(number.to_string()).start()
            },
            |calls, change| {
                calls.begin(change);
            },
        );
        let terminated = self.rng.bool().then(|| instance.terminated());
        self.runs.push(Run { number, terminated, instance: Some(instance), spans: Vec::new() });
    }

    fn any_run(&mut self) -> Option<usize> {
        if self.runs.is_empty() {
            self.begin();
        }
        (!self.runs.is_empty()).then(|| self.rng.usize(..self.runs.len()))
    }

    fn any_span(&mut self) -> Option<(usize, usize)> {
        let run = self.any_run()?;
        let spans = self.runs[run].spans.len();
        (spans > 0).then(|| (run, self.rng.usize(..spans)))
    }

    fn content(&mut self, number: usize) -> Value {
        let filling = match self.rng.u32(0..20) {
            0..16 => 0,
            16..19 => self.rng.usize(..300),
            _ => self.rng.usize(..LONGEST_FILLING),
        };
        json!({ "number": number, "filling": "x".repeat(filling) })
    }

    fn span(&mut self) {
        let Some(at) = self.any_run() else { return };
        let number = self.story.lock().calls.next_span();
        let content = self.content(number);
        let run = self.runs[at].number;
        let spans = self.runs[at].spans.len();
        let parent = (spans > 0 && self.rng.u32(0..4) > 0).then(|| self.rng.usize(..spans));
        let parent_number = parent.map(|parent| self.runs[at].spans[parent].0);
        if parent.is_none() && self.runs[at].instance.is_none() {
            return;
        }
        let span = self.call(
            format!("span s{number} of r{run} below {parent_number:?}"),
            |callers| match (parent, &callers.runs[at]) {
                (Some(parent), run) => run.spans[parent].1.child("agent:step", &content),
                (None, run) => run.instance.as_ref().expect("looked at above").span("agent:step", &content),
            },
            |calls, change| {
                calls.span(run, parent_number, change);
            },
        );
        self.runs[at].spans.push((number, span));
    }

    fn finish_span(&mut self) {
        let Some((at, index)) = self.any_span() else { return };
        let number = self.runs[at].spans[index].0;
        let status =
            pick(&mut self.rng, &[FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled]);
        let result = self.content(number);
        let has_result = status != FinishStatus::Cancelled;
        self.call(
            format!("finish s{number} {}", status.as_str()),
            |callers| {
                let span = &callers.runs[at].spans[index].1;
                match status {
                    FinishStatus::Cancelled => span.cancel(),
                    FinishStatus::Failed => span.fail(&result),
                    _ => span.complete(&result),
                }
            },
            |calls, change| calls.finish(number, status, has_result, change),
        );
        if self.rng.u32(0..3) > 0 {
            self.drop_this_span(at, index, false);
        }
    }

    fn drop_span(&mut self) {
        if let Some((at, index)) = self.any_span() {
            let panicking = self.rng.bool();
            self.drop_this_span(at, index, panicking);
        }
    }

    fn drop_this_span(&mut self, at: usize, index: usize, panicking: bool) {
        let (number, span) = self.runs[at].spans.swap_remove(index);
        let run = self.runs[at].number;
        let is_last = self.runs[at].spans.is_empty() && self.runs[at].instance.is_none();
        let status = status_of_drop(panicking);
        self.call(
            format!("drop s{number} as {}", status.as_str()),
            |_| drop_it(span, panicking),
            |calls, change| {
                calls.drop_span(number, status, change);
                if is_last {
                    calls.drop_run(run, status, change);
                }
            },
        );
        self.forget_empty_runs();
    }

    fn quality(&mut self) {
        let Some(at) = self.any_run() else { return };
        let (run, number) = (self.runs[at].number, self.story.lock().calls.next_quality());
        if self.runs[at].instance.is_none() {
            return;
        }
        let content = self.content(number);
        self.call(
            format!("quality q{number} of r{run}"),
            |callers| {
                let instance = callers.runs[at].instance.as_ref().expect("looked at above");
                instance.record_quality("quality", &content);
            },
            |calls, change| calls.quality(run, change),
        );
    }

    fn end_run(&mut self) {
        let Some(at) = self.any_run() else { return };
        let (run, Some(_)) = (self.runs[at].number, &self.runs[at].instance) else { return };
        let status = pick(
            &mut self.rng,
            &[FinishStatus::Complete, FinishStatus::Complete, FinishStatus::Failed, FinishStatus::Cancelled],
        );
        self.call(
            format!("end r{run} {}", status.as_str()),
            |callers| {
                let instance = callers.runs[at].instance.as_ref().expect("looked at above");
                match status {
                    FinishStatus::Cancelled => instance.cancel(),
                    FinishStatus::Failed => instance.fail(),
                    _ => instance.finish(),
                }
            },
            |calls, change| calls.end(run, status, change),
        );
        if self.rng.bool() {
            self.drop_this_run(at, false);
        }
    }

    fn drop_run(&mut self) {
        if let Some(at) = self.any_run() {
            let panicking = self.rng.bool();
            self.drop_this_run(at, panicking);
        }
    }

    /// Drops a run's own handle, and sometimes those of its spans first.
    fn drop_this_run(&mut self, at: usize, panicking: bool) {
        let with_spans = self.rng.bool();
        let run = self.runs[at].number;
        while with_spans && !self.runs[at].spans.is_empty() {
            let last = self.runs[at].spans.len() == 1 && self.runs[at].instance.is_none();
            self.drop_this_span(at, 0, panicking);
            if last {
                return;
            }
        }
        let Some(instance) = self.runs[at].instance.take() else { return };
        if let Some(id) = instance.id() {
            self.story.lock().accounts.is_run(id, run);
        }
        let is_last = self.runs[at].spans.is_empty();
        let status = status_of_drop(panicking);
        self.call(
            format!("drop r{run} as {}", status.as_str()),
            |_| drop_it(instance, panicking),
            |calls, change| {
                if is_last {
                    calls.drop_run(run, status, change);
                }
            },
        );
        self.forget_empty_runs();
    }

    pub(crate) fn drop_everything(&mut self) {
        while let Some(run) = self.runs.first() {
            if run.instance.is_some() {
                self.drop_this_run(0, false);
            } else {
                self.drop_this_span(0, 0, false);
            }
        }
    }

    fn forget_empty_runs(&mut self) {
        self.runs.retain(|run| run.instance.is_some() || !run.spans.is_empty());
    }

    fn timeout(&mut self) -> Duration {
        Duration::from_millis(pick(&mut self.rng, &[2_000, 5_000, 60_000]))
    }

    /// An operator ends a run.
    fn terminate(&mut self) {
        if let Some(at) = self.any_run() {
            let run = self.runs[at].number;
            let told = &mut *self.story.lock();
            told.note(format!("an operator ends r{run}"));
            told.server.terminate(run);
        }
    }

    /// Nobody hears of an end that is not theirs, and everybody hears of their own at once.
    pub(crate) fn check_terminations(&self) {
        let told = &mut *self.story.lock();
        for (run, terminated) in self.watched() {
            let since = told.server.told_of(run);
            let is_late = since.is_some_and(|since| {
                let jumped = told.jumped.is_some_and(|jumped| jumped > since);
                !jumped && since.elapsed() > AT_ONCE && !told.calls.runs[run].ended
            });
            let is_wrong = since.is_none() || terminated.reason() != Some(&*bulk::reason(run));
            if if terminated.is_terminated() { is_wrong } else { is_late } {
                told.violate(format!("run {run} heard of its end: {:?} {since:?}", terminated.reason()));
            }
        }
    }

    /// Whoever is still at work has heard of it by now.
    pub(crate) fn check_that_terminations_arrive(&self) {
        let told = &mut *self.story.lock();
        for (run, terminated) in self.watched() {
            let at_work = !told.calls.runs[run].ended && told.server.is_registered(run);
            if at_work && told.server.is_terminated(run) && !terminated.is_terminated() {
                told.violate(format!("run {run} has not heard that it was ended"));
            }
        }
    }

    fn watched(&self) -> impl Iterator<Item = (usize, &Termination)> {
        self.runs.iter().filter_map(|run| Some((run.number, run.terminated.as_ref()?)))
    }

    async fn flush_run(&mut self) {
        let time = self.timeout();
        let Some(at) = self.any_run() else { return };
        let Some(instance) = &self.runs[at].instance else { return };
        let (number, begun) = (self.runs[at].number, Instant::now());
        self.story.note(format!("flush r{number} for {time:?}"));
        let mark = {
            let told = self.story.lock();
            let mut mark = audit::mark(&told);
            for (other, count) in mark.iter_mut().enumerate() {
                *count = if other == number { *count } else { 0 };
            }
            mark
        };
        let report = instance.flush(time).await;
        flushed(&self.story, &format!("flush of r{number}"), begun, time, &report, &mark);
    }

    fn flush_in_the_background(&mut self) {
        let (time, story, prefactor) = (self.timeout(), self.story.clone(), self.prefactor.clone());
        self.waits.spawn(async move { drop(flush(&story, &prefactor, time).await) });
    }

    async fn wait_for_room(&mut self) {
        self.story.note("wait for room");
        let had_to_wait = timeout(Duration::from_secs(5), self.prefactor.wait_for_room()).await.is_err();
        self.story.note(if had_to_wait { "waited for room in vain" } else { "there is room" });
    }

    async fn pause(&mut self) {
        match self.rng.u32(0..20) {
            0..10 => sleep(Duration::from_millis(self.rng.u64(0..500))).await,
            10..16 => sleep(Duration::from_millis(self.rng.u64(0..5_000))).await,
            16..19 => sleep(Duration::from_millis(self.rng.u64(0..120_000))).await,
            _ => {
                self.story.note("the clock jumps by an hour");
                self.story.lock().jumped = Some(Instant::now() + JUMP);
                advance(JUMP).await;
            }
        }
    }

    pub(crate) fn shut_down_in_the_background(&mut self, time: Duration) {
        let (story, prefactor) = (self.story.clone(), self.prefactor.clone());
        self.waits.spawn(async move { drop(shut_down(&story, &prefactor, time).await) });
    }

    /// Waits for all that somebody waits for.
    pub(crate) async fn join(&mut self) {
        while let Some(done) = self.waits.join_next().await {
            self.story.check(done.is_ok(), || format!("a wait panicked: {done:?}"));
        }
    }
}

pub(crate) async fn flush(story: &Story, prefactor: &Prefactor, time: Duration) -> Report {
    let begun = Instant::now();
    let mark = audit::mark(&story.lock());
    story.note(format!("flush for {time:?}"));
    let report = prefactor.flush(time).await;
    flushed(story, "flush", begun, time, &report, &mark);
    report
}

/// Checks what a flush says at its end.
fn flushed(story: &Story, what: &str, begun: Instant, time: Duration, report: &Report, mark: &audit::Mark) {
    in_time(story, what, begun, time, report);
    if report.complete {
        let told = &mut *story.lock();
        if let Err(error) = audit::has_arrived(told, mark, false) {
            told.violate(format!("a {what} was told to be complete, but {error}"));
        }
    } else {
        let waited = begun.elapsed() + TIMER_STEP >= time;
        story.check(waited, || format!("a {what} gave up before its time"));
    }
}

pub(crate) async fn shut_down(story: &Story, prefactor: &Prefactor, time: Duration) -> Report {
    story.note(format!("shutdown within {time:?}"));
    let begun = Instant::now();
    story.lock().calls.closed = true;
    let report = prefactor.shutdown(time).await;
    in_time(story, "shutdown", begun, time, &report);
    if !report.complete {
        // The caller's own deadline runs by the real clock, and on a machine that stands still it may have come first.
        sleep(time + TIMER_STEP).await;
    }
    report
}

fn in_time(story: &Story, what: &str, begun: Instant, time: Duration, report: &Report) {
    let took = begun.elapsed();
    story.note(format!("end of {what}, complete: {}, {}", report.complete, report.ledger));
    // Where the clock has jumped over the deadline, the wait ends behind the jump.
    let jumped = story.lock().jumped.map_or(Duration::ZERO, |jumped| jumped.saturating_duration_since(begun));
    story.check(took <= time.max(jumped) + TIMER_STEP, || format!("a {what} took {took:?} of {time:?}"));
}

fn status_of_drop(panicking: bool) -> FinishStatus {
    if panicking { FinishStatus::Failed } else { FinishStatus::Complete }
}

fn drop_it<T>(handle: T, panicking: bool) {
    if panicking {
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            let _handle = handle;
            resume_unwind(Box::new("the caller panics"))
        }));
        unwound.expect_err("it has panicked");
    }
}
