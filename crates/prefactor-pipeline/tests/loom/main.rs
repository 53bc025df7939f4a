//! What threads share without a lock, under every order in which they may see each other's steps: the unit tests of these
//! source files, compiled once more on top of loom's atomics.

#![expect(dead_code, reason = "the pipeline uses what these tests do not")]

#[path = "../../src/account.rs"]
mod account;
#[path = "../../src/admission.rs"]
mod admission;
#[path = "../../src/ledger.rs"]
pub mod ledger;
#[path = "../../src/wake_flag.rs"]
mod wake_flag;

/// In the place of the pipeline's own.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
    pub(crate) use loom::thread;

    /// How often a thread may be interrupted where it need not be. Nearly all faults show with two; without a bound the
    /// larger tests would take minutes.
    const INTERRUPTIONS: usize = 2;

    pub(crate) fn model(test: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(INTERRUPTIONS);
        builder.check(test);
    }
}
