//! Why an emulator does not start, or a run of it is not ended.

use std::io;
use std::path::PathBuf;

use prefactor_pfid::Partition;
use thiserror::Error;

use crate::database::DatabaseError;

/// Why an emulator did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address can't be listened on: it is no address, not this machine's, or taken.
    #[error("can't listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database can't be used.
    #[error("the database {} can't be used", file.display())]
    Database {
        /// The file that was asked for.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DatabaseError,
    },
    /// The account in the database has another partition than the one that was asked for.
    #[error("the account in the database has the partition {found}, not {asked}")]
    OtherPartition {
        /// That of the database.
        found: Partition,
        /// The one that was asked for.
        asked: Partition,
    },
    /// An agent's id does not belong to the account.
    #[error("the agent {id} has another partition than the account")]
    ForeignAgent {
        /// The id that was asked for.
        id: String,
    },
}

/// Why a run was not terminated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TerminateError {
    /// There is no such instance.
    #[error("there is no instance {id}")]
    UnknownInstance {
        /// The id that was asked for.
        id: String,
    },
    /// The run has ended already.
    #[error("the instance {id} has already ended")]
    AlreadyEnded {
        /// The id that was asked for.
        id: String,
    },
}
