//! `prefactor load`: load through the real pipeline, and what its callers feel of it.

mod args;
mod callers;
mod content;
mod preflight;
mod progress;
mod recording;
mod samples;
mod saturation;
mod schedule;
mod summary;
mod synced_log;
mod usage;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prefactor::{BuildError, Builder, Delivered, Prefactor, Spool};
use thiserror::Error;

pub(crate) use args::LoadArgs;

use callers::Workload;
use content::Content;
use schedule::{Again, Recording, Schedule};
use summary::Summary;
use synced_log::SyncedLog;

use crate::connection::Connection;
use crate::failure::{Exit, Failure, chain};

/// Spans of a load that is limited by nothing else.
const DEFAULT_SPANS: u64 = 100_000;

/// How long each of several loads takes.
const DEFAULT_ATTEMPT: Duration = Duration::from_secs(5);

/// Why a load could not be made, or did not go as it should.
#[derive(Debug, Error)]
pub(crate) enum LoadError {
    #[error("can't read the arrival times in {}", file.display())]
    ArrivalsFile { file: PathBuf, source: io::Error },
    #[error("line {line} of {} does not begin with a time in milliseconds that follows the one before", file.display())]
    Arrivals { file: PathBuf, line: usize },
    #[error("can't read a recorded run (a SWE-agent trajectory in JSON) from {}", file.display())]
    Recording { file: PathBuf, source: io::Error },
    #[error("there are no steps of recorded runs (*.traj) in {}", from.display())]
    NoRecording { from: PathBuf },
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
    load(&args, &connection).map_err(|error| match error {
        LoadError::ArrivalsFile { .. }
        | LoadError::Arrivals { .. }
        | LoadError::Recording { .. }
        | LoadError::NoRecording { .. } => Failure::new(Exit::WrongArguments, chain(&error)),
        LoadError::Output(error) => error.into(),
        _ => Failure::of(&error),
    })
}

fn load(args: &LoadArgs, connection: &Connection) -> Result<(), LoadError> {
    let content = match &args.payloads {
        Some(from) => Content::recorded(from)?,
        None => Content::made(args.payload_bytes as usize),
    };
    let synced_log = args.synced_log.as_deref().map(SyncedLog::create).transpose();
    let load = Load {
        args,
        connection,
        content: &content,
        synced_log: synced_log.map_err(LoadError::SyncedLog)?.map(Arc::new),
    };
    let Some(file) = &args.arrivals else {
        let without_end = args.duration.is_some();
        let spans = args.spans.or((!without_end).then_some(DEFAULT_SPANS));
        return load.once(&Schedule::new(args.rate, spans, content.spans_at_once()), args.duration);
    };
    let recording = Recording::read(file)?;
    if args.until_saturated {
        let duration = args.duration.unwrap_or(DEFAULT_ATTEMPT);
        return saturation::search(args.speed, duration, args.json, |speed| {
            load.make(&recording.sped_up(speed, Again::Always), Some(duration))
        });
    }
    load.once(&recording.sped_up(args.speed, Again::Never), args.duration)
}

/// All that is the same for each load of a command.
struct Load<'a> {
    args: &'a LoadArgs,
    connection: &'a Connection,
    content: &'a Content,
    synced_log: Option<Arc<SyncedLog>>,
}

impl Load<'_> {
    /// Makes a load and prints how it went.
    ///
    /// # Errors
    /// A load that could not be made, or did not go as it should.
    fn once(&self, schedule: &Schedule, longest: Option<Duration>) -> Result<(), LoadError> {
        let summary = self.make(schedule, longest)?;
        print(&summary, self.args.json).map_err(LoadError::Output)?;
        if let Some(error) = self.synced_log.as_ref().and_then(|log| log.failure()) {
            return Err(LoadError::SyncedLog(error));
        }
        summary.flaw(self.args.allow_loss).map_or(Ok(()), |flaw| Err(LoadError::Flawed(flaw)))
    }

    /// Makes a load, in a pipeline of its own.
    fn make(&self, schedule: &Schedule, longest: Option<Duration>) -> Result<Summary, LoadError> {
        let Self { args, content, .. } = *self;
        let delivery_us = Arc::new(Mutex::new(delivery_times()));
        let prefactor = self.pipeline(Arc::clone(&delivery_us))?;
        let made = AtomicU64::new(0);
        let workload = Workload {
            prefactor: &prefactor,
            schedule,
            threads: args.threads.min(args.instances) as usize,
            instances: args.instances as usize,
            spans_per_run: args.spans_per_run,
            content,
            longest,
            made: &made,
        };

        let begun = Instant::now();
        let (watching, over) = mpsc::channel();
        let (felt, report) = thread::scope(|scope| {
            scope.spawn(|| {
                let over = over;
                let spans = schedule.spans().map(|number| number * content.spans_at_once());
                match args.every {
                    Some(every) => samples::print(&prefactor, &made, every, args.json, &over),
                    None if args.json => {}
                    None => progress::watch(&prefactor, spans, &made, &over),
                }
            });
            let felt = workload.run();
            let report = prefactor.shutdown_blocking(args.drain);
            drop(watching);
            (felt, report)
        });
        let took = begun.elapsed();

        let delivery_us = delivery_us.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = made.load(Ordering::Relaxed);
        let (held, traffic) = (prefactor.memory_in_use(), prefactor.traffic());
        Ok(Summary::new(&report.ledger, held, traffic, spans, took, &felt, &delivery_us))
    }

    fn pipeline(&self, delivery_us: Arc<Mutex<Histogram<u64>>>) -> Result<Prefactor, BuildError> {
        let Self { args, connection, .. } = *self;
        let Connection { url, token } = connection.clone();
        let log = self.synced_log.clone();
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
            .api_url(url)
            .api_token(token)
            .requests_per_second(args.requests_per_second)
            .on_delivered(record);
        if let Some(bytes) = args.memory_budget {
            builder = builder.memory_budget(bytes);
        }
        if let Some(directory) = &args.spool {
            builder = builder.spool(Spool::write_ahead(directory));
        }
        if let Some(log) = self.synced_log.clone() {
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
