//! The emulator as a client meets it: real HTTP, one emulator per test.

mod agents;
mod bulk;
mod database;
mod faults;
mod idempotency;
mod instances;
mod limits;
mod lists;
mod refusals;
mod running;
mod spans;
mod support;
mod termination;
