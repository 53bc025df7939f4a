//! Tells of every operation that is not delivered: to the caller's hook, and in the log at a bounded rate.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use prefactor_pfid::{Pfid, Stem};

use crate::ledger::{LossReason, RejectReason, Tally};
use crate::log::LogLevel;

/// At most one line per reason in this time; what happens meanwhile is counted in the next one.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Why an operation was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UndeliveredReason {
    /// It was refused for good.
    Rejected(RejectReason),
    /// It was given up.
    Lost(LossReason),
}

impl fmt::Display for UndeliveredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(reason) => write!(f, "rejected: {reason}"),
            Self::Lost(reason) => write!(f, "lost: {reason}"),
        }
    }
}

/// Operations of one instance that were not delivered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Undelivered {
    /// Why.
    pub reason: UndeliveredReason,
    /// How many operations, and the bytes they held.
    pub tally: Tally,
    /// The instance, as far as its id is known.
    pub instance: Option<Pfid>,
}

/// Operations of one instance that the API has confirmed as one item.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Delivered {
    /// How many operations (two where a create and its finish were merged), and the bytes they held.
    pub tally: Tally,
    /// The instance.
    pub instance: Option<Pfid>,
    /// The time from the call that finished a span to the API's answer, where a finish is among them.
    pub since_finish: Option<Duration>,
}

/// A call of a span's that the disk keeps by now: it survives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spooled {
    /// The span's id but for the account's partition.
    pub span: Stem,
    /// The instance, as far as its id is known; its partition is also the span's.
    pub instance: Option<Pfid>,
    /// Whether it is the finish of the span, or its creation.
    pub finished: bool,
}

type HookFn<E> = dyn Fn(&E) + Send + Sync;

/// A function of the caller's, called with each `E`.
#[derive(Clone)]
pub(crate) struct Hook<E>(Option<Arc<HookFn<E>>>);

impl<E> Hook<E> {
    pub(crate) fn new(hook: impl Fn(&E) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Calls the hook, if there is one, with what `event` makes.
    fn call(&self, event: impl FnOnce() -> E) {
        if let Some(hook) = &self.0 {
            let event = event();
            // The caller's code: a panic in it must neither reach a handle call nor an actor.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&event)));
        }
    }
}

impl<E> Default for Hook<E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<E> fmt::Debug for Hook<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(hook)" } else { "None" })
    }
}

/// The caller's hooks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) undelivered: Hook<Undelivered>,
    pub(crate) delivered: Hook<Delivered>,
    pub(crate) spooled: Hook<Spooled>,
}

#[derive(Debug)]
pub(crate) struct Observer {
    hooks: Hooks,
    level: LogLevel,
    started: Instant,
    lost: [Quota; LossReason::ALL.len()],
    rejected: [Quota; RejectReason::ALL.len()],
}

impl Observer {
    pub(crate) fn new(hooks: Hooks, level: LogLevel) -> Self {
        Self { hooks, level, started: Instant::now(), lost: Default::default(), rejected: Default::default() }
    }

    pub(crate) fn delivered(&self, event: impl FnOnce() -> Delivered) {
        self.hooks.delivered.call(event);
    }

    pub(crate) const fn tells_spooled(&self) -> bool {
        self.hooks.spooled.0.is_some()
    }

    pub(crate) fn spooled(&self, spooled: Spooled) {
        self.hooks.spooled.call(|| spooled);
    }

    pub(crate) fn undelivered(&self, undelivered: Undelivered) {
        self.hooks.undelivered.call(|| undelivered);
        let quota = match undelivered.reason {
            UndeliveredReason::Lost(reason) => &self.lost[reason as usize],
            UndeliveredReason::Rejected(reason) => &self.rejected[reason as usize],
        };
        if let Some(operations) = quota.take(undelivered.tally.operations, self.started.elapsed()) {
            self.log(undelivered.reason, operations);
        }
    }

    /// Writes the lines that are not due yet, since nothing may come that makes them.
    pub(crate) fn log_the_rest(&self) {
        let lost = LossReason::ALL.iter().copied().map(UndeliveredReason::Lost).zip(&self.lost);
        let rejected = RejectReason::ALL.iter().copied().map(UndeliveredReason::Rejected).zip(&self.rejected);
        for (reason, quota) in lost.chain(rejected) {
            let operations = quota.take_rest();
            if operations > 0 {
                self.log(reason, operations);
            }
        }
    }

    fn log(&self, reason: UndeliveredReason, operations: u64) {
        if self.level >= LogLevel::Error {
            match reason {
                UndeliveredReason::Lost(reason) => {
                    tracing::error!(reason = reason.as_str(), operations, "telemetry lost");
                }
                UndeliveredReason::Rejected(reason) => {
                    tracing::error!(reason = reason.as_str(), operations, "telemetry rejected");
                }
            }
        }
    }
}

/// The log lines of one reason.
#[derive(Debug, Default)]
struct Quota {
    /// When the next line may be written, in milliseconds since the observer's start.
    next_at: AtomicU64,
    untold: AtomicU64,
}

impl Quota {
    /// Adds to what is untold; gives it all back when it is time for a line.
    fn take(&self, operations: u64, elapsed: Duration) -> Option<u64> {
        self.untold.fetch_add(operations, Relaxed);
        let now = elapsed.as_millis() as u64;
        let next_at = self.next_at.load(Relaxed);
        let after = now + LOG_INTERVAL.as_millis() as u64;
        if now < next_at || self.next_at.compare_exchange(next_at, after, Relaxed, Relaxed).is_err() {
            return None;
        }
        Some(self.take_rest())
    }

    fn take_rest(&self) -> u64 {
        self.untold.swap(0, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_interval_tells_what_happened_meanwhile() {
        let quota = Quota::default();

        assert_eq!(quota.take(1, Duration::ZERO), Some(1));
        assert_eq!(quota.take(2, Duration::from_secs(3)), None);
        assert_eq!(quota.take(3, Duration::from_secs(9)), None);
        assert_eq!(quota.take(4, LOG_INTERVAL), Some(9));
        assert_eq!(quota.take(5, LOG_INTERVAL + Duration::from_secs(1)), None);
    }

    #[test]
    fn a_hook_that_panics_harms_nobody() {
        let hooks = Hooks { undelivered: Hook::new(|_| panic!("in a hook")), ..Hooks::default() };
        let observer = Observer::new(hooks, LogLevel::Off);

        observer.undelivered(Undelivered {
            reason: UndeliveredReason::Lost(LossReason::QueueFull),
            tally: Tally::new(1, 1),
            instance: None,
        });
    }
}
