//! The log: segments in their order, of which the last is appended to and the first is removed when it is done with.

use std::fs;
use std::io;

use crate::cursor::Cursor;
use crate::directory::{self, Directory};
use crate::frame::{self, Frame, Kind};
use crate::segment::HEADER;
use crate::segments::Segments;
use crate::tail::Tail;
use crate::{AppendError, MAX_RECORD, Record};

/// The first number of an empty spool. Smaller ones are for what is [prepended](Spool::prepend).
pub(crate) const BASE: u64 = 1 << 40;

/// How large a spool may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together. Acknowledgements and notes are written even beyond that.
    pub max_bytes: u64,
    /// Bytes after which another file is begun. Files are removed as a whole, the oldest first.
    pub segment_bytes: u64,
}

/// A durable queue of records in a directory. Not shared: one thread owns it.
#[derive(Debug)]
pub struct Spool {
    pub(crate) directory: Directory,
    pub(crate) max_bytes: u64,
    pub(crate) segments: Segments,
    pub(crate) tail: Tail,
    pub(crate) cursor: Cursor,
}

impl Spool {
    /// Appends records, all of them or none, and gives the number of the first; the others follow. They are in the hands
    /// of the system then, which keeps them if the process is killed; [`sync`](Self::sync) makes the disk keep them.
    ///
    /// # Errors
    /// [`AppendError`]
    pub fn append<B: AsRef<[u8]>>(&mut self, records: &[B], at: u64) -> Result<u64, AppendError> {
        let frames = self.frames(records, at)?;
        let count = records.len() as u64;
        let first = self.write(&frames, count)?;
        self.cursor.appended(count);
        Ok(first)
    }

    /// Puts records before all others, and makes the disk keep them: for what was taken out of the spool, or never went
    /// in, and must come before what still waits in there.
    ///
    /// # Errors
    /// [`AppendError`]
    pub fn prepend<B: AsRef<[u8]>>(&mut self, records: &[B], at: u64) -> Result<(), AppendError> {
        let frames = self.frames(records, at)?;
        let count = records.len() as u64;
        // The acknowledgements in older files are about other records of these numbers.
        self.tail.append_acks(&self.directory, &mut self.segments)?;
        self.tail.close()?;
        let lowest = self.segments.first_key_value().map_or(self.tail.next(), |(first, _)| *first);
        let first = lowest.checked_sub(count).ok_or(AppendError::Full)?;
        let segment = self.tail.write_apart(&self.directory, first, &frames, count)?;
        self.segments.insert(first, segment);
        self.cursor.prepended(first, count);
        Ok(())
    }

    /// How many of these records, from the first on, could be appended or prepended now.
    pub fn room_for<B: AsRef<[u8]>>(&self, records: &[B]) -> usize {
        let mut bytes = self.bytes() + HEADER;
        let fits = |record: &&B| {
            let length = record.as_ref().len();
            bytes += frame::len_of(length) as u64;
            length <= MAX_RECORD && bytes <= self.max_bytes
        };
        records.iter().take_while(fits).count()
    }

    fn frames<B: AsRef<[u8]>>(&self, records: &[B], at: u64) -> Result<Vec<u8>, AppendError> {
        let mut frames =
            Vec::with_capacity(records.iter().map(|record| frame::len_of(record.as_ref().len())).sum());
        for record in records.iter().map(AsRef::as_ref) {
            if record.len() > MAX_RECORD {
                return Err(AppendError::TooLarge);
            }
            frame::write(&mut frames, Frame { kind: Kind::Record, at, body: record });
        }
        if self.bytes() + frames.len() as u64 + HEADER > self.max_bytes {
            return Err(AppendError::Full);
        }
        Ok(frames)
    }

    /// Writes down a fact that is needed to make sense of the records before it. It is kept as long as any of them.
    ///
    /// # Errors
    /// What the disk says; the note was not written then.
    pub fn note(&mut self, note: &[u8], at: u64) -> io::Result<()> {
        let mut out = Vec::with_capacity(frame::len_of(note.len()));
        frame::write(&mut out, Frame { kind: Kind::Note, at, body: note });
        self.write(&out, 0).map(|_| ())
    }

    /// Writes frames, with the acknowledgements that wait for it before them.
    fn write(&mut self, frames: &[u8], records: u64) -> io::Result<u64> {
        self.tail.append_acks(&self.directory, &mut self.segments)?;
        self.tail.append(&self.directory, &mut self.segments, frames, records)
    }

    /// Marks a record as done with. It is written down with the next append, [`sync`](Self::sync) or
    /// [`close`](Self::close); records whose acknowledgement is not, come back after a crash.
    pub fn acknowledge(&mut self, sequence: u64) {
        if self.segments.acknowledge(sequence) {
            self.tail.acknowledged(sequence);
        }
    }

    /// Makes the disk keep all that was written, and removes files that are done with.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sync(&mut self) -> io::Result<()> {
        self.tail.append_acks(&self.directory, &mut self.segments)?;
        self.tail.sync()?;
        self.retire()
    }

    /// Like [`sync`](Self::sync); leaves no file behind where all records are acknowledged. It may be used on.
    ///
    /// # Errors
    /// What the disk says.
    pub fn close(&mut self) -> io::Result<()> {
        if self.pending() == 0 {
            self.tail.forget();
            return self.retire();
        }
        self.sync()
    }

    /// Reads the next records, each once, about `most` bytes and at least one record; none where all were read. What was
    /// acknowledged is left out, and so is what has been damaged since the spool was opened, with all behind it in its file.
    ///
    /// # Errors
    /// What the disk says; worth another try.
    pub fn read(&mut self, most: usize) -> io::Result<Vec<Record>> {
        let tail = &mut self.tail;
        self.cursor.read(&mut self.segments, most, |sequence| tail.acknowledged(sequence))
    }

    /// When the next unread record was appended; `None` where there is none, or it can't be read.
    pub fn next_at(&mut self) -> Option<u64> {
        self.cursor.next_at(&self.segments)
    }

    /// Leaves out all that was not read: the caller has it already.
    pub fn skip_unread(&mut self) {
        self.cursor.skip_unread(&self.segments, self.tail.next());
    }

    /// Records that are not acknowledged.
    pub fn pending(&self) -> u64 {
        self.segments.pending()
    }

    /// Records among them that were not read, since they were appended or since the spool was opened.
    pub const fn unread(&self) -> u64 {
        self.cursor.unread()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.segments.bytes()
    }

    /// Removes the oldest files as long as all of their records are acknowledged. Not out of order: later files hold
    /// acknowledgements of records in earlier ones, and notes about them.
    pub(crate) fn retire(&mut self) -> io::Result<()> {
        let mut removed = false;
        while let Some(entry) = self.segments.first_entry() {
            let (first, segment) = (*entry.key(), entry.get());
            if self.tail.is_current(first) || segment.pending() > 0 {
                break;
            }
            // A note about what is left must not go down with the record that told the same.
            self.tail.sync()?;
            if segment.damaged {
                directory::set_aside(&segment.path)?;
            } else {
                fs::remove_file(&segment.path)?;
            }
            entry.remove();
            self.cursor.removed(first);
            removed = true;
        }
        if removed { self.directory.sync() } else { Ok(()) }
    }
}
