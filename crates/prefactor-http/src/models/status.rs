//! Words of the API. On reading, a word that is not known yet is kept rather than refused.

use serde::{Deserialize, Serialize};

macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The API's word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $( $text => Self::$variant, )*
                    _ => Self::Other(text),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// Where a run is in its life: `pending` → `active` → `complete` or `failed` (API contract, Instances).
    pub enum InstanceStatus {
        /// Registered, not started.
        Pending = "pending",
        /// Started.
        Active = "active",
        /// Finished well.
        Complete = "complete",
        /// Finished with a failure.
        Failed = "failed",
        /// Given up.
        Cancelled = "cancelled",
        /// Ended by an operator.
        Terminated = "terminated",
    }
}

open_enum! {
    /// Where a span is in its life (API contract, Spans).
    pub enum SpanStatus {
        /// Created, not started.
        Pending = "pending",
        /// Started.
        Active = "active",
        /// Finished well.
        Complete = "complete",
        /// Finished with a failure.
        Failed = "failed",
        /// Given up.
        Cancelled = "cancelled",
    }
}

open_enum! {
    /// What becomes of an agent over time (API contract, Agents).
    pub enum AgentStatus {
        /// Never run yet.
        Pending = "pending",
        /// In use.
        Active = "active",
        /// Not run for a while.
        Dormant = "dormant",
        /// Taken out of service.
        Retired = "retired",
    }
}

open_enum! {
    /// What a run is for (API contract, Instances).
    pub enum Purpose {
        /// Real work.
        Live = "live",
        /// A check that everything is connected.
        SmokeTest = "smoke_test",
        /// An evaluation.
        Eval = "eval",
    }
}

/// How a run or a span ends. Closed, because it is only ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishStatus {
    /// Well.
    Complete,
    /// With a failure.
    Failed,
    /// Given up. The reference wants this for what is still pending, the existing clients send it for what is active, too.
    Cancelled,
}

impl FinishStatus {
    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_are_read_and_written() {
        for word in ["pending", "active", "complete", "failed", "cancelled", "terminated"] {
            let status = InstanceStatus::from(word.to_owned());

            assert!(!matches!(status, InstanceStatus::Other(_)), "{word}");
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
    }

    #[test]
    fn an_unknown_word_is_kept() {
        let status: SpanStatus = serde_json::from_str("\"paused\"").unwrap();

        assert_eq!(status, SpanStatus::Other("paused".into()));
        assert_eq!(serde_json::to_string(&status).unwrap(), "\"paused\"");
    }
}
