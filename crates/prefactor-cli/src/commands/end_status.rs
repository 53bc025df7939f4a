//! How a run or a span ends, on the command line.

use prefactor_http::{FinishStatus, InstanceStatus};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EndStatus {
    Complete,
    Failed,
    Cancelled,
}

impl EndStatus {
    pub(crate) fn of_instance(self) -> InstanceStatus {
        match self {
            Self::Complete => InstanceStatus::Complete,
            Self::Failed => InstanceStatus::Failed,
            Self::Cancelled => InstanceStatus::Cancelled,
        }
    }
}

impl From<EndStatus> for FinishStatus {
    fn from(status: EndStatus) -> Self {
        match status {
            EndStatus::Complete => Self::Complete,
            EndStatus::Failed => Self::Failed,
            EndStatus::Cancelled => Self::Cancelled,
        }
    }
}
