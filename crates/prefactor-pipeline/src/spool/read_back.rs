//! What waits on disk comes back, in its order, as far as there is room.

use std::sync::Arc;

use prefactor_spool::Record;

use super::record;
use super::stage::Stage;
use super::writer::Writer;
use crate::clock::Timestamp;
use crate::ledger::{Fate, LossReason};
use crate::log::LogLevel;
use crate::operation::Operation;

impl Writer {
    /// Reads back what there is room for, and what is too old in any case.
    pub(super) fn read_back(&mut self) {
        let pipeline = Arc::clone(&self.pipeline);
        let Some(stage) = pipeline.spool() else { return };
        while self.journal.unread() > 0 {
            let too_old = Timestamp::now().as_millis().saturating_sub(self.config.max_age.as_millis() as u64);
            if !stage.has_ample_room(pipeline.admission(), self.unwritten.bytes())
                && self.journal.next_at().is_none_or(|at| at >= too_old)
            {
                return;
            }
            let before = self.journal.unread();
            let Ok(records) = self.journal.read(stage.helping()) else { return };
            self.is_active();
            let unreadable = before - self.journal.unread() - records.len() as u64;
            let operations: Vec<_> =
                records.into_iter().filter_map(|record| self.operation(stage, record, too_old)).collect();
            stage.came_back(unreadable);
            if !operations.is_empty() {
                self.pipeline.give_back(operations);
            }
        }
        self.runs.all_read();
        if stage.is_resuming() {
            stage.resumed();
            pipeline.progressed();
        }
    }

    /// The operation of a record; where there is none, or none to be sent, its fate is settled.
    fn operation(&mut self, stage: &Stage, record: Record, too_old: u64) -> Option<Operation> {
        let Record { sequence, at, body } = record;
        let is_own = self.own_from.is_some_and(|first| sequence >= first);
        let operation = record::decode(&body).and_then(|decoded| {
            if is_own { self.runs.pick_up(decoded, sequence) } else { self.runs.revive(decoded, sequence) }
        });
        let Some(operation) = operation else {
            if self.pipeline.logs(LogLevel::Error) {
                tracing::error!(sequence, "a record of the spool can't be made sense of");
            }
            self.journal.acknowledge(sequence);
            stage.came_back(1);
            return None;
        };
        if at < too_old {
            stage.came_back(1);
            operation.settle(Fate::Lost(LossReason::Expired));
            return None;
        }
        Some(operation)
    }
}
