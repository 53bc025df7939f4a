//! A spool from its lock to its thread.

use std::io;
use std::sync::Arc;
use std::thread;

use prefactor_spool::{Limits, Locked, Spool as Log};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::journal::Journal;
use super::runs::Runs;
use super::stage::{Order, Stage};
use super::writer::{Next, Writer};
use super::{Spool, SpoolError};
use crate::log::LogLevel;
use crate::pipeline::Pipeline;

/// Orders that are taken at once.
const ORDERS: usize = 64;

/// Bytes after which another file is begun. A spool has room for several.
const SEGMENT: u64 = 8 << 20;

/// A spool that is this process's alone.
#[derive(Debug)]
pub(crate) struct Opened {
    config: Spool,
    log: Locked,
}

impl Opened {
    /// # Errors
    /// [`SpoolError`]
    pub(crate) fn new(config: Spool) -> Result<Self, SpoolError> {
        let log = Log::lock(&config.directory)?;
        Ok(Self { config, log })
    }

    /// The part for the pipeline, and the part for the thread. `budget`: bytes that operations may hold in memory.
    pub(crate) fn split(self, budget: u64) -> (Stage, Unstarted) {
        let (stage, orders) = Stage::new(self.config.mode, budget);
        (stage, Unstarted { opened: self, orders })
    }
}

#[derive(Debug)]
pub(crate) struct Unstarted {
    opened: Opened,
    orders: UnboundedReceiver<Order>,
}

impl Unstarted {
    /// Starts to work, until [`Stage::end`]: on a thread of its own, since the disk may be as slow as it likes. A test has it
    /// work as a task of `on`.
    pub(crate) fn start(self, pipeline: Arc<Pipeline>, on: Option<&Handle>) -> io::Result<()> {
        match on {
            Some(runtime) => {
                runtime.spawn(self.run(pipeline));
            }
            None => {
                let runtime = Builder::new_current_thread().enable_time().build()?;
                let work = move || runtime.block_on(self.run(pipeline));
                thread::Builder::new().name("prefactor-spool".to_owned()).spawn(work)?;
            }
        }
        Ok(())
    }

    async fn run(self, pipeline: Arc<Pipeline>) {
        let Self { opened, orders } = self;
        match opened.recover(&pipeline) {
            Some(writer) => write(writer, orders).await,
            None => without_a_log(&pipeline, orders).await,
        }
    }
}

impl Opened {
    /// Reads what the directory holds. `None` where it can't be read.
    fn recover(self, pipeline: &Arc<Pipeline>) -> Option<Writer> {
        let Self { config, log } = self;
        let limits =
            Limits { max_bytes: config.max_bytes, segment_bytes: SEGMENT.min(config.max_bytes / 8).max(1) };
        match log.recover(limits) {
            Ok((log, recovered)) => {
                for message in &recovered.messages {
                    if pipeline.logs(LogLevel::Error) {
                        tracing::error!("{message}");
                    }
                }
                let mut runs = Runs::new(Arc::clone(pipeline));
                runs.learn(&recovered.notes);
                let journal = Journal::new(Arc::clone(pipeline), log, config.sync);
                if let Some(stage) = pipeline.spool() {
                    stage.found(journal.unread());
                }
                Some(Writer::new(Arc::clone(pipeline), config, journal, runs))
            }
            Err(error) => {
                if pipeline.logs(LogLevel::Error) {
                    tracing::error!(%error, "telemetry goes on without its spool");
                }
                None
            }
        }
    }
}

/// Has the writer work, and wait between its steps.
async fn write(mut writer: Writer, mut orders: UnboundedReceiver<Order>) {
    let mut taken = Vec::with_capacity(ORDERS);
    loop {
        let patience = match writer.step(taken.drain(..)) {
            Next::Step(patience) => patience,
            Next::End(done) => {
                drop(writer);
                return done();
            }
        };
        let arrived = orders.recv_many(&mut taken, ORDERS);
        let arrived = match patience {
            Some(patience) => timeout(patience, arrived).await,
            None => Ok(arrived.await),
        };
        if arrived == Ok(0) {
            // Nobody is left who could give orders.
            return;
        }
    }
}

/// The directory can be had, but not read: operations go on in memory.
async fn without_a_log(pipeline: &Arc<Pipeline>, mut orders: UnboundedReceiver<Order>) {
    let Some(stage) = pipeline.spool() else { return };
    stage.found(0);
    stage.resumed();
    pipeline.progressed();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Take(operations) => pipeline.give_back(operations),
            Order::Named { .. } => {}
            Order::End { left, done } => {
                pipeline.give_up(pipeline.loss_on_drop());
                drop(left);
                return done();
            }
        }
    }
}
