//! The handle of one run of an agent.

use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use prefactor_http::{FinishStatus, Purpose, RegisterInstanceRequest};
use prefactor_pfid::{Pfid, thread_stem};
use serde::Serialize;

use super::{AgentVersion, Span, SpanContext};
use crate::clock::Timestamp;
use crate::instance::{Entry, Run};
use crate::ledger::{Fate, Ledger, RejectReason};
use crate::operation::Action;
use crate::payload::Json;
use crate::prefactor::{Inner, Report};
use crate::schemas::Schemas;
use crate::termination::Termination;

/// Describes a run before it begins.
#[derive(Debug)]
#[must_use = "the run begins with `start`"]
pub struct InstanceBuilder {
    prefactor: Option<Arc<Inner>>,
    version: AgentVersion,
    request: RegisterInstanceRequest,
}

impl InstanceBuilder {
    pub(crate) fn new(prefactor: Option<Arc<Inner>>, version: AgentVersion) -> Self {
        Self { prefactor, version, request: RegisterInstanceRequest::new() }
    }

    /// What the spans of this run look like.
    pub fn schemas(mut self, schemas: Schemas) -> Self {
        self.request.agent_schema_version = Some(schemas.into());
        self
    }

    /// The agent that runs, by its id, in place of the configured one.
    pub fn agent_id(mut self, id: impl Into<String>) -> Self {
        self.request.agent_id = Some(id.into());
        self
    }

    /// The environment it runs in, by its id, in place of the configured one.
    pub fn environment_id(mut self, id: impl Into<String>) -> Self {
        self.request.environment_id = Some(id.into());
        self
    }

    /// The caller's own name for the run, unique for the agent.
    pub fn external_identifier(mut self, identifier: impl Into<String>) -> Self {
        self.request.external_identifier = Some(identifier.into());
        self
    }

    /// What the run is for.
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.request.purpose = Some(purpose);
        self
    }

    /// Whether the version becomes the agent's current one; the API's default is `true`.
    pub fn update_current_version(mut self, update: bool) -> Self {
        self.request.update_current_version = Some(update);
        self
    }

    /// Begins the run: it is registered and started in the background, and can be used at once.
    pub fn start(self) -> Instance {
        let Self { prefactor, version, mut request } = self;
        let Some(prefactor) = prefactor else { return Instance::unrecorded() };
        let at = Timestamp::now();
        let key = thread_stem(at.as_millis());
        let settings = &prefactor.settings;
        if !settings.sample_rate.takes(key) {
            return Instance::unrecorded();
        }
        request.agent_id = request.agent_id.or_else(|| settings.agent_id.clone());
        request.environment_id = request.environment_id.or_else(|| settings.environment_id.clone());
        request.agent_version =
            Some(version.or(settings.agent_name.as_ref(), settings.agent_identifier.as_ref()));
        let run = Run::new(Arc::clone(&prefactor.pipeline), key);
        let registered = run.submit(Action::Register { members: members_of(&request) }, Entry::Checked);
        let fate = registered.err();
        match fate {
            None => {
                let _ = run.submit(Action::Start { at }, Entry::Forced);
            }
            Some(fate) => run.refuse(fate),
        }
        Instance { live: Some(Arc::new(Live { run, prefactor, fate })) }
    }
}

/// The members of a request without the braces around them, as they stand in an item of a bulk request.
fn members_of(request: &RegisterInstanceRequest) -> Json {
    // Strings, and JSON values that were made by serde_json: nothing in there fails to serialize.
    let json = serde_json::to_vec(request).unwrap_or_default();
    Json::from(json.get(1..json.len().saturating_sub(1)).unwrap_or_default())
}

/// What all handles of one run share. The run finishes with the last of them, if nobody has finished it before.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) run: Arc<Run>,
    prefactor: Arc<Inner>,
    /// The run found no room for its registration: nothing of it can be delivered.
    pub(super) fate: Option<Fate>,
}

// See `Inner` of the pipeline's handle: handles may be used across `catch_unwind`.
impl RefUnwindSafe for Live {}

impl Live {
    pub(super) fn is_finished(&self) -> bool {
        self.run.is_finished()
    }

    /// Hands an operation to the pipeline, or counts it where its fate is certain already.
    pub(super) fn submit(&self, action: impl FnOnce() -> Action) -> Result<(), Fate> {
        self.checked().and_then(|run| run.submit(action(), Entry::Checked))
    }

    /// The run, for an operation that makes sense by now; one whose fate is certain already is counted here.
    pub(super) fn checked(&self) -> Result<&Arc<Run>, Fate> {
        let fate = self
            .fate
            .or_else(|| self.is_finished().then_some(Fate::Rejected(RejectReason::InstanceFinished)));
        match fate {
            None => Ok(&self.run),
            Some(fate) => {
                self.run.refuse(fate);
                Err(fate)
            }
        }
    }

    fn finish(&self, status: FinishStatus) {
        let fate =
            if self.run.finish() { self.fate } else { Some(Fate::Rejected(RejectReason::InstanceFinished)) };
        match fate {
            Some(fate) => self.run.refuse(fate),
            None => {
                let _ =
                    self.run.submit(Action::FinishInstance { status, at: Timestamp::now() }, Entry::Forced);
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.is_finished() {
            self.finish(status_of_drop());
        }
    }
}

/// What is dropped without being finished has ended well, unless a panic is what drops it.
pub(super) fn status_of_drop() -> FinishStatus {
    if std::thread::panicking() { FinishStatus::Failed } else { FinishStatus::Complete }
}

/// One run of an agent, which [`InstanceBuilder::start`] began. Cheap to clone; all clones are one run.
///
/// The run finishes with [`finish`](Self::finish), [`fail`](Self::fail) or [`cancel`](Self::cancel); otherwise when the
/// last handle of it and of its spans is dropped. Spans that are open by then finish with it.
///
/// ```
/// # use prefactor_pipeline::{AgentVersion, Prefactor};
/// # use serde_json::json;
/// # let prefactor = Prefactor::disabled();
/// let run = prefactor.instance(AgentVersion::new("research-agent", "v1.4.0")).start();
/// let step = run.span("agent:llm", &json!({ "prompt": "why?" }));
/// step.complete(&json!({ "answer": "because" }));
/// run.record_quality("helpfulness", &json!({ "score": 5 }));
/// run.finish();
/// ```
#[derive(Clone, Debug)]
pub struct Instance {
    live: Option<Arc<Live>>,
}

impl Instance {
    const fn unrecorded() -> Self {
        Self { live: None }
    }

    /// Begins a span: below the current span, if that belongs to this run (see [`SpanContext::current`]), or else at the
    /// root. The payload should serialize to an object; anything else is recorded as `{"value": …}`.
    pub fn span<T: Serialize + ?Sized>(&self, schema_name: &str, payload: &T) -> Span {
        let Some(live) = &self.live else { return Span::unrecorded() };
        Span::begin(live, SpanContext::current_of(live), schema_name, payload)
    }

    /// Begins a span at the root, whatever the current span is.
    pub fn root_span<T: Serialize + ?Sized>(&self, schema_name: &str, payload: &T) -> Span {
        let Some(live) = &self.live else { return Span::unrecorded() };
        Span::begin(live, None, schema_name, payload)
    }

    /// Records a judgement of the run's quality; a later one of the same name replaces it.
    pub fn record_quality<T: Serialize + ?Sized>(&self, name: &str, payload: &T) {
        self.quality(name, Some(payload));
    }

    /// Removes the judgement of that name.
    pub fn clear_quality(&self, name: &str) {
        self.quality::<()>(name, None);
    }

    fn quality<T: Serialize + ?Sized>(&self, name: &str, payload: Option<&T>) {
        let Some(live) = &self.live else { return };
        let _ = live.submit(|| {
            let pipeline = live.run.pipeline();
            let part = pipeline.encoder().quality(name, payload);
            if part.unserializable {
                pipeline.count_unserializable();
            }
            let members = Json::from(&*part.json);
            Action::RecordQuality { key: thread_stem(Timestamp::now().as_millis()), members }
        });
    }

    /// Finishes the run as complete. Its open spans finish with it.
    pub fn finish(&self) {
        self.finish_as(FinishStatus::Complete);
    }

    /// Finishes the run as failed.
    pub fn fail(&self) {
        self.finish_as(FinishStatus::Failed);
    }

    /// Finishes the run as cancelled.
    pub fn cancel(&self) {
        self.finish_as(FinishStatus::Cancelled);
    }

    fn finish_as(&self, status: FinishStatus) {
        if let Some(live) = &self.live {
            live.finish(status);
        }
    }

    /// The run's id, as soon as it is known: at once where the account's partition is known, otherwise when the
    /// registration is answered. `None` for a run that is not recorded.
    pub fn id(&self) -> Option<Pfid> {
        self.live.as_ref().and_then(|live| live.run.id())
    }

    /// Tells whether an operator has ended this run, at once or by waiting; see [`Termination`]. Never for a run that is not
    /// recorded.
    pub fn terminated(&self) -> Termination {
        self.live.as_ref().map_or_else(Termination::default, |live| live.run.termination().clone())
    }

    /// Whether this run is recorded: the pipeline is enabled and the run was sampled.
    pub const fn is_recorded(&self) -> bool {
        self.live.is_some()
    }

    /// The account of this run's operations.
    pub fn ledger(&self) -> Ledger {
        self.live.as_ref().map_or_else(Ledger::default, |live| live.run.ledger())
    }

    /// Waits until everything that this run has accepted before the call has its fate, at most for `timeout`.
    pub async fn flush(&self, timeout: Duration) -> Report {
        let Some(live) = &self.live else { return Report::nothing() };
        let account = Arc::clone(live.run.account());
        live.prefactor.flush(vec![account], timeout, || self.ledger()).await
    }

    /// Like [`flush`](Self::flush), for code that is not async. Blocks the calling thread.
    pub fn flush_blocking(&self, timeout: Duration) -> Report {
        let Some(live) = &self.live else { return Report::nothing() };
        let account = Arc::clone(live.run.account());
        live.prefactor.flush_blocking(vec![account], timeout, || self.ledger())
    }
}
