//! Faults: what goes wrong on purpose, how often and how many times.

mod config;
mod distribution;
mod error;
mod injector;
mod kinds;
mod rate;
mod runs;

pub use config::Faults;
pub use distribution::Distribution;
pub use error::FaultsError;
pub use injector::FaultKind;
pub(crate) use injector::{Injector, Interruption, Refusal};
pub use kinds::{DropAfter, DropBefore, HtmlBody, Latency, RetryAfter, ServerError, TooManyRequests};
pub use rate::RateLimit;
pub use runs::{IgnoredIds, TerminateRun};
