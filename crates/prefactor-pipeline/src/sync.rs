//! The atomics of what threads share without a lock. One place, so that `tests/loom` can put a model checker's in their
//! stead: the same source files run there under every order in which threads may see each other's steps.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

#[cfg(test)]
pub(crate) use std::thread;

/// Runs a test once; `tests/loom` runs it for all orders.
#[cfg(test)]
pub(crate) fn model(test: impl Fn() + Send + Sync + 'static) {
    test();
}
