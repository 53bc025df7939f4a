//! The parameters of every action, as the contract names them. An id of the path and an id of a bulk item are the
//! same field, so that single calls and bulk items run through the same code.

pub(crate) mod agents;
pub(crate) mod bulk;
pub(crate) mod instances;
pub(crate) mod list;
pub(crate) mod spans;
