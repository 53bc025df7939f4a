//! Opening a spool: lock the directory, then go through what is there.

use std::io;
use std::path::Path;

use crate::contents::Contents;
use crate::cursor::Cursor;
use crate::directory::{self, Directory};
use crate::spool::BASE;
use crate::tail::Tail;
use crate::{Limits, OpenError, Spool};

/// What an earlier process has left.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// The notes that are still there, in the order in which they were written.
    pub notes: Vec<Vec<u8>>,
    /// What could not be read, in words; the files are kept under another name.
    pub messages: Vec<String>,
}

/// A spool that is locked, and not yet looked into.
#[derive(Debug)]
pub struct Locked(Directory);

impl Locked {
    /// Goes through all that is there.
    ///
    /// # Errors
    /// [`OpenError::Io`]
    pub fn recover(self, limits: Limits) -> Result<(Spool, Recovered), OpenError> {
        let path = self.0.path.clone();
        recover(self.0, limits).map_err(|source| OpenError::Io { directory: path, source })
    }
}

impl Spool {
    /// Creates the directory where it is missing, and makes sure that nobody else uses it.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn lock(directory: &Path) -> Result<Locked, OpenError> {
        Directory::lock(directory).map(Locked)
    }

    /// Locks and recovers in one step.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(directory: &Path, limits: Limits) -> Result<(Self, Recovered), OpenError> {
        Self::lock(directory)?.recover(limits)
    }
}

fn recover(directory: Directory, limits: Limits) -> io::Result<(Spool, Recovered)> {
    let contents = Contents::of(&directory.path)?;
    let messages = messages(&contents);
    let Contents { segments, notes, .. } = contents;
    let next = segments.last_key_value().map_or(BASE, |(first, segment)| first + segment.records);
    let first = segments.first_key_value().map_or(next, |(first, _)| *first);
    let mut spool = Spool {
        cursor: Cursor::new(first, &segments),
        tail: Tail::new(next, &segments, limits.segment_bytes),
        directory,
        segments,
        max_bytes: limits.max_bytes,
    };
    spool.retire()?;
    Ok((spool, Recovered { notes, messages }))
}

/// Sets aside what is foreign, and tells of it and of what is damaged.
fn messages(contents: &Contents) -> Vec<String> {
    let foreign = contents.foreign.iter().map(|path| match directory::set_aside(path) {
        Ok(target) => format!("{} is no file of a spool: renamed to {}", path.display(), target.display()),
        Err(error) => format!("{} is no file of a spool: left alone ({error})", path.display()),
    });
    let damaged = contents.segments.values().filter(|segment| segment.damaged).map(|segment| {
        format!(
            "{} is damaged: {} bytes of {} can't be read",
            segment.path.display(),
            segment.file_len - segment.len,
            segment.file_len
        )
    });
    foreign.chain(damaged).collect()
}
