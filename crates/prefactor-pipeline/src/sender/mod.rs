//! From batches to requests: sends them, reads what became of each operation, and tries again what may pass.

mod actor;
mod allowance;
mod answer;
mod attempt;
mod gate;
mod lanes;
mod message;
mod outcome;
mod transport;

pub(crate) use actor::SenderActor;
pub(crate) use attempt::Attempts;
pub(crate) use lanes::Lanes;
pub(crate) use message::{Question, SenderInbox, SenderInput, SenderMessage};
pub use outcome::{ItemOutcome, Outcome, Signal, judge};
pub(crate) use transport::HttpTransport;
pub use transport::{BoxFuture, Transport};
