//! The telemetry pipeline: handles that return at once, and actors that deliver behind their back.
//!
//! Users depend on the crate `prefactor`, which re-exports this one; its documentation is the guide.

mod account;
mod admission;
mod batcher;
mod clock;
pub mod config;
#[cfg(test)]
mod fixture;
mod guard;
mod handle;
mod inbox;
mod instance;
mod intake;
mod ledger;
mod log;
mod observer;
mod operation;
mod payload;
mod pipeline;
mod plain_text;
mod prefactor;
mod process_mark;
mod random_key;
mod registry;
mod schemas;
mod segments;
mod sender;
pub mod spool;
mod sync;
mod termination;
pub mod testing;
mod wake_flag;
mod watch;
mod wire;
#[cfg(any(test, not(target_arch = "x86_64")))]
mod words;
#[doc(hidden)]
pub mod workbench;

pub use config::{BuildError, Builder, InvalidSampleRate, SampleRate};
pub use guard::ShutdownGuard;
pub use handle::{AgentVersion, InSpan, Instance, InstanceBuilder, Span, SpanContext, WithSpan};
pub use ledger::{Ledger, LossReason, RejectReason, Tally};
pub use log::{LogLevel, UnknownLogLevel};
pub use observer::{Delivered, Spooled, Undelivered, UndeliveredReason};
pub use payload::{Redactable, Redactor, Sensitive, SensitiveKind};
pub use pipeline::{Health, Traffic};
pub use prefactor::{Prefactor, Report};
pub use schemas::{SchemaError, Schemas};
pub use sender::{BoxFuture, Transport};
pub use spool::{Spool, SyncPolicy};
pub use termination::Termination;
