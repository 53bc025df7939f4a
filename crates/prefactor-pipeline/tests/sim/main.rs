//! A seeded simulator: the real actors under tokio's paused time, callers that do anything at all, and a server that goes
//! wrong in every way we know of. What must hold is checked at every step. See `docs/TESTING.md`.

mod accounts;
mod audit;
mod bulk;
mod callers;
mod calls;
mod faults;
mod pace;
mod run;
mod scenario;
mod server;
mod sim;
mod spool;
mod story;
mod transport;
