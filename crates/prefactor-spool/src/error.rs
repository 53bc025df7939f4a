//! What can go wrong.

use std::io;
use std::path::PathBuf;

/// Why a spool can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another pipeline of this one, has it open.
    #[error("the spool in {} is used by another process: give each one a directory of its own", directory.display())]
    InUse {
        /// The directory of the spool.
        directory: PathBuf,
    },
    /// The directory or a file in it can't be used.
    #[error("the spool in {} can't be used", directory.display())]
    Io {
        /// The directory of the spool.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why records were not appended. None of them was, and the spool is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// They would take more than the configured bytes.
    #[error("the spool is full")]
    Full,
    /// A single record is larger than [`MAX_RECORD`](crate::MAX_RECORD).
    #[error("a record is too large for the spool")]
    TooLarge,
    /// The disk does not take them.
    #[error("the disk does not take what is spooled")]
    Io(#[from] io::Error),
}
