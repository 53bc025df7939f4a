//! Faults that strike requests one by one, with a probability, so many times, on some paths.

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;

/// Whether a fault strikes: the part all faults share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trigger<'a> {
    pub(super) probability: f64,
    pub(super) times: Option<u64>,
    pub(super) path: Option<&'a str>,
}

// serde can't flatten a shared part and refuse unknown names at once, so each fault has the three fields itself.
macro_rules! fault {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(pub(super) $field: $kind,)*
            pub(super) probability: f64,
            times: Option<u64>,
            path: Option<String>,
        }

        impl $name {
            /// Strikes every time.
            pub fn new() -> Self {
                Self::default()
            }

            /// Strikes with this probability; a number out of 0 to 1 counts as the nearer end, one that is none as 0.
            #[must_use]
            pub fn probability(mut self, probability: f64) -> Self {
                self.probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
                self
            }

            /// Strikes so many times and never again.
            #[must_use]
            pub fn times(mut self, times: u64) -> Self {
                self.times = Some(times);
                self
            }

            /// Strikes only requests whose path contains `text`.
            #[must_use]
            pub fn path(mut self, text: impl Into<String>) -> Self {
                self.path = Some(text.into());
                self
            }

            $($(#[$field_doc])*
            #[must_use]
            pub fn $field(mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            })*

            pub(super) fn trigger(&self) -> Trigger<'_> {
                Trigger { probability: self.probability, times: self.times, path: self.path.as_deref() }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* probability: 1.0, times: None, path: None }
            }
        }
    };
}

fault! {
    /// Answers 429 without doing anything.
    TooManyRequests {
        /// What the answer says about when to come back.
        retry_after: RetryAfter = RetryAfter::None,
    }
}

fault! {
    /// Answers an error envelope without doing anything.
    ServerError {
        /// The status of the answer; 500 when not set.
        status: u16 = 500,
    }
}

fault! {
    /// Answers an HTML page without doing anything, as proxies do.
    HtmlBody {
        /// The status of the answer; 502 when not set.
        status: u16 = 502,
    }
}

fault! {
    /// Waits before working.
    Latency {
        /// How the waits are spread; evenly from the shortest to the longest when not set.
        distribution: Distribution = Distribution::Uniform,
        /// The shortest wait, in milliseconds.
        min_ms: u64 = 0,
        /// The longest wait, in milliseconds.
        max_ms: u64 = 0,
    }
}

fault! {
    /// Closes the connection without an answer; nothing was done.
    DropBefore {}
}

fault! {
    /// Closes the connection without an answer; the work was done.
    DropAfter {}
}

/// The `Retry-After` header of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// No header.
    #[default]
    None,
    /// So many seconds.
    Seconds(u64),
    /// An HTTP date so many seconds from now.
    HttpDate(u64),
}
