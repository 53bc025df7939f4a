//! Why a database can't be used.

use std::error::Error;
use std::io;

use thiserror::Error;

/// Why an emulator's database was not opened. Nothing was changed in the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file can't be read and written, or can't be made.
    #[error("it can't be opened to read and write; name a file in a folder of yours")]
    Open(#[source] io::Error),
    /// The file can be opened, but not written, or not the files that stand beside it while it is in use.
    #[error("it, or its folder, can't be written; name a file in a folder of yours")]
    ReadOnly(#[source] Box<dyn Error + Send + Sync>),
    /// The file is something else.
    #[error("it is not a database of this emulator; name another file, or one that does not exist yet")]
    Foreign,
    /// The file was made by a version of the emulator that has another format.
    #[error(
        "it has format {found}, this version reads format {known}; open it with the version that made it"
    )]
    OtherFormat {
        /// The format of the file.
        found: u32,
        /// The format of this version.
        known: u32,
    },
    /// Another process has the file open.
    #[error("another process uses it; stop that one, or name another file")]
    InUse,
    /// The file has changed since it was written, or was cut.
    #[error("it is damaged: {what}; restore it from a copy, or name a file that does not exist yet")]
    Damaged {
        /// What does not fit.
        what: String,
    },
    /// The file can't be used for another reason.
    #[error("the database does not work")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl DatabaseError {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase, PermissionDenied,
            ReadOnly,
        };
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::InUse,
            Some(DatabaseCorrupt | NotADatabase) => Self::damaged(error.to_string()),
            Some(CannotOpen | PermissionDenied | ReadOnly) => Self::ReadOnly(Box::new(error)),
            _ => Self::Failed(Box::new(error)),
        }
    }
}
