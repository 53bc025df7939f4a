//! HTTP to actions and back. No rule of the API is decided here.

pub(crate) mod agents;
pub(crate) mod bulk;
pub(crate) mod control;
pub(crate) mod instances;
pub(crate) mod response;
pub(crate) mod spans;
