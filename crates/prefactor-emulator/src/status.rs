//! The states of instances, spans and agents, as the API spells them.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! status {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The text the API uses.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

status! {
    /// Where an agent instance (one run of an agent) stands.
    InstanceStatus {
        /// Registered, not started.
        Pending => "pending",
        /// Started.
        Active => "active",
        /// Ended well.
        Complete => "complete",
        /// Ended in an error.
        Failed => "failed",
        /// Called off.
        Cancelled => "cancelled",
        /// Ended by an operator.
        Terminated => "terminated",
    }
}

status! {
    /// Where a span (one step of a run) stands.
    SpanStatus {
        /// Announced, not started.
        Pending => "pending",
        /// Started.
        Active => "active",
        /// Ended well.
        Complete => "complete",
        /// Ended in an error.
        Failed => "failed",
        /// Called off.
        Cancelled => "cancelled",
    }
}

status! {
    /// Where an agent stands.
    AgentStatus {
        /// Created, never run.
        Pending => "pending",
        /// Has run.
        Active => "active",
        /// Has not run for long. The emulator never gets there by itself.
        Dormant => "dormant",
        /// Taken out of service.
        Retired => "retired",
    }
}

impl InstanceStatus {
    /// True once nothing more is expected of the run.
    pub const fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Active)
    }
}

impl SpanStatus {
    /// True once the span has its final status.
    pub const fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Active)
    }
}

/// What a finish call may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FinishStatus {
    /// The default of both finish calls.
    #[default]
    Complete,
    Failed,
    Cancelled,
}

impl FinishStatus {
    pub(crate) const ALL: &'static [&'static str] = &["complete", "failed", "cancelled"];
}
