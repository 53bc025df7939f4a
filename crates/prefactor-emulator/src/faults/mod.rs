//! Faults: what goes wrong on purpose, how often and how many times.

mod config;
mod injector;

pub use config::{
    DropAfter, DropBefore, Faults, FaultsError, HtmlBody, Latency, RetryAfter, ServerError, TooManyRequests,
};
pub use injector::FaultKind;
pub(crate) use injector::{Injector, Interruption};
