//! From operations to batches: what waits to be sent, merged where it can be, and cut when it is due.

mod actor;
mod backlog;
mod batch;
mod demand;
mod doubt;
mod message;
mod pace;
mod run_queue;

pub(crate) use actor::{BatcherActor, BatcherWork};
pub(crate) use backlog::{Backlog, Limits};
pub(crate) use batch::{Batch, Lease};
pub(crate) use demand::Demand;
pub(crate) use doubt::Doubt;
pub(crate) use message::{BatcherInbox, BatcherInput, BatcherMessage, Completed, LimitLesson, Trouble};
pub(crate) use pace::Pace;
