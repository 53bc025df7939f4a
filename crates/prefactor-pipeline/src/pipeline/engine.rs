//! The thread that the pipeline runs on, and the orders it takes: flush and shut down.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prefactor_http::{RetryPolicy, StatusCodes};
use ractor::Actor;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Pipeline;
use super::flush::flush;
use super::supervisor::{Stages, Supervisor};
use crate::account::Account;
use crate::batcher::{Backlog, BatcherInbox, BatcherWork, Limits, Pace};
use crate::clock::FOREVER;
use crate::intake::LiveRuns;
use crate::log::LogLevel;
use crate::sender::{Lanes, SenderInbox, Transport};

/// The part of a shutdown's time that is kept for its end: stopping the actors, and counting what they leave behind.
/// Their handlers never wait, so they stop within microseconds.
const LONGEST_STOP: Duration = Duration::from_millis(100);

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
    orders: mpsc::UnboundedSender<Order>,
}

impl Engine {
    /// Starts the pipeline: on the given runtime, or on a thread of its own.
    pub(crate) fn start(
        pipeline: Arc<Pipeline>,
        config: EngineConfig,
        runtime: Option<Handle>,
    ) -> io::Result<Self> {
        let (orders, received) = mpsc::unbounded_channel();
        let drop_timeout = config.drop_timeout;
        // Made here and not in `run`: a runtime that goes away may never have polled it.
        let end = End(stages(pipeline, config));
        match runtime {
            Some(runtime) => {
                runtime.spawn(run(end, drop_timeout, received));
            }
            None => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                std::thread::Builder::new()
                    .name("prefactor".to_owned())
                    .spawn(move || runtime.block_on(run(end, drop_timeout, received)))?;
            }
        }
        Ok(Self { orders })
    }

    /// Gives an order. `false` where the pipeline has ended; the order is dropped then.
    pub(crate) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }
}

async fn run(end: End, drop_timeout: Duration, mut orders: mpsc::UnboundedReceiver<Order>) {
    let stages = &end.0;
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
    let stop = LONGEST_STOP.min(timeout / 10);
    let deadline = Instant::now() + (timeout - stop);
    stages.pipeline.close();
    let others = tokio::spawn(answer_others(stages.clone(), orders));
    let accounts = stages.pipeline.registry().accounts();
    let complete = flush(&stages.pipeline, &stages.batcher_inbox, accounts, deadline).await;
    let _ = supervisor.stop_and_wait(None, Some(stop / 2)).await;
    others.abort();
    drop(end);
    if let Some(done) = done {
        done(complete);
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
        lanes: Arc::new(Mutex::new(Lanes::default())),
        transport: config.transport,
        retry: config.retry,
        retry_on: config.retry_on,
        probe_interval: config.probe_interval,
    }
}

/// The end of a pipeline, also of one whose runtime is dropped under it: what is left anywhere is dropped, and
/// thereby counted as lost.
struct End(Stages);

impl Drop for End {
    fn drop(&mut self) {
        let stages = &self.0;
        stages.pipeline.end();
        stages.live.abandon();
        stages.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        while stages.sender_inbox.pop().is_some() {}
        stages.batcher_work.lock().unwrap_or_else(PoisonError::into_inner).backlog.clear();
        while stages.batcher_inbox.pop().is_some() {}
        stages.pipeline.drain_intake();
        stages.pipeline.log_the_rest();
    }
}
