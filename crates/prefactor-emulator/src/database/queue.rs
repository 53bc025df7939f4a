//! The entries on their way to the file. Whoever waits for an answer waits here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::effect::Entry;

#[derive(Debug)]
pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// Tells the writer that there is something to do.
    filled: Condvar,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct Pending {
    entries: Vec<(Entry, Bytes)>,
    /// How many were ever appended.
    appended: u64,
    is_closed: bool,
}

/// How far the writer has got.
#[derive(Debug, Clone, Default)]
struct Progress {
    committed: u64,
    /// Nothing more is written.
    failed: Option<String>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            pending: Mutex::default(),
            filled: Condvar::new(),
            progress: watch::Sender::new(Progress::default()),
        }
    }
}

impl Queue {
    pub(super) fn push(&self, entry: Entry, body: Bytes) {
        let mut pending = self.pending();
        pending.appended += 1;
        // Nobody would take it out again; those who wait for it are told.
        if !pending.is_closed {
            pending.entries.push((entry, body));
            drop(pending);
            self.filled.notify_one();
        }
    }

    /// For the writer: all that waits, as soon as there is any; nothing once the queue is closed and empty.
    pub(super) fn take(&self) -> Vec<(Entry, Bytes)> {
        let mut pending = self.pending();
        while pending.entries.is_empty() && !pending.is_closed {
            pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut pending.entries)
    }

    /// For the writer: so many more are committed.
    pub(super) fn committed(&self, count: usize) {
        self.progress.send_modify(|progress| progress.committed += count as u64);
    }

    /// For the writer: it stops, for this reason.
    pub(super) fn fail(&self, reason: String) {
        self.close();
        self.progress.send_modify(|progress| progress.failed = Some(reason));
    }

    pub(super) fn close(&self) {
        self.pending().is_closed = true;
        self.filled.notify_one();
    }

    pub(super) async fn settled(&self) -> Result<(), String> {
        let appended = self.pending().appended;
        let mut progress = self.progress.subscribe();
        let reached =
            progress.wait_for(|progress| progress.committed >= appended || progress.failed.is_some()).await;
        match reached {
            Ok(progress) if progress.committed >= appended => Ok(()),
            Ok(progress) => Err(progress.failed.clone().unwrap_or_default()),
            Err(_) => Err("it is closed".to_owned()),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
