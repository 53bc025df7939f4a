//! The builder of a pipeline.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use prefactor_http::{ApiToken, ApiUrl, HttpClientConfig, PrefactorClient, RetryPolicy, StatusCodes};
use prefactor_pfid::Partition;
use tokio::runtime::Handle;

use super::environment::Environment;
use super::{BuildError, SampleRate, defaults};
use crate::batcher::Limits;
use crate::clock::FOREVER;
use crate::log::LogLevel;
use crate::observer::{Delivered, Hook, Hooks, Spooled, Undelivered};
use crate::payload::{Encoder, Redactor, SharedRedactor};
use crate::pipeline::{EngineConfig, PipelineConfig};
use crate::prefactor::Prefactor;
use crate::sender::{HttpTransport, Transport};
use crate::spool::{OpenedSpool, Spool};
use crate::testing::{Interrupt, Stage};

/// Configures a [`Prefactor`]. Everything but the token has a default, see [`defaults`].
///
/// ```
/// use prefactor_pipeline::Prefactor;
/// use std::time::Duration;
///
/// let prefactor = Prefactor::builder()
///     .api_url("http://127.0.0.1:4010".parse()?)
///     .api_token("a-token".parse()?)
///     .memory_budget(16 * 1024 * 1024)
///     .linger(Duration::from_millis(20))
///     .build()?;
/// # drop(prefactor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    settings: Settings,
    transport: Option<TransportChoice>,
    runtime: Option<Handle>,
}

/// What the handles need to know beside the pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) api_url: ApiUrl,
    pub(super) api_token: Option<ApiToken>,
    pub(crate) agent_id: Option<String>,
    pub(crate) environment_id: Option<String>,
    pub(crate) agent_name: Option<String>,
    pub(crate) agent_identifier: Option<String>,
    pub(crate) sample_rate: SampleRate,
    pub(super) encoder: Encoder,
    pub(super) log_level: LogLevel,
    pub(super) memory_budget: u64,
    pub(super) limits: Limits,
    pub(super) lanes: usize,
    pub(super) requests_per_second: Option<NonZeroU32>,
    pub(super) items_per_second: Option<NonZeroU32>,
    pub(super) request_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) retry_on: StatusCodes,
    pub(super) probe_interval: Duration,
    pub(super) drop_timeout: Duration,
    pub(super) partition: Option<Partition>,
    pub(super) hooks: Hooks,
    pub(super) interrupt: Interrupt,
    /// Runs the spool on the pipeline's runtime.
    pub(crate) spool_as_task: bool,
    pub(super) spool: Option<Spool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_url: ApiUrl::default(),
            api_token: None,
            agent_id: None,
            environment_id: None,
            agent_name: None,
            agent_identifier: None,
            sample_rate: SampleRate::ALL,
            encoder: Encoder::default(),
            log_level: LogLevel::default(),
            memory_budget: defaults::MEMORY_BUDGET,
            limits: Limits {
                items: defaults::MAX_BATCH_ITEMS,
                bytes: defaults::MAX_BATCH_BYTES,
                linger: defaults::LINGER,
            },
            lanes: defaults::LANES,
            requests_per_second: NonZeroU32::new(defaults::REQUESTS_PER_SECOND),
            items_per_second: None,
            request_timeout: defaults::REQUEST_TIMEOUT,
            connect_timeout: defaults::CONNECT_TIMEOUT,
            retry: RetryPolicy::default(),
            retry_on: StatusCodes::default(),
            probe_interval: defaults::PROBE_INTERVAL,
            drop_timeout: defaults::DROP_TIMEOUT,
            partition: None,
            hooks: Hooks::default(),
            interrupt: Interrupt::default(),
            spool_as_task: false,
            spool: None,
        }
    }
}

#[derive(Clone)]
struct TransportChoice(Arc<dyn Transport>);

impl std::fmt::Debug for TransportChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { settings: Settings::default(), transport: None, runtime: None }
    }

    /// Puts what the environment says over what is set so far. See [`Prefactor::from_env`] for the variables.
    ///
    /// # Errors
    /// [`BuildError`] names the variable whose value can't be used.
    pub fn env(mut self) -> Result<Self, BuildError> {
        Environment::of_process().apply(&mut self.settings)?;
        Ok(self)
    }

    /// Like [`Builder::env`], with the variables that `lookup` finds in place of the process's own.
    ///
    /// ```
    /// use prefactor_pipeline::Prefactor;
    ///
    /// let variables = |name: &str| (name == "PREFACTOR_API_TOKEN").then(|| "a-token".to_owned());
    /// let builder = Prefactor::builder().env_from(variables)?;
    /// # drop(builder);
    /// # Ok::<(), prefactor_pipeline::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildError`] names the variable whose value can't be used.
    pub fn env_from(mut self, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, BuildError> {
        Environment(lookup).apply(&mut self.settings)?;
        Ok(self)
    }

    /// Where the API is. Default: `https://app.prefactorai.com`.
    pub fn api_url(mut self, url: ApiUrl) -> Self {
        self.settings.api_url = url;
        self
    }

    /// The bearer token, of a deployment or of the whole account.
    pub fn api_token(mut self, token: ApiToken) -> Self {
        self.settings.api_token = Some(token);
        self
    }

    /// The agent that instances run, by its id; left out with a token that belongs to a deployment.
    pub fn agent_id(mut self, id: impl Into<String>) -> Self {
        self.settings.agent_id = Some(id.into());
        self
    }

    /// The environment that instances run in, by its id; left out with a token that belongs to a deployment.
    pub fn environment_id(mut self, id: impl Into<String>) -> Self {
        self.settings.environment_id = Some(id.into());
        self
    }

    /// The share of runs that are recorded. A run is recorded with its whole tree or not at all, decided by its id.
    pub fn sample_rate(mut self, rate: SampleRate) -> Self {
        self.settings.sample_rate = rate;
        self
    }

    /// Whether payloads are recorded. Without, a span has an empty one.
    pub fn capture_inputs(mut self, capture: bool) -> Self {
        self.settings.encoder.capture_inputs = capture;
        self
    }

    /// Whether results are recorded. Without, a span has none.
    pub fn capture_outputs(mut self, capture: bool) -> Self {
        self.settings.encoder.capture_outputs = capture;
        self
    }

    /// Characters that a string value in a payload may have before it is cut and marked `…[truncated]`.
    /// Default: [`defaults::MAX_INPUT_LENGTH`]; `usize::MAX` cuts nothing.
    pub fn max_input_length(mut self, characters: usize) -> Self {
        self.settings.encoder.max_input_length = characters;
        self
    }

    /// The same for results and quality records. Default: [`defaults::MAX_OUTPUT_LENGTH`].
    pub fn max_output_length(mut self, characters: usize) -> Self {
        self.settings.encoder.max_output_length = characters;
        self
    }

    /// A hook that sees every payload, result and quality record before anything of it is queued.
    pub fn redact(mut self, redactor: impl Redactor + 'static) -> Self {
        self.settings.encoder.redactor = Some(SharedRedactor(Arc::new(redactor)));
        self
    }

    /// Bytes that may be queued, batched, in flight or waiting to be sent again, the bodies of requests included; what
    /// does not fit is dropped, newest first, and counted as [`LossReason::QueueFull`](crate::LossReason::QueueFull).
    /// Default: [`defaults::MEMORY_BUDGET`].
    ///
    /// At most half of it is set aside for the bodies of the requests in flight; where [`max_batch_bytes`](
    /// Self::max_batch_bytes) on all [`lanes`](Self::lanes) would take more, requests become smaller. A single operation that
    /// is larger than a request may be goes alone, and its body may exceed that share while it is in flight.
    ///
    /// Beside the budget, the pipeline keeps some of the memory that operations have left for the next ones: at most a quarter of
    /// what they may hold, half of which it gives back each second.
    ///
    /// Beside the budget a run takes about 1,200 bytes while it is open, and its actor some more until it has been idle for
    /// a second or two. Of a run that is not registered yet about as much counts, so that no outage fills the memory.
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.settings.memory_budget = bytes;
        self
    }

    /// Items of one request, at least one. Default: [`defaults::MAX_BATCH_ITEMS`].
    pub fn max_batch_items(mut self, items: usize) -> Self {
        self.settings.limits.items = items.max(1);
        self
    }

    /// Bytes of one request; a single operation that is larger is sent alone. Default: [`defaults::MAX_BATCH_BYTES`].
    pub fn max_batch_bytes(mut self, bytes: usize) -> Self {
        self.settings.limits.bytes = bytes.max(1);
        self
    }

    /// How long an operation waits for others to share its request. Default: [`defaults::LINGER`].
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.limits.linger = linger.min(FOREVER);
        self
    }

    /// Requests in flight at the same time, from one to [`defaults::MAX_LANES`]. Default: [`defaults::LANES`].
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.settings.lanes = lanes.clamp(1, defaults::MAX_LANES);
        self
    }

    /// Requests per second, with a burst of one second; `None` for no limit.
    /// Default: [`defaults::REQUESTS_PER_SECOND`].
    pub fn requests_per_second(mut self, rate: impl Into<Option<NonZeroU32>>) -> Self {
        self.settings.requests_per_second = rate.into();
        self
    }

    /// Items per second, with a burst of one second; `None`, the default, for no limit.
    pub fn items_per_second(mut self, rate: impl Into<Option<NonZeroU32>>) -> Self {
        self.settings.items_per_second = rate.into();
        self
    }

    /// How long a whole request may take. Default: [`defaults::REQUEST_TIMEOUT`].
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// How long connecting may take. Default: [`defaults::CONNECT_TIMEOUT`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// The waits between attempts. The number of retries in it does not count here: an outage is never fatal, what fits
    /// into the budget is kept and tried again until it is delivered or the pipeline is shut down.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// The statuses among 429 and 500–599 after which a request is tried again. Default: all of them. A request that is
    /// answered with another one of these is rejected as a whole.
    pub fn retry_on_status_codes(mut self, codes: StatusCodes) -> Self {
        self.settings.retry_on = codes;
        self
    }

    /// How long to wait after a refused token before one request finds out whether it is accepted again.
    /// Default: [`defaults::PROBE_INTERVAL`].
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.settings.probe_interval = interval.min(FOREVER);
        self
    }

    /// How long a pipeline goes on delivering in the background whose last handle was dropped.
    /// Default: [`defaults::DROP_TIMEOUT`].
    pub fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drop_timeout = timeout;
        self
    }

    /// The account's partition, where it is known. Otherwise it is learnt from the first registration, for which the
    /// first run has to wait (API contract, Identifiers).
    pub fn partition(mut self, partition: Partition) -> Self {
        self.settings.partition = Some(partition);
        self
    }

    /// The most detailed events that the pipeline emits through [`tracing`]. Default: [`LogLevel::Info`].
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.settings.log_level = level;
        self
    }

    /// A hook that is told of every operation that is not delivered. It runs where the loss happens, which may be the
    /// thread of a handle call: it should be quick.
    pub fn on_undelivered(mut self, hook: impl Fn(&Undelivered) + Send + Sync + 'static) -> Self {
        self.settings.hooks.undelivered = Hook::new(hook);
        self
    }

    /// A hook that is told of every item that the API has confirmed. It runs on a thread of the pipeline, which waits for it.
    pub fn on_delivered(mut self, hook: impl Fn(&Delivered) + Send + Sync + 'static) -> Self {
        self.settings.hooks.delivered = Hook::new(hook);
        self
    }

    /// Keeps on disk what does not fit into memory, what a shutdown can't deliver, or everything. Default: nothing.
    pub fn spool(mut self, spool: Spool) -> Self {
        self.settings.spool = Some(spool);
        self
    }

    /// A hook that is told of every call of a span's once the disk keeps it. It runs on the spool's thread, which waits for
    /// it.
    pub fn on_spooled(mut self, hook: impl Fn(&Spooled) + Send + Sync + 'static) -> Self {
        self.settings.hooks.spooled = Hook::new(hook);
        self
    }

    /// Runs the pipeline on this runtime, which must have its timers (and, for HTTP, its I/O) enabled, in place of
    /// threads of its own. Should the runtime be dropped, what is not delivered by then is lost.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Sends through this transport in place of HTTP.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(TransportChoice(Arc::new(transport)));
        self
    }

    /// Calls `interrupt` whenever an actor begins to handle a message. For tests: a panic in there is a panic of that
    /// actor.
    #[doc(hidden)]
    pub fn interrupt(mut self, interrupt: impl Fn(Stage) + Send + Sync + 'static) -> Self {
        self.settings.interrupt = Interrupt(Some(Arc::new(interrupt)));
        self
    }

    /// Runs the spool as a task on the pipeline's runtime in place of a thread of its own, which makes it part of what paused
    /// time repeats. For tests: each write blocks the runtime.
    #[doc(hidden)]
    pub fn spool_as_task(mut self) -> Self {
        self.settings.spool_as_task = true;
        self
    }

    /// Builds the pipeline and starts it.
    ///
    /// # Errors
    /// [`BuildError::MissingToken`] where no token was given (and no transport), [`BuildError::Client`] where the HTTP
    /// client can't be built, [`BuildError::Spool`] where the spool's directory can't be used,
    /// [`BuildError::Thread`] where the system has no thread left.
    pub fn build(self) -> Result<Prefactor, BuildError> {
        let Self { settings, transport, runtime } = self;
        let transport = match transport {
            Some(TransportChoice(transport)) => transport,
            None => Arc::new(HttpTransport(settings.client()?)),
        };
        let mut limits = settings.limits;
        let most_for_bodies = settings.memory_budget / 2 / settings.lanes as u64;
        limits.bytes = limits.bytes.min(usize::try_from(most_for_bodies).unwrap_or(usize::MAX)).max(1);
        let budget_of_operations =
            settings.memory_budget.saturating_sub((limits.bytes * settings.lanes) as u64);
        let spool = settings.spool.clone().map(OpenedSpool::new).transpose()?;
        let (spool, unstarted) = spool.map(|spool| spool.split(budget_of_operations)).unzip();
        let pipeline = PipelineConfig {
            encoder: settings.encoder.clone(),
            level: settings.log_level,
            budget_of_operations,
            partition: settings.partition,
            hooks: settings.hooks.clone(),
            interrupt: settings.interrupt.clone(),
            spool,
        };
        let engine = EngineConfig {
            transport,
            limits,
            lanes: settings.lanes,
            requests_per_second: settings.requests_per_second,
            items_per_second: settings.items_per_second,
            retry: settings.retry,
            retry_on: settings.retry_on,
            probe_interval: settings.probe_interval,
            drop_timeout: settings.drop_timeout,
        };
        Ok(Prefactor::start(settings, pipeline, engine, runtime, unstarted)?)
    }
}

impl Settings {
    fn client(&self) -> Result<PrefactorClient, BuildError> {
        let token = self.api_token.clone().ok_or(BuildError::MissingToken)?;
        let config = HttpClientConfig::new(self.api_url.clone(), token)
            .with_request_timeout(self.request_timeout)
            .with_connect_timeout(self.connect_timeout);
        Ok(PrefactorClient::new(config)?)
    }
}
