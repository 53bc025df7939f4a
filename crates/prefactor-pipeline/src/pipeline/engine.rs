//! The threads that the pipeline runs on, and the orders it takes: flush and shut down.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prefactor_http::{RetryPolicy, StatusCodes};
use ractor::Actor;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::Pipeline;
use super::flush::{flush, resumed};
use super::supervisor::{Stages, Supervisor};
use crate::account::Account;
use crate::batcher::{Backlog, BatcherInbox, BatcherInput, BatcherWork, Limits, Pace};
use crate::clock::FOREVER;
use crate::intake::{IntakeInput, LiveRuns};
use crate::log::LogLevel;
use crate::operation::Operation;
use crate::process_mark::ProcessMark;
use crate::sender::{Lanes, SenderInbox, SenderInput, Transport};
use crate::spool::{Leftovers, Stage};

/// The part of a shutdown's time that is kept for its end: stopping the actors, and taking what they leave behind. Their
/// handlers wait for nothing but an application's hooks, so they stop within microseconds as a rule.
const LONGEST_STOP: Duration = Duration::from_millis(100);

/// The same with a spool, into which everything goes that was not delivered.
const LONGEST_STOP_WITH_SPOOL: Duration = Duration::from_secs(2);

/// So many operations are counted as lost before others on the same runtime get their turn.
const ROUND: usize = 4_096;

/// Threads of the pipeline's own runtime: while one hands operations on, the other writes a request or reads an answer.
const WORKERS: usize = 2;

/// What the actors are configured with.
pub(crate) struct EngineConfig {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) limits: Limits,
    pub(crate) lanes: usize,
    pub(crate) requests_per_second: Option<std::num::NonZeroU32>,
    pub(crate) items_per_second: Option<std::num::NonZeroU32>,
    pub(crate) retry: RetryPolicy,
    pub(crate) retry_on: StatusCodes,
    pub(crate) probe_interval: Duration,
    /// How long a pipeline goes on delivering whose last handle was dropped.
    pub(crate) drop_timeout: Duration,
}

/// Told whether everything was settled in time.
pub(crate) type Done = Box<dyn FnOnce(bool) + Send>;

/// What a handle asks of the pipeline as a whole.
pub(crate) enum Order {
    Flush { accounts: Vec<Arc<Account>>, timeout: Duration, done: Done },
    Shutdown { timeout: Duration, done: Done },
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flush { timeout, .. } => {
                f.debug_struct("Flush").field("timeout", timeout).finish_non_exhaustive()
            }
            Self::Shutdown { timeout, .. } => {
                f.debug_struct("Shutdown").field("timeout", timeout).finish_non_exhaustive()
            }
        }
    }
}

/// The way to give orders. The pipeline shuts down by itself when it is dropped.
#[derive(Debug)]
pub(crate) struct Engine {
    /// None after the drop.
    orders: Option<mpsc::UnboundedSender<Order>>,
    process: ProcessMark,
}

impl Engine {
    /// Starts the pipeline: on the given runtime, or on threads of its own.
    pub(crate) fn start(
        pipeline: Arc<Pipeline>,
        config: EngineConfig,
        runtime: Option<Handle>,
    ) -> io::Result<Self> {
        let (orders, received) = mpsc::unbounded_channel();
        let drop_timeout = config.drop_timeout;
        // Made here and not in `run`: a runtime that goes away may never have polled it.
        let end = End { stages: stages(pipeline, config), spooled: None, left: VecDeque::new() };
        match runtime {
            Some(runtime) => {
                runtime.spawn(run(end, drop_timeout, received));
            }
            None => run_on_own_threads(run(end, drop_timeout, received))?,
        }
        Ok(Self { orders: Some(orders), process: ProcessMark::new() })
    }

    /// Gives an order. `false` where the pipeline has ended; the order is dropped then.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.process.is_other() {
            // To drop it would wake a thread that is in the parent.
            std::mem::forget(self.orders.take());
        }
    }
}

/// Runs the pipeline on a runtime of its own, whose threads end with it.
fn run_on_own_threads(pipeline: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let (started, is_started) = std::sync::mpsc::channel();
    let main = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("prefactor")
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => {
                let _ = started.send(Ok(()));
                // As a task: what drives a runtime from outside is no worker of it.
                let _ = runtime.block_on(runtime.spawn(pipeline));
            }
            Err(error) => drop(started.send(Err(error))),
        }
    };
    std::thread::Builder::new().name("prefactor".to_owned()).spawn(main)?;
    // A runtime that gets no thread panics, there and not here.
    is_started.recv().unwrap_or_else(|_| Err(io::Error::other("the runtime got no thread")))
}

async fn run(mut end: End, drop_timeout: Duration, mut orders: mpsc::UnboundedReceiver<Order>) {
    let stages = &end.stages;
    let supervisor = match Actor::spawn(None, Supervisor { stages: stages.clone() }, ()).await {
        Ok((supervisor, _)) => supervisor,
        // Actors without names always start.
        Err(error) => {
            if stages.pipeline.logs(LogLevel::Error) {
                tracing::error!(%error, "the pipeline did not start");
            }
            return;
        }
    };
    let (timeout, done) = loop {
        match orders.recv().await {
            Some(Order::Flush { accounts, timeout, done }) => start_flush(stages, accounts, timeout, done),
            Some(Order::Shutdown { timeout, done }) => break (timeout, Some(done)),
            None => break (drop_timeout, None),
        }
    };
    let timeout = timeout.min(FOREVER);
    let longest_stop = stages.pipeline.spool().map_or(LONGEST_STOP, |_| LONGEST_STOP_WITH_SPOOL);
    let stop = longest_stop.min(timeout / 4);
    let end_by = Instant::now() + timeout;
    let deadline = end_by - stop;
    stages.pipeline.close();
    let others = tokio::spawn(answer_others(stages.clone(), orders));
    resumed(&stages.pipeline, &stages.batcher_inbox, deadline).await;
    let accounts = stages.pipeline.registry().accounts();
    let complete = flush(&stages.pipeline, &stages.batcher_inbox, accounts, deadline).await
        && !stages.pipeline.spool().is_some_and(Stage::is_resuming);
    let _ = supervisor.stop_and_wait(None, Some(stop / 2)).await;
    others.abort();
    let (done_spooling, spooled) = oneshot::channel();
    end.spooled = Some(done_spooling);
    end.begin();
    // Without a spool there is nobody who would answer.
    let _ = timeout_at(end_by, spooled).await;
    while end.count_some() && Instant::now() < end_by {
        yield_now().await;
    }
    if let Some(done) = done {
        done(complete);
    }
    while end.count_some() {
        yield_now().await;
    }
}

/// Takes orders while the pipeline shuts down, so that each of them ends by its own deadline and not by that of the
/// shutdown. Another shutdown has nothing left to do but wait.
async fn answer_others(stages: Stages, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Flush { accounts, timeout, done } => start_flush(&stages, accounts, timeout, done),
            Order::Shutdown { timeout, done } => {
                start_flush(&stages, stages.pipeline.registry().accounts(), timeout, done);
            }
        }
    }
}

fn start_flush(stages: &Stages, accounts: Vec<Arc<Account>>, timeout: Duration, done: Done) {
    let (pipeline, batcher) = (Arc::clone(&stages.pipeline), Arc::clone(&stages.batcher_inbox));
    let deadline = Instant::now() + timeout.min(FOREVER);
    tokio::spawn(async move { done(flush(&pipeline, &batcher, accounts, deadline).await) });
}

fn stages(pipeline: Arc<Pipeline>, config: EngineConfig) -> Stages {
    let work = BatcherWork {
        backlog: Backlog::new(config.limits),
        pace: Pace::new(config.requests_per_second, config.items_per_second, Instant::now()),
        free_lanes: config.lanes,
    };
    Stages {
        pipeline,
        live: Arc::new(LiveRuns::default()),
        batcher_inbox: Arc::new(BatcherInbox::new()),
        batcher_work: Arc::new(Mutex::new(work)),
        sender_inbox: Arc::new(SenderInbox::new()),
        lanes: Arc::new(Mutex::new(Lanes::new(Instant::now()))),
        transport: config.transport,
        retry: config.retry,
        retry_on: config.retry_on,
        probe_interval: config.probe_interval,
    }
}

/// The end of a pipeline, also of one whose runtime is dropped under it: what is left anywhere goes into the spool; where
/// there is none, it is dropped, and thereby counted as lost.
struct End {
    stages: Stages,
    /// Told when the spool has taken it.
    spooled: Option<oneshot::Sender<()>>,
    /// What is lost and not counted yet.
    left: VecDeque<Operation>,
}

impl End {
    /// Takes what is left out of all hands. From then on it is the spool's, or lost.
    fn begin(&mut self) {
        let pipeline = &self.stages.pipeline;
        pipeline.end();
        let mut left = self.stages.leftovers();
        pipeline.sweep();
        self.stages.take_queued(&mut left);
        let spooled = self.spooled.take();
        let done = Box::new(move || {
            let _ = spooled.map(|spooled| spooled.send(()));
        });
        let lost = match pipeline.spool() {
            Some(spool) => spool.end(left, done).err(),
            None => Some(left),
        };
        if let Some(Leftovers { passed, queued }) = lost {
            pipeline.give_up(pipeline.loss_on_drop());
            self.left.extend(passed.into_iter().chain(queued));
        }
    }

    /// Counts some of what is left; tells whether there is more.
    fn count_some(&mut self) -> bool {
        self.left.drain(..ROUND.min(self.left.len()));
        !self.left.is_empty()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // Also what has come since: an operation on its way between two stages may have missed the first look.
        self.begin();
        self.left.clear();
        self.stages.pipeline.log_the_rest();
    }
}

impl Stages {
    /// Takes what is left anywhere: what is furthest on its way comes first.
    fn leftovers(&self) -> Leftovers {
        let mut left = Leftovers::default();
        let passed = &mut left.passed;
        passed.extend(self.lanes.lock().unwrap_or_else(PoisonError::into_inner).take_all());
        while let Some(input) = self.sender_inbox.pop() {
            if let SenderInput::Batch(batch) = input {
                passed.extend(batch.operations);
            }
        }
        let mut behind = Vec::new();
        while let Some(input) = self.batcher_inbox.pop() {
            match input {
                BatcherInput::Completed(completed) => passed.extend(completed.returned),
                BatcherInput::Operations(operations) => behind.extend(operations),
                BatcherInput::Recovered => {}
            }
        }
        passed.extend(self.batcher_work.lock().unwrap_or_else(PoisonError::into_inner).backlog.take_all());
        passed.extend(behind);
        passed.extend(self.live.abandon());
        self.take_queued(&mut left);
        left
    }

    /// Takes what waits for the intake.
    fn take_queued(&self, left: &mut Leftovers) {
        while let Some(input) = self.pipeline.intake().pop() {
            match input {
                IntakeInput::Called(run) => left.queued.extend(run.pick_up()),
                IntakeInput::Spooled(operations) => left.passed.extend(operations),
                IntakeInput::Answered(_) => {}
            }
        }
    }
}
