//! A Prefactor API in memory, for tests, demos and development without an account.
//!
//! It answers over real HTTP on a local port, as far as the API's behaviour is known: instances, spans, agents, bulk
//! requests with their stop at the first error, idempotency keys, the signal that a run was terminated. Faults make it
//! fail in the ways real services do, and records tell what arrived. It forgets everything with its process, unless
//! [`EmulatorBuilder::database`] names a file.
//!
//! ```
//! use prefactor_emulator::Emulator;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start().await?;
//! println!("point a client at {} with the token {}", emulator.url(), emulator.token());
//!
//! assert!(emulator.instances().is_empty());
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! It shares no code with the client but the id type: it reads JSON by the contract, so that both can't share a mistake.

mod action;
mod answer;
mod call;
mod database;
mod emulator;
mod error;
mod faults;
mod gate;
mod handlers;
mod journal;
mod params;
mod policy;
mod read;
mod record;
mod router;
mod rules;
mod server;
mod shared;
mod status;
mod store;
mod viewer;
#[doc(hidden)]
pub mod workbench;

pub use database::DatabaseError;
pub use emulator::{
    DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN, Emulator, EmulatorBuilder, StartError, TerminateError,
};
pub use faults::{
    Distribution, DropAfter, DropBefore, FaultKind, Faults, FaultsError, HtmlBody, IgnoredIds, Latency,
    RateLimit, RetryAfter, ServerError, TerminateRun, TooManyRequests,
};
pub use journal::RequestRecord;
pub use record::{AgentRecord, InstanceRecord, SpanRecord, VersionRecord};
pub use status::{AgentStatus, InstanceStatus, SpanStatus};
pub use store::SpanCounts;
