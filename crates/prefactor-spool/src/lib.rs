//! A durable queue of opaque records in a directory: appended in order, acknowledged in any, read back after a crash.
//!
//! The pipeline keeps in it what it has not delivered yet. This crate knows nothing of that: it has no async, no clock (times
//! are arguments) and no thread of its own.
//!
//! The queue is a log of *segments*: files that are only ever appended to, and removed as a whole, the oldest first, once
//! all of their records are acknowledged. Acknowledgements are appended like records. Every frame has a checksum: what a
//! crash has cut short is left out, and what is damaged in another way is set aside and told of, never read again.
//!
//! ```
//! use prefactor_spool::{Limits, Spool};
//!
//! let directory = tempfile::tempdir()?;
//! let limits = Limits { max_bytes: 1 << 20, segment_bytes: 1 << 16 };
//! let (mut spool, _) = Spool::open(directory.path(), limits)?;
//! let first = spool.append(&["a", "b"], 1_700_000_000_000)?;
//! spool.sync()?;
//! spool.acknowledge(first);
//! spool.close()?;
//! drop(spool);
//!
//! let (mut spool, _) = Spool::open(directory.path(), limits)?;
//! let left = spool.read(1 << 16)?;
//! assert_eq!(left.len(), 1);
//! assert_eq!(left[0].body, b"b");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acks;
mod contents;
mod cursor;
mod directory;
mod error;
mod frame;
mod inspect;
mod record;
mod recover;
mod segment;
mod segments;
mod spool;
mod tail;

pub use error::{AppendError, OpenError};
pub use frame::MAX_RECORD;
pub use inspect::{Status, for_each, status};
pub use record::Record;
pub use recover::{Locked, Recovered};
pub use spool::{Limits, Spool};
