//! What goes over the wire.

mod bulk;
mod control;

pub use bulk::{BulkItem, BulkOutput, BulkRequest, BulkRequestError, BulkResponse, OutputStatus};
pub use control::Control;
