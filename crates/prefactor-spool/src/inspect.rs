//! Looking at a spool without changing it, also while a process uses it.

use std::io;
use std::path::{Path, PathBuf};

use crate::contents::Contents;
use crate::frame::Kind;
use crate::segment;
use crate::{Record, directory};

/// What is in a spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// A process has it open.
    pub in_use: bool,
    /// Records that are not acknowledged.
    pub records: u64,
    /// Files of the log.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest record that is not acknowledged was appended, in milliseconds since the Unix epoch.
    pub oldest_at: Option<u64>,
    /// Files that are damaged, or none of a spool's, whether they were set aside yet or not.
    pub damaged: Vec<PathBuf>,
}

/// Tells what is in a spool.
///
/// # Errors
/// What the system says, for example that there is no such directory.
pub fn status(directory: &Path) -> io::Result<Status> {
    let contents = Contents::of(directory)?;
    let mut damaged = directory::set_aside_before(directory)?;
    damaged.extend(contents.foreign.iter().cloned());
    let segments = contents.segments.values();
    damaged.extend(segments.clone().filter(|segment| segment.damaged).map(|segment| segment.path.clone()));
    let mut oldest_at = None;
    each_of(&contents, |_, record| {
        oldest_at = Some(record.at);
        false
    })?;
    Ok(Status {
        in_use: directory::is_in_use(directory)?,
        records: contents.segments.pending(),
        files: segments.len() as u64,
        bytes: segments.map(|segment| segment.file_len).sum(),
        oldest_at,
        damaged,
    })
}

/// Gives all notes and a record to `each`, for each record that is not acknowledged, until that says `false`.
///
/// # Errors
/// What the system says.
pub fn for_each(directory: &Path, each: impl FnMut(&[Vec<u8>], Record) -> bool) -> io::Result<()> {
    each_of(&Contents::of(directory)?, each)
}

fn each_of(contents: &Contents, mut each: impl FnMut(&[Vec<u8>], Record) -> bool) -> io::Result<()> {
    for (first, segment) in contents.segments.iter() {
        let (mut offset, mut sequence) = (segment::HEADER, *first);
        while offset < segment.len {
            let mut more = true;
            offset = segment::read(&segment.path, offset, segment.len, 1 << 20, |frame| {
                if frame.kind == Kind::Record {
                    if more && !segment.acks.contains(sequence - first) {
                        let record = Record { sequence, at: frame.at, body: frame.body.to_vec() };
                        more = each(&contents.notes, record);
                    }
                    sequence += 1;
                }
            })?;
            if !more {
                return Ok(());
            }
        }
    }
    Ok(())
}
