//! One run of an agent: its lifecycle, its open spans, and the order in which its operations go on.

mod actor;
mod calls;
mod lifecycle;
mod run;
mod span_answers;
mod span_table;

pub(crate) use actor::{InstanceActor, InstanceMessage};
pub(crate) use calls::Place;
pub(crate) use run::{Entry, Run};
