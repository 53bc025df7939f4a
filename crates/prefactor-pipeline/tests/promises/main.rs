//! The promises of the pipeline, kept against an API in memory and under tokio's paused time.

mod backpressure;
mod delivery;
mod end;
mod items;
mod limits;
mod logging;
mod rate_limit;
mod registration;
mod retries;
mod shutdown;
mod supervision;
mod support;
mod termination;
mod token;
