//! Everything the emulated account holds, and the actions on it. No I/O and no clock: the time is an argument.

mod agents;
mod cut;
mod forgetting;
mod idempotency;
mod ids;
mod instance_counts;
mod instances;
mod lists;
mod spans;

use chrono::{DateTime, Utc};
use prefactor_pfid::{Partition, Pfid};
use rustc_hash::{FxHashMap, FxHashSet};
use slab::Slab;

pub(crate) use agents::{Agent, Version};
pub(crate) use ids::Ids;
pub(crate) use instance_counts::InstanceCounts;
pub(crate) use instances::Instance;
pub use instances::SpanCounts;
pub(crate) use spans::Span;

use crate::action::{Action, Scope};
use crate::answer::{self, ObjectWriter, View};
use crate::error::ApiError;
use crate::policy::Policy;
use crate::read::Text;
use forgetting::Forgetting;
use idempotency::{Answer, Replay, SeenKeys};

/// The account's data. Things are never removed (agents and what [`forgetting`] takes aside), so an index stays what it was.
#[derive(Debug)]
pub(crate) struct Store {
    ids: Ids,
    account_id: Pfid,
    environment_id: Pfid,
    policy: Policy,
    agents: Vec<Agent>,
    /// The one deployment-scoped tokens belong to.
    default_agent: usize,
    instances: Vec<Instance>,
    instance_index: FxHashMap<Pfid, usize>,
    /// The external identifiers of instances, each with its agent.
    identifiers: FxHashSet<(Pfid, String)>,
    spans: Slab<Span>,
    span_index: FxHashMap<Pfid, usize>,
    seen_keys: SeenKeys,
    forgetting: Forgetting,
    replayed: u64,
    /// When the last call came.
    latest: DateTime<Utc>,
    /// Counts effects, so that their order can be asserted.
    sequence: u64,
}

/// One action on behalf of someone at some time.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) action: Action<'a>,
    pub(crate) key: Option<Text<'a>>,
    pub(crate) scope: Scope,
    pub(crate) now: DateTime<Utc>,
}

/// What an action was about; its answer is written from it.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Span { index: usize, view: View },
    Instance { index: usize },
    Agent { index: usize },
}

impl Store {
    pub(crate) fn new(mut ids: Ids, now: DateTime<Utc>) -> Self {
        let account_id = ids.next();
        let environment_id = ids.next();
        let mut store = Self {
            ids,
            account_id,
            environment_id,
            policy: Policy::default(),
            agents: Vec::new(),
            default_agent: 0,
            instances: Vec::new(),
            instance_index: FxHashMap::default(),
            identifiers: FxHashSet::default(),
            spans: Slab::new(),
            span_index: FxHashMap::default(),
            seen_keys: SeenKeys::default(),
            forgetting: Forgetting::default(),
            replayed: 0,
            latest: now,
            sequence: 0,
        };
        store.add_agent(None, "Default agent", Some("default-agent"), now);
        store
    }

    /// Does one action and appends its answer to `out`; an error leaves both the store and `out` as they were.
    pub(crate) fn apply(&mut self, call: Call<'_>, out: &mut Vec<u8>) -> Result<(), ApiError> {
        let Call { action, key, scope, now } = call;
        let now = self.moment(now);
        let name = action.name();
        if name.needs_account_token() && scope != Scope::Account {
            return Err(ApiError::unauthorized(format!("{} needs an account-wide token.", name.as_str())));
        }
        let subject = match action {
            Action::ShowInstance(params) => Subject::Instance { index: self.find_instance(&params)? },
            Action::ShowAgent(params) => Subject::Agent { index: self.find_agent(&params)? },
            Action::ListInstances(params) => return self.list_instances(&params, out),
            Action::ListSpans(params) => return self.list_spans(&params, out),
            Action::ListAgents(params) => return self.list_agents(&params, out),
            effect => return self.apply_once(effect, key, scope, now, out),
        };
        self.answer(subject, out);
        Ok(())
    }

    fn apply_once(
        &mut self,
        action: Action<'_>,
        key: Option<Text<'_>>,
        scope: Scope,
        now: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) -> Result<(), ApiError> {
        let Some(key) = key else {
            let subject = self.effect(action, scope, now)?;
            self.answer(subject, out);
            return Ok(());
        };
        let name = action.name();
        if let Some(replay) =
            self.seen_keys.find(&key, name, action.target(), &self.spans, &self.instances)?
        {
            match replay {
                Replay::Span { index, view } => {
                    self.answer(Subject::Span { index: *index, view: *view }, out)
                }
                Replay::Answer(answer) => out.extend_from_slice(&answer.bytes),
            }
            self.replayed += 1;
            return Ok(());
        }
        // Spans know their target themselves.
        let target = match action {
            Action::CreateSpan(_) | Action::FinishSpan(_) => None,
            _ => action.target().map(Box::from),
        };
        let subject = self.effect(action, scope, now)?;
        let start = out.len();
        self.answer(subject, out);
        let replay = match subject {
            Subject::Span { index, view } => Replay::Span { index, view },
            Subject::Instance { .. } | Subject::Agent { .. } => {
                Replay::Answer(Box::new(Answer { target, bytes: out[start..].into() }))
            }
        };
        self.seen_keys.remember(&key, name, replay);
        Ok(())
    }

    fn effect(&mut self, action: Action<'_>, scope: Scope, now: DateTime<Utc>) -> Result<Subject, ApiError> {
        match action {
            Action::CreateSpan(params) => {
                let index = self.create_span(&params.details.0, now)?;
                self.terminate_by_policy(index, now);
                Ok(Subject::Span { index, view: View::AsCreated })
            }
            Action::FinishSpan(params) => {
                let index = self.finish_span(&params, now)?;
                Ok(Subject::Span { index, view: View::AsItIs })
            }
            Action::RegisterInstance(params) => self.register_instance(&params, scope, now).map(instance),
            Action::StartInstance(params) => self.start_instance(&params, now).map(instance),
            Action::FinishInstance(params) => self.finish_instance(&params, now).map(instance),
            Action::RecordQuality(params) => self.record_quality(&params, now).map(instance),
            Action::TerminateInstance(params) => {
                let index = self.instance_of(params.agent_instance_id.as_deref())?;
                let Some(reason) = params.reason.as_deref() else { return Err(ApiError::required("reason")) };
                self.terminate_instance(index, reason, now)?;
                Ok(Subject::Instance { index })
            }
            Action::CreateAgent(details) => self.create_agent(&details, now).map(agent),
            Action::UpdateAgent(id, details) => self.update_agent(id.as_deref(), &details, now).map(agent),
            Action::RetireAgent(params) => self.retire_agent(&params, now).map(agent),
            Action::ReinstateAgent(params) => self.reinstate_agent(&params, now).map(agent),
            Action::DeleteAgent(params) => self.delete_agent(&params, now).map(agent),
            Action::ShowInstance(_)
            | Action::ShowAgent(_)
            | Action::ListInstances(_)
            | Action::ListSpans(_)
            | Action::ListAgents(_) => unreachable!("reads have no effect"),
        }
    }

    fn answer(&self, subject: Subject, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::open(out);
        object.text("status", "success");
        match subject {
            Subject::Span { index, view } => {
                let span = &self.spans[index];
                let instance = &self.instances[span.instance];
                answer::span(object.field("details"), span, instance, view);
                answer::control(&mut object, instance);
            }
            Subject::Instance { index } => {
                answer::instance(object.field("details"), &self.instances[index]);
            }
            Subject::Agent { index } => {
                let agent = &self.agents[index];
                answer::agent(object.field("details"), agent, &self.instance_counts(agent.id));
            }
        }
        object.close();
    }

    /// Ends the run of a new span if the policy says that this was its last.
    fn terminate_by_policy(&mut self, span: usize, now: DateTime<Utc>) {
        let Some(fault) = &self.policy.terminate_run else { return };
        let run = self.spans[span].instance;
        let strikes = fault.strikes(self.policy.seed, run, self.instances[run].spans.len());
        if let Some(reason) = strikes.map(str::to_owned) {
            // A run that has ended already stays as it is.
            let _ = self.terminate_instance(run, &reason, now);
        }
    }

    /// The account's time, which never goes back: what comes later is never older, so that things stand in the order of
    /// their `inserted_at`. Clocks are set, and a request may be overtaken between its look at the clock and its turn.
    fn moment(&mut self, clock: DateTime<Utc>) -> DateTime<Utc> {
        self.latest = self.latest.max(clock);
        self.latest
    }

    /// The time of the last call.
    pub(crate) fn latest(&self) -> DateTime<Utc> {
        self.latest
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(crate) fn ids(&mut self) -> &mut Ids {
        &mut self.ids
    }

    pub(crate) fn partition(&self) -> Partition {
        self.ids.partition()
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    pub(crate) fn account_id(&self) -> Pfid {
        self.account_id
    }

    pub(crate) fn environment_id(&self) -> Pfid {
        self.environment_id
    }

    pub(crate) fn default_agent_id(&self) -> Pfid {
        self.agents[self.default_agent].id
    }

    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }

    pub(crate) fn agents(&self) -> &[Agent] {
        &self.agents
    }

    pub(crate) fn instance_at(&self, id: Pfid) -> Option<usize> {
        self.instance_index.get(&id).copied()
    }

    pub(crate) fn spans_of(&self, instance: usize) -> impl Iterator<Item = &Span> {
        self.instances[instance].spans.iter().map(|index| &self.spans[*index])
    }

    /// The span of this id, with where its instance stands.
    pub(crate) fn span(&self, id: Pfid) -> Option<&Span> {
        self.span_index.get(&id).map(|index| &self.spans[*index])
    }

    pub(crate) fn span_count(&self) -> usize {
        self.spans.len() + self.forgetting.forgotten()
    }

    /// The number of the last effect: as long as it stays the same, so does everything else.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn replayed(&self) -> u64 {
        self.replayed
    }
}

fn instance(index: usize) -> Subject {
    Subject::Instance { index }
}

fn agent(index: usize) -> Subject {
    Subject::Agent { index }
}
