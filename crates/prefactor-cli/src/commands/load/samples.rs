//! `--every`: how it goes, a line each time, for loads that go on for long.

use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use prefactor::Prefactor;
use serde::Serialize;

use super::usage;

#[derive(Debug, Serialize)]
struct Sample {
    seconds: f64,
    spans: u64,
    accepted: u64,
    delivered: u64,
    rejected: u64,
    lost: u64,
    spooled: u64,
    in_flight: u64,
    /// What they take of the pipeline's budget.
    held_bytes: u64,
    retries: u64,
    #[serde(flatten)]
    usage: usage::Now,
}

const COLUMNS: &str = "seconds        spans    delivered  rejected      lost   spooled in flight   MB held  retries  MB RSS  threads  files";

/// Prints a line every so often until the other end of `over` is dropped. When nobody reads any more, the load goes on.
pub(crate) fn print(
    prefactor: &Prefactor,
    made: &AtomicU64,
    every: Duration,
    json: bool,
    over: &Receiver<()>,
) {
    let begun = Instant::now();
    let mut next = every;
    if !json {
        let _ = writeln!(io::stdout(), "{COLUMNS}");
    }
    while over.recv_timeout(next.saturating_sub(begun.elapsed())) == Err(RecvTimeoutError::Timeout) {
        next += every;
        let sample = Sample::take(prefactor, begun.elapsed(), made.load(Ordering::Relaxed));
        let _ = sample.print(json);
    }
}

impl Sample {
    fn take(prefactor: &Prefactor, passed: Duration, spans: u64) -> Self {
        let ledger = prefactor.ledger();
        Self {
            seconds: passed.as_secs_f64(),
            spans,
            accepted: ledger.accepted.operations,
            delivered: ledger.delivered.operations,
            rejected: ledger.rejected_total().operations,
            lost: ledger.lost_total().operations,
            spooled: ledger.spooled.operations,
            in_flight: ledger.in_flight().operations,
            held_bytes: prefactor.memory_in_use(),
            retries: prefactor.traffic().retries,
            usage: usage::Now::look(),
        }
    }

    fn print(&self, json: bool) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut stdout, self)?;
        } else {
            write!(stdout, "{self}")?;
        }
        writeln!(stdout)?;
        stdout.flush()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        write!(
            f,
            "{:>7.0}{:>13}{:>13}{:>10}{:>10}{:>10}{:>10}{:>10.1}{:>9}{:>8.1}{:>9}{:>7}",
            self.seconds,
            self.spans,
            self.delivered,
            self.rejected,
            self.lost,
            self.spooled,
            self.in_flight,
            megabytes(self.held_bytes),
            self.retries,
            megabytes(self.usage.rss_bytes.unwrap_or_default()),
            number(self.usage.threads),
            number(self.usage.open_files),
        )
    }
}
