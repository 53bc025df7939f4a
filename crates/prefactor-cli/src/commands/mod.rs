//! One module per command.

pub(crate) mod ping;
pub(crate) mod serve;
