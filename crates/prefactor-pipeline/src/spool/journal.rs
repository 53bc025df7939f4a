//! The log as the writer sees it: operations in place of bytes, and a disk that fails is told of once.

use std::error::Error;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use prefactor_pfid::{Pfid, Stem};
use prefactor_spool::{AppendError, Record, Spool as Log};
use tokio::time::Instant;

use super::unsynced::Unsynced;
use super::{SyncPolicy, record};
use crate::clock::Timestamp;
use crate::log::LogLevel;
use crate::observer::Spooled;
use crate::operation::{Action, CreateSpan, Operation, SpanEnd};
use crate::pipeline::Pipeline;

/// The disk did not take something, or not give it. It was told of already.
#[derive(Debug)]
pub(super) struct Failed;

#[derive(Debug)]
pub(super) struct Journal {
    pipeline: Arc<Pipeline>,
    log: Log,
    unsynced: Unsynced,
    failing: bool,
}

impl Journal {
    pub(super) const fn new(pipeline: Arc<Pipeline>, log: Log, policy: SyncPolicy) -> Self {
        Self { pipeline, log, unsynced: Unsynced::new(policy), failing: false }
    }

    /// Bytes of the files.
    pub(super) fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// Operations that are not known to be delivered.
    pub(super) fn pending(&self) -> u64 {
        self.log.pending()
    }

    /// Those among them that are on disk alone.
    pub(super) const fn unread(&self) -> u64 {
        self.log.unread()
    }

    /// Appends operations, all or none of them, and gives the number of the first record.
    pub(super) fn append(&mut self, operations: &[Operation]) -> Result<u64, Failed> {
        self.append_records(operations, &records(operations))
    }

    /// Appends as many as there is room for, from the first on, and tells how many.
    pub(super) fn append_what_fits(&mut self, operations: &[Operation]) -> usize {
        let records = records(operations);
        let fit = self.log.room_for(&records);
        match self.append_records(&operations[..fit], &records[..fit]) {
            Ok(_) => fit,
            Err(Failed) => 0,
        }
    }

    /// The same, before all others; the disk keeps them then.
    pub(super) fn prepend_what_fits(&mut self, operations: &[Operation]) -> usize {
        let records = records(operations);
        let fit = self.log.room_for(&records);
        if fit == 0 {
            return 0;
        }
        let prepended = self.log.prepend(&records[..fit], now_in_millis());
        self.told_of(prepended).map_or(0, |()| fit)
    }

    fn append_records(&mut self, operations: &[Operation], records: &[Vec<u8>]) -> Result<u64, Failed> {
        let appended = self.log.append(records, now_in_millis());
        let first = self.told_of(appended)?;
        if mem::take(&mut self.failing) && self.pipeline.logs(LogLevel::Info) {
            tracing::info!("the spool takes telemetry again");
        }
        let tells = self.pipeline.tells_spooled();
        self.unsynced.wrote(operations.iter().filter(|_| tells).flat_map(spooled), Instant::now());
        if self.unsynced.syncs_batches() {
            self.sync();
        }
        Ok(first)
    }

    /// Writes down under which id the API has made a run or a span, unless there is no record that could need it.
    pub(super) fn note_id(&mut self, thing: Stem, id: Pfid) {
        if self.log.pending() == 0 {
            return;
        }
        let noted = self.log.note(&record::encode_id(thing, id), now_in_millis());
        if self.told_of(noted).is_ok() {
            self.unsynced.wrote([], Instant::now());
        }
    }

    /// Lets go of a record.
    pub(super) fn acknowledge(&mut self, sequence: u64) {
        self.log.acknowledge(sequence);
        self.unsynced.wrote([], Instant::now());
    }

    /// Reads the next records, about `most` bytes of them.
    pub(super) fn read(&mut self, most: usize) -> Result<Vec<Record>, Failed> {
        let read = self.log.read(most);
        self.told_of(read)
    }

    /// When the next record that is on disk alone was written.
    pub(super) fn next_at(&mut self) -> Option<u64> {
        self.log.next_at()
    }

    /// What was just written is in memory as well.
    pub(super) fn skip_unread(&mut self) {
        self.log.skip_unread();
    }

    /// How long what was written may wait until it is synced.
    pub(super) fn sync_due_in(&self, is_quiet: bool) -> Option<Duration> {
        self.unsynced.due_in(Instant::now(), is_quiet)
    }

    pub(super) const fn is_synced(&self) -> bool {
        self.unsynced.is_empty()
    }

    /// Has the disk keep what was written, and tells who wants to hear of it.
    pub(super) fn sync(&mut self) {
        let synced = self.log.sync();
        let _ = self.told_of(synced);
        for spooled in self.unsynced.synced() {
            self.pipeline.spooled(spooled);
        }
    }

    /// Leaves no file behind where nothing is pending.
    pub(super) fn close(&mut self) {
        let closed = self.log.close();
        let _ = self.told_of(closed);
    }

    /// Says once that the disk does not do its part. What was written before is perhaps not kept, and nobody is told that it is.
    fn told_of<T>(&mut self, result: Result<T, impl Into<AppendError>>) -> Result<T, Failed> {
        result.map_err(|error| {
            let error = error.into();
            if matches!(error, AppendError::Io(_)) {
                self.unsynced.not_kept();
            }
            if !mem::replace(&mut self.failing, true) && self.pipeline.logs(LogLevel::Warn) {
                let cause = error.source().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(%error, cause, "the spool does not take telemetry; it stays in memory as far as there is room");
            }
            Failed
        })
    }
}

fn records(operations: &[Operation]) -> Vec<Vec<u8>> {
    operations.iter().map(record::encode).collect()
}

fn now_in_millis() -> u64 {
    Timestamp::now().as_millis()
}

/// What is told of an operation on disk: each call of a span's that is in it.
fn spooled(operation: &Operation) -> impl Iterator<Item = Spooled> {
    let (created, finished) = match &operation.action {
        Action::CreateSpan(CreateSpan { id, end: SpanEnd::Finished(_), .. }) => (Some(*id), Some(*id)),
        Action::CreateSpan(create) => (Some(create.id), None),
        Action::FinishSpan { id, .. } => (None, Some(*id)),
        _ => (None, None),
    };
    let instance = operation.run().id();
    let tell = move |finished| move |span| Spooled { span, instance, finished };
    created.map(tell(false)).into_iter().chain(finished.map(tell(true)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, create, finish, operation, stem};

    #[test]
    fn both_calls_of_a_span_that_became_one_operation_are_told_of() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let mut whole = create(2, None);
        if let (Action::CreateSpan(create), Action::FinishSpan { finish, .. }) = (&mut whole, finish(2)) {
            create.end = SpanEnd::Finished(finish);
        }
        let told = |action| {
            spooled(&operation(&run, action)).map(|told| (told.span, told.finished)).collect::<Vec<_>>()
        };

        assert_eq!(told(whole), [(stem(2), false), (stem(2), true)]);
        assert_eq!(told(create(3, None)), [(stem(3), false)]);
        assert_eq!(told(finish(3)), [(stem(3), true)]);
        assert_eq!(told(fixture::start()), []);
    }
}
