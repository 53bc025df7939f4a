//! How many runs of an agent stand where.

use crate::status::InstanceStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InstanceCounts {
    pub(crate) pending: u64,
    pub(crate) active: u64,
    pub(crate) complete: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) terminated: u64,
}

impl InstanceCounts {
    pub(super) fn count(&mut self, status: InstanceStatus) {
        *match status {
            InstanceStatus::Pending => &mut self.pending,
            InstanceStatus::Active => &mut self.active,
            InstanceStatus::Complete => &mut self.complete,
            InstanceStatus::Failed => &mut self.failed,
            InstanceStatus::Cancelled => &mut self.cancelled,
            InstanceStatus::Terminated => &mut self.terminated,
        } += 1;
    }

    pub(crate) const fn total(&self) -> u64 {
        self.pending + self.active + self.finished()
    }

    /// The runs that have ended one way or another.
    pub(crate) const fn finished(&self) -> u64 {
        self.complete + self.failed + self.cancelled + self.terminated
    }
}
