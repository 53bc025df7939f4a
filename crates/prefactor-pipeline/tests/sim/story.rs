//! What a run of the simulator has in common: the calls, the server, the accounts, and a trace of all that happened.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::accounts::Accounts;
use crate::calls::Calls;
use crate::server::Server;
use crate::transport::Way;

#[derive(Clone)]
pub(crate) struct Story(Arc<Mutex<Told>>);

pub(crate) struct Told {
    start: Instant,
    /// Without a runtime there is no paused time any more.
    stopped: Option<Instant>,
    pub(crate) trace: Vec<String>,
    /// When the clock was after it last jumped.
    pub(crate) jumped: Option<Instant>,
    /// The first broken promise.
    pub(crate) violation: Option<String>,
    pub(crate) calls: Calls,
    pub(crate) server: Server,
    pub(crate) way: Way,
    pub(crate) accounts: Accounts,
}

impl Story {
    pub(crate) fn new(server: Server, way: Way) -> Self {
        Self(Arc::new(Mutex::new(Told {
            start: Instant::now(),
            stopped: None,
            trace: Vec::new(),
            jumped: None,
            violation: None,
            calls: Calls::default(),
            server,
            way,
            accounts: Accounts::default(),
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, what: impl AsRef<str>) {
        self.lock().note(what);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.lock().violation.is_some()
    }

    pub(crate) fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.lock().violate(what());
        }
    }
}

impl Told {
    pub(crate) fn note(&mut self, what: impl AsRef<str>) {
        let now = self.stopped.unwrap_or_else(Instant::now);
        let at = now.duration_since(self.start).as_secs_f64();
        self.trace.push(format!("{at:>10.3} {}", what.as_ref()));
    }

    pub(crate) fn stop_the_clock(&mut self) {
        self.stopped = Some(Instant::now());
    }

    pub(crate) fn violate(&mut self, what: String) {
        self.note(format!("BROKEN: {what}"));
        self.violation.get_or_insert(what);
    }
}
