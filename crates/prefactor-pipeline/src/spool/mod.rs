//! The durable buffer: what does not fit into memory waits on disk, and what is on disk survives the process.
//!
//! It stands between the intake's queue and its routing, the one place that all operations pass in order. The intake hands
//! operations over (`Stage::take`); the writer, on a thread of its own, appends them to the log (`prefactor_spool`) and
//! gives them back as `IntakeInput::Spooled`: at once, with a claim on their record,
//! as long as there is room in memory and nothing older waits on disk; otherwise later, read back from the log. A record
//! goes when its operation is settled.
//!
//! - `config` is what users set, `stage` what the pipeline knows of its spool, `opened` its thread.
//! - `writer` decides, step by step, with `read_back` and `ending`; `unwritten` is what it has to write, `unsynced` what the
//!   disk was not asked to keep yet, `journal` the log, and `runs` the instances whose operations wait on disk.
//! - `record` is an operation as bytes, `claim` the right to a record.

mod claim;
mod config;
mod ending;
mod export;
mod journal;
mod opened;
mod read_back;
mod record;
mod runs;
mod stage;
mod unsynced;
mod unwritten;
mod writer;

pub use config::{Spool, SyncPolicy, UnknownSpoolMode};
pub use export::export;
pub use prefactor_spool::{OpenError as SpoolError, Status as SpoolStatus, status};
pub use stage::SpoolUse;

pub(crate) use claim::Claim;
pub(crate) use config::SpoolMode;
pub(crate) use opened::{Opened as OpenedSpool, Unstarted as UnstartedSpool};
pub(crate) use stage::{Leftovers, Stage};
