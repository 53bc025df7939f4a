//! Why a description of faults is refused.

use thiserror::Error;

/// Why a faults document is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FaultsError {
    /// Not JSON, or not of the known names and types.
    #[error("the faults document can't be read")]
    Json(#[source] serde_json::Error),
    /// A probability is a number from 0 to 1.
    #[error("the probability of {fault} must be from 0 to 1, not {found}")]
    Probability {
        /// The fault it was given for.
        fault: &'static str,
        /// What was given.
        found: f64,
    },
    /// A status is an HTTP status of a final answer.
    #[error("the status of {fault} must be from 200 to 599, not {found}")]
    Status {
        /// The fault it was given for.
        fault: &'static str,
        /// What was given.
        found: u16,
    },
    /// A number is out of range.
    #[error("{name} must not be {found}")]
    Number {
        /// Where it stands.
        name: &'static str,
        /// What was given.
        found: f64,
    },
    /// The longest latency is shorter than the shortest.
    #[error("the latency must not end ({max_ms} ms) before it begins ({min_ms} ms)")]
    Latency {
        /// The shortest, in milliseconds.
        min_ms: u64,
        /// The longest, in milliseconds.
        max_ms: u64,
    },
}
