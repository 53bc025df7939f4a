//! What users set.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::clock::FOREVER;
use crate::config::defaults;

/// What goes to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpoolMode {
    Overflow,
    WriteAhead,
}

/// A word that is neither `overflow` nor `write-ahead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a spool is either overflow or write-ahead")]
pub struct UnknownSpoolMode;

impl FromStr for SpoolMode {
    type Err = UnknownSpoolMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "overflow" => Ok(Self::Overflow),
            "write-ahead" | "write_ahead" => Ok(Self::WriteAhead),
            _ => Err(UnknownSpoolMode),
        }
    }
}

/// When the disk is asked to keep what was written. A killed process loses none of it either way; a machine that loses
/// its power loses what the disk was not asked to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncPolicy {
    /// After every batch of operations, and before any of them is sent. All that is written at one moment is one batch.
    EveryBatch,
    /// At most so long after it was written. It may be sent before.
    Every(Duration),
}

/// A durable buffer in a directory: survives the process, and outages that are longer than memory is large.
///
/// ```no_run
/// use prefactor_pipeline::{Prefactor, Spool};
/// use std::time::Duration;
///
/// let prefactor = Prefactor::builder()
///     .api_token("a-token".parse()?)
///     .spool(Spool::write_ahead("/var/lib/my-service/prefactor").max_age(Duration::from_secs(86_400)))
///     .build()?;
/// # drop(prefactor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What an earlier process has left in the directory is delivered first, under the same ids and idempotency keys. A
/// directory serves one pipeline at a time. It holds what was recorded, payloads included, in files that only their owner
/// can read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "hand it to `Builder::spool`"]
pub struct Spool {
    pub(crate) directory: PathBuf,
    pub(crate) mode: SpoolMode,
    pub(crate) max_bytes: u64,
    pub(crate) sync: SyncPolicy,
    pub(crate) max_age: Duration,
}

impl Spool {
    pub(crate) fn new(directory: PathBuf, mode: SpoolMode) -> Self {
        Self {
            directory,
            mode,
            max_bytes: defaults::SPOOL_MAX_BYTES,
            sync: SyncPolicy::EveryBatch,
            max_age: defaults::SPOOL_MAX_AGE,
        }
    }

    /// Writes what does not fit into half of the memory budget, and what a shutdown could not deliver. A killed process
    /// loses what it had in memory.
    pub fn overflow(directory: impl AsRef<Path>) -> Self {
        Self::new(directory.as_ref().to_owned(), SpoolMode::Overflow)
    }

    /// Writes everything before it is sent. A killed process loses only what its calls had queued in the last moments and
    /// the disk had not yet taken.
    pub fn write_ahead(directory: impl AsRef<Path>) -> Self {
        Self::new(directory.as_ref().to_owned(), SpoolMode::WriteAhead)
    }

    /// Bytes that the files may take. When they do, operations stay in memory as they would without a spool. Default:
    /// [`defaults::SPOOL_MAX_BYTES`].
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// When the disk is asked to keep what was written. Default: [`SyncPolicy::EveryBatch`].
    pub fn sync(mut self, policy: SyncPolicy) -> Self {
        self.sync = policy;
        self
    }

    /// How long an operation may wait on disk. What is older when it is read is lost, and counted as
    /// [`LossReason::Expired`](crate::LossReason::Expired). Default: [`defaults::SPOOL_MAX_AGE`].
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age.min(FOREVER);
        self
    }
}
