//! `--synced-log`: the id of each span, as soon as the disk keeps all of it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use prefactor::Spooled;
use prefactor::pfid::{Partition, Stem};

/// A line per span, each written at once: what stands there is there also after `kill -9`.
#[derive(Debug)]
pub(crate) struct SyncedLog(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    partition: Option<Partition>,
    /// Spans whose ids are not complete before the account's partition is known.
    waiting: Vec<Stem>,
    failed: Option<io::Error>,
}

impl SyncedLog {
    pub(crate) fn create(file: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create(true).open(file)?;
        Ok(Self(Mutex::new(State { file, partition: None, waiting: Vec::new(), failed: None })))
    }

    /// A span counts when its finish is on disk too.
    pub(crate) fn spooled(&self, spooled: &Spooled) {
        if let Some(instance) = spooled.instance {
            self.learn(instance.partition());
        }
        if spooled.finished {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.push(spooled.span);
            state.write();
        }
    }

    pub(crate) fn learn(&self, partition: Partition) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.partition.replace(partition).is_none() {
            state.write();
        }
    }

    /// Why not all ids were written, if so.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed.take()
    }
}

impl State {
    fn write(&mut self) {
        let Some(partition) = self.partition else { return };
        for span in self.waiting.drain(..) {
            if self.failed.is_none() {
                self.failed =
                    self.file.write_all(format!("{}\n", span.with_partition(partition)).as_bytes()).err();
            }
        }
    }
}
