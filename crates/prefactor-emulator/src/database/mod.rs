//! Keeps what happens in a file, so that it survives the process.
//!
//! The file is a log of requests that changed something, each with the moment and the ids that were drawn for it; to
//! open it is to do them all again. A request is answered only when its entry is committed ([`Database::settled`]), and
//! entries that wait at the same time are committed together.

mod effect;
mod error;
mod file;
mod queue;
mod replay;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use prefactor_pfid::Partition;

pub(crate) use effect::{Effect, Entry};
pub use error::DatabaseError;

use crate::error::ApiError;
use crate::store::{Ids, Store};
use file::File;
use queue::Queue;

/// An open database. Dropping it commits what was appended and closes the file.
#[derive(Debug)]
pub(crate) struct Database {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Database {
    /// Opens the file, or makes it, and brings back the account it holds. A new account gets `partition`.
    pub(crate) fn open(
        path: &Path,
        partition: Partition,
        now: DateTime<Utc>,
    ) -> Result<(Self, Store), DatabaseError> {
        let mut file = File::open(path)?;
        let mut replayed = None;
        file.entries(|entry, body| replay::replay(&mut replayed, entry, body))?;
        let is_new = replayed.is_none();
        let mut store = replayed.unwrap_or_else(|| Store::new(Ids::new(partition).noted(), now));
        let queue = Arc::new(Queue::default());
        let writer = writer::start(file, queue.clone())?;
        let database = Self { queue, writer: Mutex::new(Some(writer)) };
        if is_new {
            let effect = Effect::Began { partition: partition.get() };
            database.append(effect.entry(&mut store), Bytes::new());
        }
        Ok((database, store))
    }

    /// Appends an entry; it is committed soon.
    pub(crate) fn append(&self, entry: Entry, body: Bytes) {
        self.queue.push(entry, body);
    }

    /// Returns when everything that was appended before is committed.
    pub(crate) async fn settled(&self) -> Result<(), ApiError> {
        self.queue.settled().await.map_err(|reason| {
            let message = format!("The emulator's database can't be written: {reason}. Start it again.");
            ApiError::new(500, "internal_server_error", message)
        })
    }

    /// Commits what was appended and closes the file. What is appended later is refused.
    pub(crate) fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A writer that panicked has told those who wait by leaving.
            let _ = writer.join();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.close();
    }
}
