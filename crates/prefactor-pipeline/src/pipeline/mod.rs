//! What all parts of a pipeline share, and how they are put together.

mod engine;
mod flush;
mod health_lines;
mod room;
mod supervisor;
mod work;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use prefactor_pfid::Partition;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use engine::{Done, Engine, EngineConfig, Order};
pub(crate) use supervisor::RESTART_DELAY;

use self::health_lines::HealthLines;
use self::work::{AtWork, Work};
use crate::account::Account;
use crate::admission::Admission;
use crate::batcher::Demand;
use crate::clock::Timestamp;
use crate::instance::Run;
use crate::intake::{IntakeInbox, IntakeInput};
use crate::ledger::{Fate, Fates, Ledger, LossReason, Tally};
use crate::log::LogLevel;
use crate::observer::{Delivered, Hooks, Observer, Spooled, Undelivered, UndeliveredReason};
use crate::operation::Operation;
use crate::payload::{Encoder, SpareBlocks};
use crate::process_mark::ProcessMark;
use crate::registry::Registry;
use crate::spool::Stage;
use crate::testing::{self, Interrupt};

/// Whether operations get through to the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Health {
    /// Nothing was sent yet, or the last request was answered as it should.
    Delivering,
    /// The API can't be reached or answers with errors; the pipeline keeps what fits and tries again by itself.
    Unreachable,
    /// The API refuses the token; a request every now and then finds out whether it is accepted again.
    Unauthorized,
}

impl Health {
    const fn from_u8(value: u8) -> Self {
        match value {
            1 => Self::Unreachable,
            2 => Self::Unauthorized,
            _ => Self::Delivering,
        }
    }
}

/// The shared state of one pipeline. Callers and actors hold it; it holds neither.
#[derive(Debug)]
pub(crate) struct Pipeline {
    encoder: Encoder,
    spare_blocks: Arc<SpareBlocks>,
    level: LogLevel,
    admission: Admission,
    intake: IntakeInbox,
    demand: Demand,
    registry: Registry,
    fates: Fates,
    observer: Observer,
    interrupt: Interrupt,
    /// The account's partition: configured, or learnt from the first registration.
    partition: OnceLock<Partition>,
    /// The API has answered a registration with another id than ours: no use choosing any.
    server_assigns_ids: AtomicBool,
    /// The same of spans: what refers to one must wait until its id is known.
    server_assigns_span_ids: AtomicBool,
    process: ProcessMark,
    /// Nothing new is taken.
    closed: AtomicBool,
    work: Work,
    /// Nobody looks for what is left any more.
    swept: AtomicBool,
    /// What is left is lost for this reason, whether it was counted yet or not.
    gives_up: OnceLock<LossReason>,
    health: AtomicU8,
    health_lines: HealthLines,
    /// Flushes under way: while there are any, nothing lingers.
    flushes: AtomicUsize,
    /// Callers that wait for room.
    waiting: AtomicUsize,
    /// Runs whose termination somebody wants to hear of.
    watched: Mutex<Vec<Weak<Run>>>,
    /// Told of every settled operation while somebody flushes, and of room while somebody waits for it.
    progress: Notify,
    unserializable: AtomicUsize,
    restarts: AtomicUsize,
    traffic: TrafficCounters,
    spool: Option<Stage>,
}

/// What has gone over the wire so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Requests that were sent, every attempt counted.
    pub requests: u64,
    /// Those among them that repeated an earlier one.
    pub retries: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct TrafficCounters {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

/// What [`Pipeline::new`] is made from.
#[derive(Debug)]
pub(crate) struct PipelineConfig {
    pub(crate) encoder: Encoder,
    pub(crate) level: LogLevel,
    /// Bytes that operations may hold, beside the bodies of requests.
    pub(crate) budget_of_operations: u64,
    pub(crate) partition: Option<Partition>,
    pub(crate) hooks: Hooks,
    pub(crate) interrupt: Interrupt,
    pub(crate) spool: Option<Stage>,
}

impl Pipeline {
    pub(crate) fn new(config: PipelineConfig) -> Arc<Self> {
        Arc::new(Self {
            encoder: config.encoder,
            spare_blocks: Arc::new(SpareBlocks::for_budget(config.budget_of_operations)),
            level: config.level,
            admission: Admission::new(config.budget_of_operations),
            intake: IntakeInbox::new(),
            demand: Demand::default(),
            registry: Registry::default(),
            fates: Fates::default(),
            observer: Observer::new(config.hooks, config.level),
            interrupt: config.interrupt,
            partition: config.partition.map_or_else(OnceLock::new, OnceLock::from),
            server_assigns_ids: AtomicBool::new(false),
            server_assigns_span_ids: AtomicBool::new(false),
            process: ProcessMark::new(),
            closed: AtomicBool::new(false),
            work: Work::default(),
            swept: AtomicBool::new(false),
            gives_up: OnceLock::new(),
            health: AtomicU8::new(Health::Delivering as u8),
            health_lines: HealthLines::new(Instant::now()),
            flushes: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            watched: Mutex::default(),
            progress: Notify::new(),
            unserializable: AtomicUsize::new(0),
            restarts: AtomicUsize::new(0),
            traffic: TrafficCounters::default(),
            spool: config.spool,
        })
    }

    pub(crate) const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub(crate) const fn spare_blocks(&self) -> &Arc<SpareBlocks> {
        &self.spare_blocks
    }

    pub(crate) const fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) const fn intake(&self) -> &IntakeInbox {
        &self.intake
    }

    pub(crate) const fn demand(&self) -> &Demand {
        &self.demand
    }

    pub(crate) const fn spool(&self) -> Option<&Stage> {
        self.spool.as_ref()
    }

    /// Whether somebody wants to hear of what is on disk.
    pub(crate) fn tells_spooled(&self) -> bool {
        self.observer.tells_spooled()
    }

    pub(crate) fn spooled(&self, spooled: Spooled) {
        self.observer.spooled(spooled);
    }

    pub(crate) fn logs(&self, level: LogLevel) -> bool {
        self.level >= level
    }

    /// Takes operations that went through the spool. They have waited for the disk, and do not wait for the end of a nap as well.
    pub(crate) fn give_back(&self, operations: Vec<Operation>) {
        self.submit(IntakeInput::Spooled(operations));
        self.intake.wake_now();
    }

    /// Queues what the intake has to do.
    pub(crate) fn submit(&self, input: IntakeInput) {
        self.intake.push(input);
        if self.is_swept() {
            // It was queued behind the last look into the intake.
            self.drain_intake();
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::SeqCst)
    }

    /// Refuses all further operations.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // Who waits in the parent is not woken from its child.
        if !self.process.is_other() {
            self.progressed();
        }
    }

    /// Whether a `fork` has made this copy of the pipeline, in which nothing goes on. It takes nothing new then.
    pub(crate) fn is_inherited(&self) -> bool {
        let is_inherited = self.process.is_other();
        if is_inherited {
            self.closed.store(true, Ordering::SeqCst);
        }
        is_inherited
    }

    /// Marks the end: nothing goes on from now on. Waits for those who are at work.
    pub(crate) fn end(&self) {
        self.close();
        self.work.end();
    }

    /// Asked by an actor before it touches operations. `None` behind the end.
    pub(crate) fn work(&self) -> Option<AtWork<'_>> {
        self.work.begin()
    }

    /// Loses what is left, all at once: to count it one by one may take longer than there is time, and whoever hears of
    /// each may be slow. The caller has taken it out of all hands that could deliver it.
    pub(crate) fn give_up(&self, reason: LossReason) {
        let _ = self.gives_up.set(reason);
    }

    /// Marks that the end has looked into all queues for what is left. It looks into the intake once more.
    pub(crate) fn sweep(&self) {
        self.swept.store(true, Ordering::SeqCst);
    }

    /// Whether whoever queues something now has to take it out again: until then, it is the end that finds it.
    pub(crate) fn is_swept(&self) -> bool {
        self.swept.load(Ordering::SeqCst)
    }

    /// Drops what is queued, which counts it as lost. For a pipeline that is swept.
    fn drain_intake(&self) {
        while let Some(input) = self.intake.pop() {
            if let IntakeInput::Called(run) = input {
                drop(run.pick_up());
            }
        }
    }

    pub(crate) fn record(&self, run: &Run, fate: Fate, tally: Tally) {
        self.fates.record(fate, tally);
        let reason = match fate {
            Fate::Delivered | Fate::Spooled => return,
            Fate::Rejected(reason) => UndeliveredReason::Rejected(reason),
            Fate::Lost(reason) => UndeliveredReason::Lost(reason),
        };
        self.observer.undelivered(Undelivered { reason, tally, instance: run.id() });
    }

    /// Writes to the log what no line has told of yet.
    pub(crate) fn log_the_rest(&self) {
        self.observer.log_the_rest();
    }

    /// Tells the caller's hook of an operation that is about to be settled as delivered.
    pub(crate) fn delivered(&self, operation: &Operation, now: Timestamp) {
        self.observer.delivered(|| Delivered {
            tally: operation.ticket.tally(),
            instance: operation.run().id(),
            since_finish: operation.action.finished_at().map(|at| now.since(at)),
        });
    }

    pub(crate) fn ledger(&self) -> Ledger {
        // The fates first: what is settled in between shows as in flight, not as more than was accepted.
        let settled = self.fates.ledger();
        self.with_the_rest(Ledger { accepted: self.registry.accepted(), ..settled })
    }

    /// The account of an instance.
    pub(crate) fn ledger_of(&self, account: &Account) -> Ledger {
        self.with_the_rest(account.ledger())
    }

    /// Once the pipeline has given up, nothing is in flight: what was not counted yet is lost all the same.
    fn with_the_rest(&self, ledger: Ledger) -> Ledger {
        match self.gives_up.get() {
            Some(reason) => ledger.with_the_rest_lost(*reason),
            None => ledger,
        }
    }

    /// The reason under which an operation counts that is dropped without a fate.
    pub(crate) fn loss_on_drop(&self) -> LossReason {
        if let Some(reason) = self.gives_up.get() {
            return *reason;
        }
        match self.health() {
            _ if self.is_open() => LossReason::Internal,
            Health::Delivering => LossReason::ShutDown,
            Health::Unreachable => LossReason::Unreachable,
            Health::Unauthorized => LossReason::Unauthorized,
        }
    }

    pub(crate) fn health(&self) -> Health {
        Health::from_u8(self.health.load(Ordering::Relaxed))
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Relaxed);
        if self.health_lines.is_due(health, Instant::now()) {
            self.log_health(health);
        }
    }

    fn log_health(&self, health: Health) {
        match health {
            Health::Delivering if self.logs(LogLevel::Info) => tracing::info!("telemetry is delivered again"),
            Health::Unreachable if self.logs(LogLevel::Warn) => {
                tracing::warn!("the prefactor api can't be reached or answers with errors; trying again");
            }
            Health::Unauthorized if self.logs(LogLevel::Error) => {
                tracing::error!("the prefactor api refuses the token; telemetry waits until it is accepted");
            }
            _ => {}
        }
    }

    /// The partition, where instances may choose their own ids.
    pub(crate) fn partition_for_own_ids(&self) -> Option<Partition> {
        self.partition.get().copied().filter(|_| !self.server_assigns_ids.load(Ordering::Relaxed))
    }

    pub(crate) fn learn_partition(&self, partition: Partition) {
        let _ = self.partition.set(partition);
    }

    pub(crate) fn ids_are_assigned_by_server(&self) {
        if !self.server_assigns_ids.swap(true, Ordering::Relaxed) && self.logs(LogLevel::Warn) {
            tracing::warn!(
                "the prefactor api gives instances other ids than ours; using its ids from now on"
            );
        }
    }

    pub(crate) fn span_ids_are_assigned_by_server(&self) {
        if !self.server_assigns_span_ids.swap(true, Ordering::Relaxed) && self.logs(LogLevel::Warn) {
            tracing::warn!("the prefactor api gives spans other ids than ours; using its ids from now on");
        }
    }

    pub(crate) fn server_assigns_span_ids(&self) -> bool {
        self.server_assigns_span_ids.load(Ordering::Relaxed)
    }

    pub(crate) fn is_flushing(&self) -> bool {
        self.flushes.load(Ordering::SeqCst) > 0
    }

    /// Wakes those who wait for what has just changed.
    pub(crate) fn progressed(&self) {
        let somebody_waits = self.waiting.load(Ordering::SeqCst) > 0;
        if self.is_flushing() || (somebody_waits && (self.admission.has_ample_room() || !self.is_open())) {
            self.progress.notify_waiters();
        }
    }

    pub(crate) fn watch(&self, run: &Arc<Run>) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(run));
    }

    /// The watched runs that may still be ended.
    pub(crate) fn watched(&self) -> Vec<Arc<Run>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut runs = Vec::new();
        watched.retain(|run| {
            let open =
                run.upgrade().filter(|run| !(run.is_finished() || run.is_refused() || run.is_terminated()));
            let is_open = open.is_some();
            runs.extend(open.filter(|run| run.is_registered()));
            is_open
        });
        runs
    }

    /// Counts the body of a request for as long as the guard lives.
    pub(crate) fn hold_body(self: &Arc<Self>, bytes: usize) -> HeldBody {
        self.admission.acquire_body(bytes as u64);
        HeldBody { pipeline: Arc::clone(self), bytes: bytes as u64 }
    }

    /// Counts a payload that could not be serialized; its span goes on without it.
    pub(crate) fn count_unserializable(&self) {
        let before = self.unserializable.fetch_add(1, Ordering::Relaxed);
        if before == 0 && self.logs(LogLevel::Error) {
            tracing::error!("a payload could not be serialized; its span is sent with a placeholder");
        }
    }

    pub(crate) fn unserializable(&self) -> u64 {
        self.unserializable.load(Ordering::Relaxed) as u64
    }

    pub(crate) fn count_restart(&self, stage: &'static str) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        if self.logs(LogLevel::Error) {
            tracing::error!(stage, "an actor panicked and was started again");
        }
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed) as u64
    }

    pub(crate) fn count_request(&self, body: usize, is_retry: bool) {
        self.traffic.requests.fetch_add(1, Ordering::Relaxed);
        self.traffic.retries.fetch_add(u64::from(is_retry), Ordering::Relaxed);
        self.traffic.bytes.fetch_add(body as u64, Ordering::Relaxed);
    }

    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.traffic.requests.load(Ordering::Relaxed),
            retries: self.traffic.retries.load(Ordering::Relaxed),
            bytes: self.traffic.bytes.load(Ordering::Relaxed),
        }
    }

    /// Where tests break in.
    pub(crate) fn interrupt(&self, stage: testing::Stage) {
        if let Some(interrupt) = &self.interrupt.0 {
            interrupt(stage);
        }
    }
}

/// The share of the byte budget that a request's body holds.
#[derive(Debug)]
pub(crate) struct HeldBody {
    pipeline: Arc<Pipeline>,
    bytes: u64,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        self.pipeline.admission.release_body(self.bytes);
    }
}
