//! The log: segments in their order, of which the last is appended to and the first is removed when it is done with.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::acks::ranges;
use crate::directory::{self, Directory};
use crate::frame::{self, Frame, Kind};
use crate::segment::{self, Found, HEADER, Segment};
use crate::{AppendError, MAX_RECORD, OpenError};

/// The first number of an empty spool. Smaller ones are for what is [prepended](Spool::prepend).
const BASE: u64 = 1 << 40;

/// No spool ever counts that far: a file that says so is none of ours.
const BEYOND_ALL: u64 = 1 << 62;

/// How large a spool may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together. Acknowledgements and notes are written even beyond that.
    pub max_bytes: u64,
    /// Bytes after which another file is begun. Files are removed as a whole, the oldest first.
    pub segment_bytes: u64,
}

/// A record that was appended. Its `Debug` shows the length of the body alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the order of all records, and its name in acknowledgements.
    pub sequence: u64,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub at: u64,
    /// What was appended.
    pub body: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, at, body } = self;
        f.debug_struct("Record")
            .field("sequence", sequence)
            .field("at", at)
            .field("body", &body.len())
            .finish()
    }
}

/// What an earlier process has left.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// The notes that are still there, in the order in which they were written.
    pub notes: Vec<Vec<u8>>,
    /// What could not be read, in words; the files are kept under another name.
    pub messages: Vec<String>,
}

/// A durable queue of records in a directory. Not shared: one thread owns it.
#[derive(Debug)]
pub struct Spool {
    directory: Directory,
    limits: Limits,
    segments: BTreeMap<u64, Segment>,
    /// The segment that is appended to: the last one, if it was begun by this process.
    current: Option<(u64, File)>,
    /// The current segment has bytes that the disk may not have.
    unsynced: bool,
    next: u64,
    next_generation: u64,
    read: Position,
    unread: u64,
    unwritten_acks: Vec<u64>,
}

/// What is read next.
#[derive(Clone, Copy, Debug)]
struct Position {
    segment: u64,
    offset: u64,
    sequence: u64,
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
        Spool::recover(self.0, limits).map_err(|source| OpenError::Io { directory: path, source })
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

    fn recover(directory: Directory, limits: Limits) -> io::Result<(Self, Recovered)> {
        let Contents { segments, notes, foreign } = Contents::of(&directory.path)?;
        let mut messages = Vec::new();
        for path in foreign {
            messages.push(match directory::set_aside(&path) {
                Ok(target) => {
                    format!("{} is no file of a spool: renamed to {}", path.display(), target.display())
                }
                Err(error) => format!("{} is no file of a spool: left alone ({error})", path.display()),
            });
        }
        for segment in segments.values().filter(|segment| segment.damaged) {
            messages.push(format!(
                "{} is damaged: {} bytes of {} can't be read",
                segment.path.display(),
                segment.file_len - segment.len,
                segment.file_len
            ));
        }
        let next = segments.last_key_value().map_or(BASE, |(first, segment)| first + segment.records);
        let first = segments.first_key_value().map_or(next, |(first, _)| *first);
        let mut spool = Self {
            directory,
            limits,
            unread: segments.values().map(|segment| segment.records - segment.acks.count()).sum(),
            next_generation: segments.values().map(|segment| segment.generation).max().unwrap_or(0) + 1,
            segments,
            current: None,
            unsynced: false,
            next,
            read: Position { segment: first, offset: HEADER, sequence: first },
            unwritten_acks: Vec::new(),
        };
        spool.retire()?;
        Ok((spool, Recovered { notes, messages }))
    }

    /// Appends records, all of them or none, and gives the number of the first; the others follow. They are in the hands
    /// of the system then, which keeps them if the process is killed; [`sync`](Self::sync) makes the disk keep them.
    ///
    /// # Errors
    /// [`AppendError`]
    pub fn append<B: AsRef<[u8]>>(&mut self, records: &[B], at: u64) -> Result<u64, AppendError> {
        let frames = self.frames(records, at)?;
        let count = records.len() as u64;
        self.write(&frames)?;
        let first = self.next;
        self.next += count;
        self.unread += count;
        self.with_current(|segment| segment.records += count);
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
        self.write_acks()?;
        self.close_current()?;
        let lowest = self.segments.first_key_value().map_or(self.next, |(first, _)| *first);
        let first = lowest.checked_sub(count).ok_or(AppendError::Full)?;
        let (mut segment, mut file) = self.create(first)?;
        if let Err(error) =
            file.write_all(&frames).and_then(|()| file.sync_all()).and_then(|()| self.directory.sync())
        {
            let _ = fs::remove_file(&segment.path);
            return Err(error.into());
        }
        segment.len += frames.len() as u64;
        segment.file_len = segment.len;
        segment.records = count;
        self.next_generation += 1;
        self.segments.insert(first, segment);
        self.unread += count;
        self.read = Position { segment: first, offset: HEADER, sequence: first };
        Ok(())
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
        if self.bytes() + frames.len() as u64 + HEADER > self.limits.max_bytes {
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
        self.write(&out)
    }

    /// Marks a record as done with. It is written down with the next append, [`sync`](Self::sync) or
    /// [`close`](Self::close); records whose acknowledgement is not, come back after a crash.
    pub fn acknowledge(&mut self, sequence: u64) {
        let Some((first, segment)) = self.segments.range_mut(..=sequence).next_back() else { return };
        let place = sequence - first;
        if place < segment.records && segment.acks.insert(place) {
            self.unwritten_acks.push(sequence);
        }
    }

    /// Makes the disk keep all that was written, and removes files that are done with.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sync(&mut self) -> io::Result<()> {
        self.write_acks()?;
        if self.unsynced
            && let Some((_, file)) = &self.current
        {
            let synced = file.sync_data();
            if synced.is_err() {
                // What became of the bytes is anybody's guess: go on in another file.
                self.current = None;
            }
            self.unsynced = false;
            synced?;
        }
        self.retire()
    }

    /// Like [`sync`](Self::sync); leaves no file behind where all records are acknowledged. It may be used on.
    ///
    /// # Errors
    /// What the disk says.
    pub fn close(&mut self) -> io::Result<()> {
        if self.pending() == 0 {
            self.unwritten_acks.clear();
            self.current = None;
            self.unsynced = false;
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
        let mut records = Vec::new();
        while records.is_empty() && self.find_unread() {
            let Position { segment: first, offset, mut sequence } = self.read;
            let Some(segment) = self.segments.get(&first) else { break };
            let read = segment::read(&segment.path, offset, segment.len, most as u64, |frame| {
                if frame.kind == Kind::Record {
                    if !segment.acks.contains(sequence - first) {
                        records.push(Record { sequence, at: frame.at, body: frame.body.to_vec() });
                    }
                    sequence += 1;
                }
            });
            match read {
                Ok(offset) => self.read = Position { segment: first, offset, sequence },
                Err(error) if error.kind() == io::ErrorKind::InvalidData => self.give_up(first, sequence),
                Err(error) => return Err(error),
            }
        }
        self.unread = self.unread.saturating_sub(records.len() as u64);
        if !self.find_unread() {
            self.unread = 0;
        }
        Ok(records)
    }

    /// When the next unread record was appended; `None` where there is none, or it can't be read.
    pub fn next_at(&mut self) -> Option<u64> {
        if self.unread == 0 || !self.find_unread() {
            return None;
        }
        let segment = self.segments.get(&self.read.segment)?;
        let mut at = None;
        segment::read(&segment.path, self.read.offset, segment.len, 1, |frame| at = at.or(Some(frame.at)))
            .ok()?;
        at
    }

    /// Leaves out all that was not read: the caller has it already.
    pub fn skip_unread(&mut self) {
        self.unread = 0;
        let end = self.segments.last_key_value();
        let (segment, offset) = end.map_or((self.next, HEADER), |(first, segment)| (*first, segment.len));
        self.read = Position { segment, offset, sequence: self.next };
    }

    /// Moves on to a segment with something to read.
    fn find_unread(&mut self) -> bool {
        loop {
            if let Some(segment) = self.segments.get(&self.read.segment)
                && self.read.offset < segment.len
            {
                return true;
            }
            let behind = self.read.segment.saturating_add(1);
            let Some((first, _)) = self.segments.range(behind..).next() else { return false };
            self.read = Position { segment: *first, offset: HEADER, sequence: *first };
        }
    }

    /// Counts what can't be read as acknowledged, so that it does not come up again; its file is kept.
    fn give_up(&mut self, first: u64, from: u64) {
        let Some(segment) = self.segments.get_mut(&first) else { return };
        segment.damaged = true;
        self.read = Position { segment: first, offset: segment.len, sequence: first + segment.records };
        for sequence in from..first + segment.records {
            if segment.acks.insert(sequence - first) {
                self.unwritten_acks.push(sequence);
                self.unread = self.unread.saturating_sub(1);
            }
        }
    }

    /// Records that are not acknowledged.
    pub fn pending(&self) -> u64 {
        self.segments.values().map(|segment| segment.records - segment.acks.count()).sum()
    }

    /// Records among them that were not read, since they were appended or since the spool was opened.
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.file_len.max(segment.len)).sum()
    }

    fn with_current(&mut self, change: impl FnOnce(&mut Segment)) {
        if let Some((first, _)) = &self.current
            && let Some(segment) = self.segments.get_mut(first)
        {
            change(segment);
        }
    }

    /// Writes whole frames to the end of the log, with the acknowledgements that wait for it; all or nothing.
    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.write_acks()?;
        self.write_frames(frames)
    }

    fn write_acks(&mut self) -> io::Result<()> {
        if self.unwritten_acks.is_empty() {
            return Ok(());
        }
        self.unwritten_acks.sort_unstable();
        let mut out = Vec::new();
        let body = frame::write_ranges(&ranges(&self.unwritten_acks));
        frame::write(&mut out, Frame { kind: Kind::Acks, at: 0, body: &body });
        self.write_frames(&out)?;
        self.unwritten_acks.clear();
        Ok(())
    }

    fn write_frames(&mut self, frames: &[u8]) -> io::Result<()> {
        self.roll()?;
        let Some((first, file)) = &mut self.current else { return Ok(()) };
        let Some(segment) = self.segments.get_mut(first) else { return Ok(()) };
        if let Err(error) = file.write_all(frames) {
            // What was half written must not stand in the way of what comes next.
            if file.set_len(segment.len).is_err()
                || io::Seek::seek(file, io::SeekFrom::Start(segment.len)).is_err()
            {
                self.current = None;
            }
            return Err(error);
        }
        segment.len += frames.len() as u64;
        segment.file_len = segment.len;
        self.unsynced = true;
        Ok(())
    }

    /// Begins another file where there is none to append to, or that one has become too large.
    fn roll(&mut self) -> io::Result<()> {
        let full =
            |first| self.segments.get(first).is_none_or(|segment| segment.len >= self.limits.segment_bytes);
        if self.current.as_ref().is_some_and(|(first, _)| !full(first)) {
            return Ok(());
        }
        self.close_current()?;
        // A file that holds notes and acknowledgements alone has taken the name.
        while self.segments.contains_key(&self.next) {
            self.next += 1;
        }
        let (segment, file) = self.create(self.next)?;
        self.next_generation += 1;
        if self.read.segment == self.next {
            // All was read of a file of that name, which is gone.
            self.read.offset = HEADER;
        }
        if let Err(error) = self.directory.sync() {
            // Its name will be needed again.
            let _ = fs::remove_file(&segment.path);
            return Err(error);
        }
        self.segments.insert(self.next, segment);
        self.current = Some((self.next, file));
        Ok(())
    }

    /// Not where somebody has used up all numbers: what is written there would count for foreign at the next start.
    fn create(&self, first: u64) -> io::Result<(Segment, File)> {
        if first.max(self.next_generation) >= BEYOND_ALL {
            return Err(io::Error::other("a file of the spool has the last number that there is"));
        }
        segment::create(&self.directory.path, first, self.next_generation)
    }

    fn close_current(&mut self) -> io::Result<()> {
        if let Some((_, file)) = self.current.take()
            && std::mem::take(&mut self.unsynced)
        {
            file.sync_data()?;
        }
        Ok(())
    }

    /// Removes the oldest files as long as all of their records are acknowledged. Not out of order: later files hold
    /// acknowledgements of records in earlier ones, and notes about them.
    fn retire(&mut self) -> io::Result<()> {
        let mut removed = false;
        while let Some(entry) = self.segments.first_entry() {
            let (first, segment) = (*entry.key(), entry.get());
            let is_current = self.current.as_ref().is_some_and(|(current, _)| *current == first);
            if is_current || segment.acks.count() < segment.records {
                break;
            }
            if self.unsynced
                && let Some((_, file)) = &self.current
            {
                // A note about what is left must not go down with the record that told the same.
                file.sync_data()?;
                self.unsynced = false;
            }
            if segment.damaged {
                directory::set_aside(&segment.path)?;
            } else {
                fs::remove_file(&segment.path)?;
            }
            entry.remove();
            removed = true;
        }
        if removed { self.directory.sync() } else { Ok(()) }
    }
}

/// All that is in a directory, as it was read.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) segments: BTreeMap<u64, Segment>,
    pub(crate) notes: Vec<Vec<u8>>,
    pub(crate) foreign: Vec<PathBuf>,
}

impl Contents {
    pub(crate) fn of(directory: &Path) -> io::Result<Self> {
        let directory::Files { segments: files, mut foreign } = directory::files(directory)?;
        let mut segments: BTreeMap<u64, Segment> = BTreeMap::new();
        let mut notes = Vec::new();
        let mut acks = Vec::new();
        let mut end = 0;
        for (first, path) in files {
            let (mut its_acks, mut its_notes) = (Vec::new(), Vec::new());
            let found = segment::scan(&path, |frame| match frame.kind {
                Kind::Record => {}
                Kind::Acks => its_acks.extend(frame::parse_ranges(frame.body)),
                Kind::Note => its_notes.push(frame.body.to_vec()),
            })?;
            match found {
                // No two records have one number.
                Found::Segment(segment) if first >= end && first.max(segment.generation) < BEYOND_ALL => {
                    end = first + segment.records;
                    acks.push((first, segment.generation, its_acks));
                    notes.extend(its_notes);
                    segments.insert(first, segment);
                }
                _ => foreign.push(path),
            }
        }
        for (first, generation, ranges) in acks {
            for (from, to) in ranges {
                acknowledge(&mut segments, first, generation, from, to);
            }
        }
        Ok(Self { segments, notes, foreign })
    }
}

/// Applies what was written down in a file about records that were there at the time, in it or in files before it. Files
/// behind it would outlive what it says.
fn acknowledge(segments: &mut BTreeMap<u64, Segment>, file: u64, generation: u64, from: u64, to: u64) {
    let start = segments.range(..=from).next_back().map_or(from, |(first, _)| *first);
    if start > to {
        return;
    }
    for (first, segment) in segments.range_mut(start..=to) {
        if *first <= file && segment.generation <= generation {
            let end = (to - first).saturating_add(1).min(segment.records);
            (from.saturating_sub(*first)..end).for_each(|place| {
                segment.acks.insert(place);
            });
        }
    }
}
