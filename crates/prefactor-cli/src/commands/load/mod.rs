//! `prefactor load`: load through the real pipeline, and what its callers feel of it.

mod args;
mod callers;
mod preflight;
mod progress;
mod samples;
mod schedule;
mod summary;
mod synced_log;
mod usage;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use hdrhistogram::Histogram;
use prefactor::{BuildError, Builder, Delivered, Prefactor, Spool};
use thiserror::Error;

pub(crate) use args::LoadArgs;

use callers::Workload;
use schedule::Schedule;
use summary::Summary;
use synced_log::SyncedLog;

use crate::connection::Connection;
use crate::failure::{Exit, Failure, chain};

/// Spans of a load that is limited by nothing else.
const DEFAULT_SPANS: u64 = 100_000;

/// Why a load could not be made, or did not go as it should.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    #[error("can't read the arrival times in {}", file.display())]
    ArrivalsFile { file: PathBuf, source: io::Error },
    #[error("line {line} of {} does not begin with a time in milliseconds that follows the one before", file.display())]
    Arrivals { file: PathBuf, line: usize },
    #[error("the log of synced spans can't be written")]
    SyncedLog(#[source] io::Error),
    #[error("the pipeline could not be built")]
    Pipeline(#[from] BuildError),
    #[error("the summary could not be written")]
    Output(#[source] io::Error),
    #[error("{0}")]
    Flawed(String),
}

pub(crate) fn run(args: LoadArgs) -> Result<(), Failure> {
    let connection = args.connection.connection()?;
    if args.spool.is_none() {
        preflight::check(&connection)?;
    }
    load(args, connection).map_err(|error| match &error {
        LoadError::ArrivalsFile { .. } | LoadError::Arrivals { .. } => {
            Failure::new(Exit::WrongArguments, chain(&error))
        }
        _ => Failure::of(&error),
    })
}

fn load(args: LoadArgs, connection: Connection) -> Result<(), LoadError> {
    let schedule = match &args.arrivals {
        Some(file) => Schedule::recorded(file, args.speed)?,
        None => {
            let without_end = args.duration.is_some();
            Schedule::new(args.rate, args.spans.or((!without_end).then_some(DEFAULT_SPANS)))
        }
    };
    let delivery_us = Arc::new(Mutex::new(delivery_times()));
    let synced_log = args.synced_log.as_deref().map(SyncedLog::create).transpose();
    let synced_log = synced_log.map_err(LoadError::SyncedLog)?.map(Arc::new);
    let prefactor = pipeline(&args, connection, Arc::clone(&delivery_us), synced_log.clone())?;
    let made = AtomicU64::new(0);
    let workload = Workload {
        prefactor: &prefactor,
        schedule: &schedule,
        threads: args.threads.min(args.instances) as usize,
        instances: args.instances as usize,
        spans_per_run: args.spans_per_run,
        payload_bytes: args.payload_bytes as usize,
        longest: args.duration,
        made: &made,
    };

    let begun = Instant::now();
    let (watching, over) = mpsc::channel();
    let (caller_ns, report) = thread::scope(|scope| {
        scope.spawn(|| {
            let over = over;
            match args.every {
                Some(every) => samples::print(&prefactor, &made, every, args.json, &over),
                None if args.json => {}
                None => progress::watch(&prefactor, schedule.spans(), &made, &over),
            }
        });
        let caller_ns = workload.run();
        let report = prefactor.shutdown_blocking(args.drain);
        drop(watching);
        (caller_ns, report)
    });
    let took = begun.elapsed();

    let delivery_us = delivery_us.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = made.load(Ordering::Relaxed);
    let summary = Summary::new(&report.ledger, prefactor.traffic(), spans, took, &caller_ns, &delivery_us);
    print(&summary, args.json).map_err(LoadError::Output)?;
    if let Some(error) = synced_log.and_then(|log| log.failure()) {
        return Err(LoadError::SyncedLog(error));
    }
    summary.flaw(args.allow_loss).map_or(Ok(()), |flaw| Err(LoadError::Flawed(flaw)))
}

fn pipeline(
    args: &LoadArgs,
    connection: Connection,
    delivery_us: Arc<Mutex<Histogram<u64>>>,
    synced_log: Option<Arc<SyncedLog>>,
) -> Result<Prefactor, BuildError> {
    let log = synced_log.clone();
    let record = move |delivered: &Delivered| {
        if let (Some(log), Some(instance)) = (&log, delivered.instance) {
            log.learn(instance.partition());
        }
        if let Some(took) = delivered.since_finish {
            let mut times = delivery_us.lock().unwrap_or_else(PoisonError::into_inner);
            times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    };
    let mut builder = Prefactor::builder()
        .api_url(connection.url)
        .api_token(connection.token)
        .requests_per_second(args.requests_per_second)
        .on_delivered(record);
    if let Some(bytes) = args.memory_budget {
        builder = builder.memory_budget(bytes);
    }
    if let Some(directory) = &args.spool {
        builder = builder.spool(Spool::write_ahead(directory));
    }
    if let Some(log) = synced_log {
        builder = builder.on_spooled(move |spooled| log.spooled(spooled));
    }
    if let Some(lanes) = args.lanes {
        builder = builder.lanes(lanes.get());
    }
    if let Some(items) = args.batch_items {
        builder = Builder::max_batch_items(builder, items.get());
    }
    builder.build()
}

/// Microseconds up to an hour.
fn delivery_times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("these bounds are valid")
}

fn print(summary: &Summary, json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut stdout, summary)?;
        writeln!(stdout)?;
    } else {
        write!(stdout, "{summary}")?;
    }
    stdout.flush()
}
