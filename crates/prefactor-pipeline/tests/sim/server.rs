//! The server's state, and what must hold of the requests that reach it.

use std::collections::{BTreeSet, HashMap, HashSet};

use prefactor_pfid::{Partition, Pfid, Stem};
use tokio::time::Instant;

use crate::bulk::{self, Item};
use crate::calls::{Calls, Kind};

/// Which of the API's known variants this server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Cancels only what is pending.
    pub(crate) cancels_pending_only: bool,
    /// Goes on behind an item that errors.
    pub(crate) goes_on: bool,
    /// Gives instances, or spans, other ids than they ask for.
    pub(crate) assigns_instance_ids: bool,
    pub(crate) assigns_span_ids: bool,
}

impl Dialect {
    fn assigns_ids(self) -> bool {
        self.assigns_instance_ids || self.assigns_span_ids
    }
}

#[derive(Debug)]
struct Instance {
    run: usize,
    status: String,
}

#[derive(Debug)]
struct Span {
    number: usize,
    run: usize,
    status: String,
    has_result: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    dialect: Dialect,
    instances: HashMap<String, Instance>,
    spans: HashMap<String, Span>,
    /// Answers to keys that had an effect.
    outputs: HashMap<String, String>,
    /// The run of each id that a registration has asked for or got.
    runs: HashMap<String, usize>,
    /// The number of the span of each id that a create has named.
    named: HashMap<String, usize>,
    /// Each item as it was first sent, by key.
    sent: HashMap<String, Item>,
    /// The keys of what was sent, by what it does: an operation has one key.
    keys: HashMap<String, String>,
    /// Keys whose success the client was told.
    confirmed: HashSet<String>,
    /// What each key was sent for.
    subjects: HashMap<String, Subject>,
    /// The ids of runs and spans that the client was told.
    run_ids: HashMap<usize, String>,
    span_ids: HashMap<usize, String>,
    /// How often an error was made up, by what it was for.
    made_up: HashMap<String, u32>,
    /// Runs of which something was refused for good, so that parts of them may be missing.
    pub(crate) spoilt: BTreeSet<usize>,
    /// Operations that came to nothing, and whose answer the client takes as "it is in that state already": the finish of a
    /// run whose start was refused for good, and a start that is late, since the run was cancelled meanwhile.
    in_vain: HashMap<usize, HashSet<String>>,
    assigned: u64,
    /// Runs that an operator has ended.
    terminated: BTreeSet<usize>,
    /// Those of which the client was told so, since when.
    told_of: HashMap<usize, Instant>,
}

type Code = &'static str;

/// So many failures of one item are enough for the client to give it up, where it can't tell that they will pass.
const ENOUGH_FAILURES: u32 = 3;

/// What one item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) run: usize,
    kind: Kind,
    /// It creates a span that is finished already.
    whole: bool,
}

impl Subject {
    pub(crate) fn is_about_a_span(self) -> bool {
        matches!(self.kind, Kind::Create { .. } | Kind::Finish { .. })
    }
}

impl Server {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            instances: HashMap::new(),
            spans: HashMap::new(),
            outputs: HashMap::new(),
            runs: HashMap::new(),
            named: HashMap::new(),
            sent: HashMap::new(),
            keys: HashMap::new(),
            confirmed: HashSet::new(),
            subjects: HashMap::new(),
            run_ids: HashMap::new(),
            span_ids: HashMap::new(),
            made_up: HashMap::new(),
            spoilt: BTreeSet::new(),
            in_vain: HashMap::new(),
            assigned: 0,
            terminated: BTreeSet::new(),
            told_of: HashMap::new(),
        }
    }

    /// The ids that are known, with their runs.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (Pfid, usize)> {
        self.runs.iter().filter_map(|(id, run)| Some((id.parse().ok()?, *run)))
    }

    /// Looks at a request before anything is done about it.
    ///
    /// # Errors
    /// The promise that it breaks.
    pub(crate) fn receive(&mut self, calls: &mut Calls, items: &[Item]) -> Result<Vec<Subject>, String> {
        let mut keys = HashSet::new();
        let mut subjects = Vec::with_capacity(items.len());
        for item in items {
            let context = |error: String| format!("{error}: {item:?}");
            if !keys.insert(&item.key) || !(8..=64).contains(&item.key.len()) {
                return Err(context("a key that is no key, or occurs twice".to_owned()));
            }
            let subject = self.subject(item, calls).map_err(context)?;
            self.is_sent_as_before(item, subject).map_err(context)?;
            self.names_what_it_was_told(item, subject, calls).map_err(context)?;
            self.is_in_order(subject, calls).map_err(context)?;
            subjects.push(subject);
        }
        Ok(subjects)
    }

    fn subject(&mut self, item: &Item, calls: &Calls) -> Result<Subject, String> {
        let subject = |run, kind| Ok(Subject { run, kind, whole: false });
        let run = || {
            let id = item.agent_instance_id.as_ref().ok_or("an instance without an id")?;
            self.runs.get(id).copied().ok_or("an instance that nobody has registered")
        };
        match item.action.as_str() {
            "agent_instances/register" => {
                let name = item.external_identifier.as_ref().ok_or("a registration without a name")?;
                let run = name.parse().map_err(|_| "a registration with another name than its own")?;
                if let Some(id) = &item.id {
                    self.runs.insert(id.clone(), run);
                }
                subject(run, Kind::Register)
            }
            "agent_instances/start" => subject(run()?, Kind::Start),
            "agent_instances/finish" => {
                let run = run()?;
                let ends = |kind| matches!(kind, Kind::End { .. });
                subject(run, find(calls, run, ends).ok_or("a finish that nobody called")?)
            }
            "agent_instances/record_quality" => {
                let number = item.payload.as_ref().ok_or("a quality record without a payload")?.number;
                subject(run()?, Kind::Quality { number })
            }
            "agent_spans/create" => {
                let details = item.details.as_ref().ok_or("a span without details")?;
                let run = *self.runs.get(&details.agent_instance_id).ok_or("a span of an unknown run")?;
                let span = details.payload.number;
                self.named.insert(details.id.clone(), span);
                self.is_created_as_called(span, item, calls)?;
                let whole = matches!(details.status.as_str(), "complete" | "failed");
                Ok(Subject { run, kind: Kind::Create { span }, whole })
            }
            "agent_spans/finish" => {
                let id = item.agent_span_id.as_ref().ok_or("a finish without an id")?;
                let span = *self.named.get(id).ok_or("a finish before the create of its span")?;
                let run = calls.spans[span].run;
                let finishes = |kind| matches!(kind, Kind::Finish { span: other, .. } if other == span);
                subject(run, find(calls, run, finishes).ok_or("a finish that nobody called")?)
            }
            other => Err(format!("an action that nobody knows: {other}")),
        }
    }

    fn is_created_as_called(&self, span: usize, item: &Item, calls: &Calls) -> Result<(), String> {
        let details = item.details.as_ref().ok_or("a span without details")?;
        let called = calls.spans.get(span).ok_or("a span that nobody began")?;
        let parent = match &details.parent_span_id {
            None => None,
            Some(id) => Some(*self.named.get(id).ok_or("a child before its parent")?),
        };
        if parent != called.parent || self.runs.get(&details.agent_instance_id) != Some(&called.run) {
            return Err(format!("a span in the wrong place, which should be below {:?}", called.parent));
        }
        Ok(())
    }

    /// A retry sends the same key with the same content, and what was confirmed is not sent again.
    fn is_sent_as_before(&mut self, item: &Item, subject: Subject) -> Result<(), String> {
        if self.confirmed.contains(&item.key) {
            return Err("what was confirmed is sent again".to_owned());
        }
        // The ids of a server that has its own are known later than an item that is sent again.
        let content = if self.dialect.assigns_ids() { item.without_ids() } else { item.clone() };
        let first = self.sent.entry(item.key.clone()).or_insert_with(|| content.clone());
        if *first != content {
            return Err(format!("the same key was sent before with other content: {first:?}"));
        }
        // What could not be cancelled is finished as failed, under a key of its own.
        let what = format!("{:?} of run {}, {:?}", subject.kind, subject.run, item.status);
        match self.keys.insert(what, item.key.clone()) {
            Some(other) if other != item.key => Err(format!("it was sent before with the key {other}")),
            _ => Ok(()),
        }
    }

    /// What has another id here than it was given by the client is named by this one, once the client knows it.
    fn names_what_it_was_told(&mut self, item: &Item, subject: Subject, calls: &Calls) -> Result<(), String> {
        self.subjects.insert(item.key.clone(), subject);
        let details = item.details.as_ref();
        let named_run = details.map(|details| &details.agent_instance_id).or(item.agent_instance_id.as_ref());
        let (span, named_span) = match subject.kind {
            Kind::Create { span } => {
                (calls.spans[span].parent, details.and_then(|details| details.parent_span_id.as_ref()))
            }
            Kind::Finish { span, .. } => (Some(span), item.agent_span_id.as_ref()),
            _ => (None, None),
        };
        let run_id = self.run_ids.get(&subject.run);
        let span_id = span.and_then(|span| self.span_ids.get(&span));
        for (named, told) in [(named_run, run_id), (named_span, span_id)] {
            if let (Some(named), Some(told)) = (named, told)
                && named != told
            {
                return Err(format!("it should name {told}"));
            }
        }
        Ok(())
    }

    /// Everything that was called before it was sent before it.
    fn is_in_order(&self, subject: Subject, calls: &mut Calls) -> Result<(), String> {
        let calls = &mut calls.runs[subject.run].calls;
        let is_it = |kind: Kind| kind == subject.kind;
        let at = calls.iter().position(|call| call.is_admitted() && is_it(call.kind));
        let at = at.ok_or("something that was never admitted")?;
        if let Some(missing) = calls[..at].iter().find(|call| call.is_admitted() && !call.received) {
            return Err(format!("it comes before {:?}", missing.kind));
        }
        calls[at].received = true;
        if subject.whole {
            let finish = finish_of(calls, subject.kind).ok_or("a span that nobody finished is finished")?;
            calls[finish].received = true;
        }
        Ok(())
    }

    /// Does what an item says, unless it was done before; gives its output.
    ///
    /// # Errors
    /// The promise that is broken by it.
    pub(crate) fn process(
        &mut self,
        calls: &mut Calls,
        item: &Item,
        subject: Subject,
        made_up: Option<Code>,
    ) -> Result<(String, bool), String> {
        if let Some(known) = self.outputs.get(&item.key) {
            return Ok((known.clone(), true));
        }
        let done = match made_up {
            Some(code) => {
                self.make_up(subject, code);
                Err(code)
            }
            None => self.apply(item, subject),
        };
        match done {
            Ok(id) => {
                self.take_effect(calls, subject).map_err(|error| format!("{error}: {item:?}"))?;
                let output = bulk::success(&id);
                self.outputs.insert(item.key.clone(), output.clone());
                Ok((output, true))
            }
            Err(code) => {
                let is_late = matches!(subject.kind, Kind::Start);
                if self.dialect.assigns_ids() {
                    // It may have named an id that the server does not know, and that counts as a failure like others.
                    self.make_up(subject, code);
                }
                if code == "invalid_action" && (is_late || self.spoilt.contains(&subject.run)) {
                    self.in_vain.entry(subject.run).or_default().insert(item.key.clone());
                }
                Ok((bulk::error(code), self.dialect.goes_on))
            }
        }
    }

    /// How many operations of a run came to nothing without the client's knowing.
    pub(crate) fn in_vain(&self, run: usize) -> u64 {
        self.in_vain.get(&run).map_or(0, |keys| keys.len() as u64)
    }

    fn make_up(&mut self, subject: Subject, code: Code) {
        let count = self.made_up.entry(subject.to_string()).or_default();
        *count += 1;
        let passes = match code {
            "internal_error" | "service_unavailable" | "timeout" | "too_many_requests" => true,
            "invalid_action" => true,
            "not_found" | "a_new_code" => *count < ENOUGH_FAILURES,
            _ => false,
        };
        if !passes {
            self.spoilt.insert(subject.run);
        }
    }

    fn take_effect(&mut self, calls: &mut Calls, subject: Subject) -> Result<(), String> {
        let calls = &mut calls.runs[subject.run].calls;
        let at = calls.iter().position(|call| call.is_admitted() && call.kind == subject.kind);
        let finish = if subject.whole { finish_of(calls, subject.kind) } else { None };
        for at in at.into_iter().chain(finish) {
            if std::mem::replace(&mut calls[at].present, true) {
                return Err(format!("{:?} takes effect twice", calls[at].kind));
            }
        }
        Ok(())
    }

    fn apply(&mut self, item: &Item, subject: Subject) -> Result<String, Code> {
        let instance = item.agent_instance_id.as_deref().unwrap_or_default();
        match subject.kind {
            Kind::Register => Ok(self.register(item.id.clone(), subject.run)),
            Kind::Start => self.change_instance(instance, "active", |status| status == "pending"),
            Kind::End { .. } => {
                let to = item.status.clone().ok_or("validation_errors")?;
                let strict = self.dialect.cancels_pending_only;
                self.change_instance(instance, &to, |status| match to.as_str() {
                    "cancelled" => status == "pending" || (!strict && status == "active"),
                    _ => status == "active",
                })
            }
            Kind::Quality { .. } => {
                self.instances.get(instance).map(|_| instance.to_owned()).ok_or("not_found")
            }
            Kind::Create { span } => self.create_span(item, span, subject.run),
            Kind::Finish { .. } => self.finish_span(item),
        }
    }

    fn register(&mut self, asked: Option<String>, run: usize) -> String {
        let id = asked.filter(|_| !self.dialect.assigns_instance_ids).unwrap_or_else(|| self.own_id());
        self.runs.insert(id.clone(), run);
        self.instances.insert(id.clone(), Instance { run, status: "pending".to_owned() });
        id
    }

    fn own_id(&mut self) -> String {
        self.assigned += 1;
        let stem = Stem::new(self.assigned, [7; 10]).expect("a small time");
        stem.with_partition(partition()).to_string()
    }

    fn change_instance(
        &mut self,
        id: &str,
        to: &str,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<String, Code> {
        let instance = self.instances.get_mut(id).ok_or("not_found")?;
        if !allowed(&instance.status) {
            return Err("invalid_action");
        }
        to.clone_into(&mut instance.status);
        Ok(id.to_owned())
    }

    fn create_span(&mut self, item: &Item, number: usize, run: usize) -> Result<String, Code> {
        let details = item.details.as_ref().ok_or("validation_errors")?;
        if !self.instances.contains_key(&details.agent_instance_id) {
            return Err("not_found");
        }
        if details.parent_span_id.as_ref().is_some_and(|parent| !self.spans.contains_key(parent)) {
            return Err("validation_errors");
        }
        let id = if self.dialect.assigns_span_ids { self.own_id() } else { details.id.clone() };
        if self.spans.contains_key(&id) {
            return Err("conflict");
        }
        if !matches!(details.status.as_str(), "pending" | "active" | "complete" | "failed") {
            return Err("validation_errors");
        }
        let (status, has_result) = (details.status.clone(), details.result_payload.is_some());
        self.named.insert(id.clone(), number);
        self.spans.insert(id.clone(), Span { number, run, status, has_result });
        Ok(id)
    }

    fn finish_span(&mut self, item: &Item) -> Result<String, Code> {
        let id = item.agent_span_id.clone().unwrap_or_default();
        let to = item.status.clone().ok_or("validation_errors")?;
        let span = self.spans.get_mut(&id).ok_or("not_found")?;
        let allowed = match to.as_str() {
            "cancelled" => {
                span.status == "pending" || (!self.dialect.cancels_pending_only && span.status == "active")
            }
            _ => span.status == "active",
        };
        if !allowed {
            return Err("invalid_action");
        }
        span.status = to;
        span.has_result = item.result_payload.is_some();
        Ok(id)
    }

    /// An operator ends a run.
    pub(crate) fn terminate(&mut self, run: usize) {
        self.terminated.insert(run);
    }

    pub(crate) fn is_terminated(&self, run: usize) -> bool {
        self.terminated.contains(&run)
    }

    pub(crate) fn is_registered(&self, run: usize) -> bool {
        self.instances.values().any(|instance| instance.run == run)
    }

    /// Since when the client knows that a run was ended.
    pub(crate) fn told_of(&self, run: usize) -> Option<Instant> {
        self.told_of.get(&run).copied()
    }

    /// What an operator has to say to a run beside an output.
    pub(crate) fn control(&self, run: usize) -> Option<String> {
        self.is_terminated(run).then(|| bulk::control(run))
    }

    /// The client is about to be told how a run stands.
    pub(crate) fn tell_of(&mut self, run: usize) {
        if self.is_terminated(run) {
            self.told_of.entry(run).or_insert_with(Instant::now);
        }
    }

    /// The answer to a question how runs stand.
    pub(crate) fn show(&mut self, items: &[Item]) -> Vec<(String, String)> {
        let mut outputs = Vec::new();
        for item in items {
            let id = item.agent_instance_id.as_deref().unwrap_or_default();
            let output = match self.instances.get(id).map(|instance| instance.run) {
                None => bulk::error("not_found"),
                Some(run) => {
                    self.tell_of(run);
                    bulk::shown(id, self.is_terminated(run).then_some(run))
                }
            };
            outputs.push((item.key.clone(), output));
        }
        outputs
    }

    /// The client is about to be told of these successes.
    pub(crate) fn confirm(&mut self, outputs: &[(String, String)]) {
        for (key, output) in outputs {
            if !output.starts_with(r#"{"status":"success""#) {
                continue;
            }
            self.confirmed.insert(key.clone());
            match self.subjects.get(key).map(|subject| (subject.kind, subject.run)) {
                Some((Kind::Register, run)) => {
                    let id = self.instances.iter().find(|(_, instance)| instance.run == run);
                    self.run_ids.extend(id.map(|(id, _)| (run, id.clone())));
                }
                Some((Kind::Create { span }, _)) => {
                    let id = self.spans.iter().find(|(_, known)| known.number == span);
                    self.span_ids.extend(id.map(|(id, _)| (span, id.clone())));
                }
                _ => {}
            }
        }
    }

    /// Whether things ended as their callers said.
    ///
    /// # Errors
    /// What ended otherwise.
    pub(crate) fn is_as_called(&self, calls: &Calls) -> Result<(), String> {
        let ends_as = |found: &str, called: &str| {
            found == called
                || (called == "cancelled" && found == "failed" && self.dialect.cancels_pending_only)
        };
        for instance in self.instances.values() {
            for call in calls.runs[instance.run].calls.iter().filter(|call| call.present) {
                if let Kind::End { status } = call.kind
                    && !ends_as(&instance.status, status.as_str())
                {
                    return Err(format!(
                        "run {} is {}, not {}",
                        instance.run,
                        instance.status,
                        status.as_str()
                    ));
                }
            }
        }
        for span in self.spans.values() {
            let calls = &calls.runs[span.run].calls;
            let finish = finish_of(calls, Kind::Create { span: span.number }).map(|at| &calls[at]);
            if let Some(finish) = finish.filter(|call| call.present)
                && let Kind::Finish { status, has_result, .. } = finish.kind
                && (!ends_as(&span.status, status.as_str()) || span.has_result != has_result)
            {
                return Err(format!("{span:?} should be as {finish:?} says"));
            }
        }
        Ok(())
    }
}

pub(crate) fn partition() -> Partition {
    Partition::new(42).expect("a small number")
}

fn find(calls: &Calls, run: usize, wanted: impl Fn(Kind) -> bool) -> Option<Kind> {
    let calls = &calls.runs[run].calls;
    calls.iter().find(|call| call.is_admitted() && wanted(call.kind)).map(|call| call.kind)
}

/// Where the finish of a span is among the calls of its run.
fn finish_of(calls: &[crate::calls::Call], create: Kind) -> Option<usize> {
    let Kind::Create { span } = create else { return None };
    calls.iter().position(|call| {
        call.is_admitted() && matches!(call.kind, Kind::Finish { span: other, .. } if other == span)
    })
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let run = self.run;
        match self.kind {
            Kind::Register => write!(f, "register r{run}"),
            Kind::Start => write!(f, "start r{run}"),
            Kind::Create { span } if self.whole => write!(f, "whole s{span} of r{run}"),
            Kind::Create { span } => write!(f, "create s{span} of r{run}"),
            Kind::Finish { span, status, .. } => write!(f, "finish s{span} of r{run} {}", status.as_str()),
            Kind::Quality { number } => write!(f, "quality q{number} of r{run}"),
            Kind::End { status } => write!(f, "end r{run} {}", status.as_str()),
        }
    }
}
