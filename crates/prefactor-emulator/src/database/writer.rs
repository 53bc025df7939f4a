//! The thread that writes. It alone touches the file after it was read.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tracing::error;

use super::error::DatabaseError;
use super::file::File;
use super::queue::Queue;

pub(super) fn start(file: File, queue: Arc<Queue>) -> Result<JoinHandle<()>, DatabaseError> {
    thread::Builder::new()
        .name("emulator-database".to_owned())
        .spawn(move || write(file, &Leave(queue)))
        .map_err(DatabaseError::Open)
}

/// What waits at the same time is one transaction: while it is committed, the next one gathers.
fn write(mut file: File, queue: &Leave) {
    loop {
        let entries = queue.0.take();
        if entries.is_empty() {
            return;
        }
        if let Err(reason) = file.append(&entries) {
            error!(%reason, "the emulator's database can't be written");
            queue.0.fail(reason.to_string());
            return;
        }
        queue.0.committed(entries.len());
    }
}

/// Tells those who wait when the writer has gone, however it went.
struct Leave(Arc<Queue>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.fail("it is closed".to_owned());
    }
}
