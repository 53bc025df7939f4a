//! What was written and perhaps not kept by the disk yet: when that is asked to, and who hears of it. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::SyncPolicy;
use crate::observer::Spooled;

#[derive(Debug)]
pub(super) struct Unsynced {
    policy: SyncPolicy,
    since: Option<Instant>,
    /// Spans that are written, to be told of when the disk keeps them.
    untold: Vec<Spooled>,
}

impl Unsynced {
    pub(super) const fn new(policy: SyncPolicy) -> Self {
        Self { policy, since: None, untold: Vec::new() }
    }

    /// Something was written: spans that somebody wants to hear of, or what nobody does.
    pub(super) fn wrote(&mut self, spans: impl IntoIterator<Item = Spooled>, now: Instant) {
        self.untold.extend(spans);
        self.since.get_or_insert(now);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    /// Whether operations are synced as soon as they are written.
    pub(super) fn syncs_batches(&self) -> bool {
        self.policy == SyncPolicy::EveryBatch
    }

    /// How long what was written may still wait; `None` where there is nothing. Where batches are synced, the rest can wait
    /// for a moment in which nobody else does.
    pub(super) fn due_in(&self, now: Instant, is_quiet: bool) -> Option<Duration> {
        let waits = now.saturating_duration_since(self.since?);
        match self.policy {
            SyncPolicy::EveryBatch => is_quiet.then_some(Duration::ZERO),
            SyncPolicy::Every(interval) => Some(interval.saturating_sub(waits)),
        }
    }

    /// The disk has failed: what was written before may be gone.
    pub(super) fn not_kept(&mut self) {
        self.untold.clear();
    }

    /// The disk was asked; gives the spans that it keeps now.
    pub(super) fn synced(&mut self) -> Vec<Spooled> {
        self.since = None;
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::stem;

    const NOBODY: [Spooled; 0] = [];

    #[test]
    fn a_policy_counts_from_the_first_that_waits() {
        let now = Instant::now();
        let interval = Duration::from_millis(100);
        let mut unsynced = Unsynced::new(SyncPolicy::Every(interval));
        assert_eq!(unsynced.due_in(now, true), None);

        unsynced.wrote(NOBODY, now);
        unsynced.wrote(NOBODY, now + interval / 2);

        assert_eq!(unsynced.due_in(now + interval / 4, true), Some(interval / 4 * 3));
        assert_eq!(unsynced.due_in(now + interval * 2, false), Some(Duration::ZERO));
        unsynced.synced();
        assert_eq!(unsynced.due_in(now + interval * 3, true), None);
    }

    #[test]
    fn where_batches_are_synced_the_rest_waits_for_a_quiet_moment() {
        let now = Instant::now();
        let mut unsynced = Unsynced::new(SyncPolicy::EveryBatch);

        unsynced.wrote(NOBODY, now);

        assert_eq!(unsynced.due_in(now, false), None);
        assert_eq!(unsynced.due_in(now, true), Some(Duration::ZERO));
    }

    #[test]
    fn each_span_is_told_of_once() {
        let span = Spooled { span: stem(7), instance: None, finished: true };
        let mut unsynced = Unsynced::new(SyncPolicy::EveryBatch);
        unsynced.wrote([span], Instant::now());

        assert_eq!(unsynced.synced().len(), 1);
        assert!(unsynced.synced().is_empty() && unsynced.is_empty());
    }

    #[test]
    fn nobody_is_told_of_what_a_disk_that_fails_had_taken() {
        let span = Spooled { span: stem(7), instance: None, finished: true };
        let mut unsynced = Unsynced::new(SyncPolicy::Every(Duration::ZERO));
        unsynced.wrote([span], Instant::now());

        unsynced.not_kept();

        assert!(!unsynced.is_empty(), "the disk is to be asked all the same");
        assert!(unsynced.synced().is_empty());
    }
}
