//! One module per command.

pub(crate) mod agents;
pub(crate) mod bulk;
pub(crate) mod completions;
mod end_status;
pub(crate) mod instances;
pub(crate) mod load;
pub(crate) mod pfid;
pub(crate) mod ping;
pub(crate) mod profile;
pub(crate) mod serve;
pub(crate) mod spans;
pub(crate) mod spool;
pub(crate) mod watch;

pub(crate) use end_status::EndStatus;
