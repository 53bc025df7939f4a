//! Waiting until what was accepted before a flush is settled.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{Instant, timeout_at};

use super::Pipeline;
use crate::account::{Account, Mark};
use crate::batcher::BatcherInbox;
use crate::spool::Stage;

/// Waits until everything that these instances have accepted so far has its fate, but not beyond the deadline; tells
/// whether it has. While it waits nothing lingers, for no instance.
pub(super) async fn flush(
    pipeline: &Arc<Pipeline>,
    batcher: &BatcherInbox,
    accounts: Vec<Arc<Account>>,
    deadline: Instant,
) -> bool {
    let _flushing = Flushing::begin(pipeline, batcher);
    timeout_at(deadline, settled(pipeline, accounts)).await.is_ok()
}

/// Waits until all that an earlier process has left on disk is in the hands of this one, but not beyond the deadline.
pub(super) async fn resumed(pipeline: &Arc<Pipeline>, batcher: &BatcherInbox, deadline: Instant) {
    let _flushing = Flushing::begin(pipeline, batcher);
    let resumed = async {
        loop {
            let progress = pipeline.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            if !pipeline.spool().is_some_and(Stage::is_resuming) {
                return;
            }
            progress.await;
        }
    };
    let _ = timeout_at(deadline, resumed).await;
}

async fn settled(pipeline: &Pipeline, accounts: Vec<Arc<Account>>) {
    let mut beginning: Vec<(Arc<Account>, Mark)> =
        accounts.into_iter().map(|account| (Arc::clone(&account), account.mark())).collect();
    let mut waiting = Vec::with_capacity(beginning.len());
    loop {
        let progress = pipeline.progress.notified();
        tokio::pin!(progress);
        // Before looking: what is settled after the look must not be missed.
        progress.as_mut().enable();
        waiting.extend(beginning.extract_if(.., |(account, mark)| account.seal(*mark)));
        // One that is not drained is reason enough to wait: there may be thousands, and they are looked at when it is.
        while waiting.pop_if(|(account, mark)| account.is_drained(*mark)).is_some() {}
        if beginning.is_empty() && waiting.is_empty() {
            return;
        }
        progress.await;
    }
}

/// While it lives, the batcher cuts batches as soon as it can.
struct Flushing<'a>(&'a Pipeline);

impl<'a> Flushing<'a> {
    fn begin(pipeline: &'a Pipeline, batcher: &BatcherInbox) -> Self {
        pipeline.flushes.fetch_add(1, Ordering::SeqCst);
        pipeline.intake().wake_now();
        batcher.wake_now();
        Self(pipeline)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.flushes.fetch_sub(1, Ordering::SeqCst);
    }
}
