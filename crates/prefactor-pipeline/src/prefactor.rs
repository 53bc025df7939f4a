//! The handle of a whole pipeline.

use std::io;
use std::panic::RefUnwindSafe;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_timer::Delay;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::account::Account;
use crate::clock::FOREVER;
use crate::config::{BuildError, Builder, Settings};
use crate::guard::ShutdownGuard;
use crate::handle::{AgentVersion, InstanceBuilder};
use crate::ledger::Ledger;
use crate::pipeline::{Done, Engine, EngineConfig, Health, Order, Pipeline, PipelineConfig, Traffic};
use crate::spool::{Leftovers, SpoolUse, Stage, UnstartedSpool};

/// How long after the deadline the pipeline may still report what it has kept the deadline with. Where it can't run at all,
/// its caller goes on without it then.
const GRACE: Duration = Duration::from_millis(250);

/// The entrance to the pipeline: starts instances, flushes, shuts down. Cheap to clone; all clones are one pipeline.
///
/// A child that `fork` makes of the process has no part in it: there, calls return and deliver nothing, flush and shutdown
/// return at once, and what was on its way is delivered by the parent. A child that records builds a pipeline of its own.
///
/// When the last handle of any kind is dropped, the pipeline goes on in the background for a while
/// ([`Builder::drop_timeout`]) to deliver what is left. A program that is about to end calls
/// [`shutdown`](Self::shutdown) and waits for it.
///
/// ```
/// use prefactor_pipeline::{AgentVersion, Prefactor};
/// use serde_json::json;
/// use std::time::Duration;
///
/// let prefactor = Prefactor::disabled(); // or from_env()? or builder()…build()?
/// let run = prefactor.instance(AgentVersion::new("research-agent", "v1.4.0")).start();
/// let llm = run.span("agent:llm", &json!({ "model": "m", "prompt": "why?" }));
/// llm.complete(&json!({ "answer": "because" }));
/// run.finish();
/// let report = prefactor.shutdown_blocking(Duration::from_secs(5));
/// assert!(report.complete);
/// ```
#[derive(Clone, Debug)]
pub struct Prefactor {
    inner: Option<Arc<Inner>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) settings: Settings,
    engine: Engine,
}

// A panic of the caller leaves nothing half done in here: calls on handles are complete before caller's code runs on.
impl RefUnwindSafe for Inner {}

/// How a flush or a shutdown went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Whether everything that was accepted before the call had its fate by the deadline.
    pub complete: bool,
    /// The account after it; of the instance alone, where an instance was flushed.
    pub ledger: Ledger,
}

impl Prefactor {
    /// Configures a pipeline in code.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A pipeline as the environment says: `PREFACTOR_API_TOKEN` (required), `PREFACTOR_API_URL`, `PREFACTOR_AGENT_ID`,
    /// `PREFACTOR_AGENT_NAME`, `PREFACTOR_AGENT_IDENTIFIER`, `PREFACTOR_SAMPLE_RATE` (0 to 1),
    /// `PREFACTOR_CAPTURE_INPUTS`, `PREFACTOR_CAPTURE_OUTPUTS` (`true` or `false`), `PREFACTOR_MAX_INPUT_LENGTH`,
    /// `PREFACTOR_MAX_OUTPUT_LENGTH` (characters), `PREFACTOR_RETRY_ON_STATUS_CODES` (with commas; wrong entries are
    /// ignored), `PREFACTOR_LOG_LEVEL` (`off`, `error`, `warn`, `info`, `debug`). API contract, Transport.
    ///
    /// A [`Spool`](crate::Spool) where `PREFACTOR_SPOOL_DIR` names a directory: `PREFACTOR_SPOOL_MODE` (`overflow`, the
    /// default, or `write-ahead`), `PREFACTOR_SPOOL_MAX_BYTES`, `PREFACTOR_SPOOL_SYNC_MS` (0, the default, for every batch),
    /// `PREFACTOR_SPOOL_MAX_AGE` (seconds).
    ///
    /// # Errors
    /// [`BuildError`] names the variable that is missing or can't be used.
    pub fn from_env() -> Result<Self, BuildError> {
        Self::builder().env()?.build()
    }

    /// A pipeline that records nothing and costs next to nothing, for programs whose telemetry is turned off.
    pub const fn disabled() -> Self {
        Self { inner: None }
    }

    pub(crate) fn start(
        settings: Settings,
        pipeline: PipelineConfig,
        engine: EngineConfig,
        runtime: Option<Handle>,
        spool: Option<UnstartedSpool>,
    ) -> io::Result<Self> {
        let pipeline = Pipeline::new(pipeline);
        if let Some(spool) = spool {
            let on = runtime.as_ref().filter(|_| settings.spool_as_task);
            spool.start(Arc::clone(&pipeline), on)?;
        }
        let engine = Engine::start(Arc::clone(&pipeline), engine, runtime).inspect_err(|_| {
            if let Some(spool) = pipeline.spool() {
                let _ = spool.end(Leftovers::default(), Box::new(|| {}));
            }
        })?;
        Ok(Self { inner: Some(Arc::new(Inner { pipeline, settings, engine })) })
    }

    /// Describes a run of an agent; [`InstanceBuilder::start`] begins it.
    pub fn instance(&self, version: AgentVersion) -> InstanceBuilder {
        InstanceBuilder::new(self.inner.clone(), version)
    }

    /// Whether this pipeline records anything at all.
    pub const fn is_enabled(&self) -> bool {
        self.inner.is_some()
    }

    /// The account of all operations so far.
    pub fn ledger(&self) -> Ledger {
        self.inner.as_ref().map_or_else(Ledger::default, |inner| inner.pipeline.ledger())
    }

    /// Whether operations get through to the API.
    pub fn health(&self) -> Health {
        self.inner.as_ref().map_or(Health::Delivering, |inner| inner.pipeline.health())
    }

    /// How much is in the spool; nothing where there is none.
    pub fn spool_use(&self) -> SpoolUse {
        let spool = self.inner.as_ref().and_then(|inner| inner.pipeline.spool());
        spool.map_or_else(SpoolUse::default, Stage::usage)
    }

    /// Bytes of the budget that are in use.
    pub fn memory_in_use(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.pipeline.admission().held())
    }

    /// What has gone over the wire so far.
    pub fn traffic(&self) -> Traffic {
        self.inner.as_ref().map_or_else(Traffic::default, |inner| inner.pipeline.traffic())
    }

    /// How many payloads could not be serialized; their spans were recorded with a placeholder.
    pub fn unserializable_payloads(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.pipeline.unserializable())
    }

    /// How often an actor of the pipeline panicked and was started again.
    pub fn actor_restarts(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.pipeline.restarts())
    }

    /// Waits for room in the byte budget, for callers who would rather wait than lose what finds none: returns at once
    /// while an eighth of it is free, and otherwise when a quarter is, or when the pipeline is shut down. Works on any
    /// executor; a caller that must not wait for ever, as it would in an outage, puts a time-out around it.
    ///
    /// ```
    /// # use prefactor_pipeline::{AgentVersion, Prefactor};
    /// # async fn replay(prefactor: &Prefactor) {
    /// let run = prefactor.instance(AgentVersion::new("replay", "v1")).start();
    /// for line in 0..1_000_000 {
    ///     prefactor.wait_for_room().await;
    ///     run.span("line", &line).complete(&());
    /// }
    /// # }
    /// ```
    pub async fn wait_for_room(&self) {
        if let Some(inner) = &self.inner {
            inner.pipeline.room().await;
        }
    }

    /// Waits until everything that was accepted before this call has its fate, at most for `timeout`.
    pub async fn flush(&self, timeout: Duration) -> Report {
        match &self.inner {
            None => Report::nothing(),
            Some(inner) => {
                inner.flush(inner.pipeline.registry().accounts(), timeout, || inner.pipeline.ledger()).await
            }
        }
    }

    /// Like [`flush`](Self::flush), for code that is not async. Blocks the calling thread.
    pub fn flush_blocking(&self, timeout: Duration) -> Report {
        match &self.inner {
            None => Report::nothing(),
            Some(inner) => {
                let accounts = inner.pipeline.registry().accounts();
                inner.flush_blocking(accounts, timeout, || inner.pipeline.ledger())
            }
        }
    }

    /// Takes nothing new, delivers what it has, and ends, at most after `timeout`. What is left by then is lost, and the
    /// report says so, however much it is; hooks may hear of it a little later. With a [`Spool`](crate::Spool) it is spooled
    /// instead; what the disk has not taken by then is in flight. Handles may still be used; what they are called for is
    /// counted as lost.
    pub async fn shutdown(&self, timeout: Duration) -> Report {
        let Some(inner) = &self.inner else { return Report::nothing() };
        inner.pipeline.close();
        let complete = inner.ordered(timeout, |done| Order::Shutdown { timeout, done }).await;
        inner.shut_down_report(complete)
    }

    /// Like [`shutdown`](Self::shutdown), for code that is not async. Blocks the calling thread.
    pub fn shutdown_blocking(&self, timeout: Duration) -> Report {
        let Some(inner) = &self.inner else { return Report::nothing() };
        inner.pipeline.close();
        let complete = inner.ordered_blocking(timeout, |done| Order::Shutdown { timeout, done });
        inner.shut_down_report(complete)
    }
}

impl Prefactor {
    /// A guard that shuts this pipeline down, within `timeout`, when it is dropped: for the `main` of a service.
    pub fn shutdown_on_drop(&self, timeout: Duration) -> ShutdownGuard {
        ShutdownGuard::new(self.clone(), timeout)
    }

    /// Gives the order to shut down, and waits for nothing.
    pub(crate) fn begin_shutdown(&self, timeout: Duration) {
        if let Some(inner) = self.inner.as_ref().filter(|inner| !inner.pipeline.is_inherited()) {
            inner.pipeline.close();
            inner.engine.order(Order::Shutdown { timeout, done: Box::new(|_| ()) });
        }
    }
}

impl Inner {
    pub(crate) async fn flush(
        &self,
        accounts: Vec<Arc<Account>>,
        timeout: Duration,
        ledger: impl FnOnce() -> Ledger,
    ) -> Report {
        let complete = self.ordered(timeout, |done| Order::Flush { accounts, timeout, done }).await;
        Report { complete: complete.unwrap_or(true), ledger: ledger() }
    }

    pub(crate) fn flush_blocking(
        &self,
        accounts: Vec<Arc<Account>>,
        timeout: Duration,
        ledger: impl FnOnce() -> Ledger,
    ) -> Report {
        let complete = self.ordered_blocking(timeout, |done| Order::Flush { accounts, timeout, done });
        Report { complete: complete.unwrap_or(true), ledger: ledger() }
    }

    /// Gives an order and waits for its end. `None` where the pipeline had ended before. The deadline is kept by a timer
    /// that needs no runtime: the pipeline's own may be blocked, or driven by nobody.
    async fn ordered(&self, timeout: Duration, order: impl FnOnce(Done) -> Order) -> Option<bool> {
        if self.pipeline.is_inherited() {
            return Some(self.is_settled());
        }
        let (done, ended) = oneshot::channel();
        let sent = self.engine.order(order(Box::new(move |complete| {
            let _ = done.send(complete);
        })));
        if !sent {
            return None;
        }
        tokio::select! {
            biased;
            complete = ended => complete.ok(),
            () = Delay::new(timeout.min(FOREVER) + GRACE) => Some(false),
        }
    }

    /// The same without a runtime. The deadline is kept also where the pipeline can't run, for example because it runs
    /// on the runtime whose thread is blocked here.
    fn ordered_blocking(&self, timeout: Duration, order: impl FnOnce(Done) -> Order) -> Option<bool> {
        if self.pipeline.is_inherited() {
            return Some(self.is_settled());
        }
        let (done, ended) = mpsc::channel();
        let sent = self.engine.order(order(Box::new(move |complete| {
            let _ = done.send(complete);
        })));
        if !sent {
            return None;
        }
        match ended.recv_timeout(timeout) {
            Ok(complete) => Some(complete),
            Err(mpsc::RecvTimeoutError::Timeout) => Some(false),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Whether nothing is on its way.
    fn is_settled(&self) -> bool {
        self.pipeline.ledger().in_flight().operations == 0
    }

    /// After a shutdown that had been done before, or whose pipeline went away with its runtime, the ledger alone tells
    /// whether everything arrived.
    fn shut_down_report(&self, complete: Option<bool>) -> Report {
        let ledger = self.pipeline.ledger();
        let nothing_lost = ledger.in_flight().operations == 0 && ledger.lost_total().operations == 0;
        Report { complete: complete.unwrap_or(nothing_lost), ledger }
    }
}

impl Report {
    pub(crate) fn nothing() -> Self {
        Self { complete: true, ledger: Ledger::default() }
    }
}
