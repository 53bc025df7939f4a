//! The line that tells how it goes, on a terminal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use prefactor::Prefactor;

const EVERY: Duration = Duration::from_millis(200);

/// Shows the progress until the other end of `over` is dropped. On a standard error that is no terminal nothing shows.
pub(crate) fn watch(prefactor: &Prefactor, spans: Option<u64>, made: &AtomicU64, over: &Receiver<()>) {
    let bar = spans.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = if spans.is_some() { "{bar:30} {pos}/{len} {msg}" } else { "{spinner} {pos} {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let (mut before, mut at) = (0, Instant::now());
    while over.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let (now, ledger) = (made.load(Ordering::Relaxed), prefactor.ledger());
        let per_second = (now - before) as f64 / at.elapsed().as_secs_f64();
        (before, at) = (now, Instant::now());
        bar.set_position(now);
        bar.set_message(format!(
            "{per_second:.0} spans/s, {} operations on their way in {} bytes, {} retries, {} lost",
            ledger.in_flight().operations,
            prefactor.memory_in_use(),
            prefactor.traffic().retries,
            ledger.lost_total().operations
        ));
    }
    bar.finish_and_clear();
}
