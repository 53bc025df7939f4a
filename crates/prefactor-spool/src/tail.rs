//! The writing end of a log: the segment that is appended to, and the next one when it has become too large.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::mem;

use crate::acks::ranges;
use crate::contents::BEYOND_ALL;
use crate::directory::Directory;
use crate::frame::{self, Frame, Kind};
use crate::segment::{self, Segment};
use crate::segments::Segments;

#[derive(Debug)]
pub(crate) struct Tail {
    /// The segment that is appended to: the last one, if it was begun by this process.
    current: Option<(u64, File)>,
    /// The current segment has bytes that the disk may not have.
    unsynced: bool,
    /// The number of the record that is appended next.
    next: u64,
    next_generation: u64,
    unwritten_acks: Vec<u64>,
    /// Bytes after which another segment is begun.
    segment_bytes: u64,
}

impl Tail {
    /// Behind all that is there.
    pub(crate) fn new(next: u64, segments: &Segments, segment_bytes: u64) -> Self {
        Self {
            current: None,
            unsynced: false,
            next,
            next_generation: segments.values().map(|segment| segment.generation).max().unwrap_or(0) + 1,
            unwritten_acks: Vec::new(),
            segment_bytes,
        }
    }

    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn is_current(&self, first: u64) -> bool {
        self.current.as_ref().is_some_and(|(current, _)| *current == first)
    }

    /// An acknowledgement that is to be written down.
    pub(crate) fn acknowledged(&mut self, sequence: u64) {
        self.unwritten_acks.push(sequence);
    }

    /// Writes whole frames to the end of the log, all or none of them, of which so many are `records`. Gives the number of
    /// the first record.
    pub(crate) fn append(
        &mut self,
        directory: &Directory,
        segments: &mut Segments,
        frames: &[u8],
        records: u64,
    ) -> io::Result<u64> {
        self.roll(directory, segments)?;
        let first = self.next;
        let Some((current, file)) = &mut self.current else { return Ok(first) };
        let Some(segment) = segments.get_mut(current) else { return Ok(first) };
        if let Err(error) = file.write_all(frames) {
            // What was half written must not stand in the way of what comes next.
            if file.set_len(segment.len).is_err() || file.seek(SeekFrom::Start(segment.len)).is_err() {
                self.current = None;
            }
            return Err(error);
        }
        segment.len += frames.len() as u64;
        segment.file_len = segment.len;
        segment.records += records;
        self.next += records;
        self.unsynced = true;
        Ok(first)
    }

    /// Writes down the acknowledgements that wait for it.
    pub(crate) fn append_acks(&mut self, directory: &Directory, segments: &mut Segments) -> io::Result<()> {
        if self.unwritten_acks.is_empty() {
            return Ok(());
        }
        self.unwritten_acks.sort_unstable();
        let mut out = Vec::new();
        let body = frame::write_ranges(&ranges(&self.unwritten_acks));
        frame::write(&mut out, Frame { kind: Kind::Acks, at: 0, body: &body });
        self.append(directory, segments, &out, 0)?;
        self.unwritten_acks.clear();
        Ok(())
    }

    /// Writes a segment that is none of the tail's, which the disk keeps then.
    pub(crate) fn write_apart(
        &mut self,
        directory: &Directory,
        first: u64,
        frames: &[u8],
        records: u64,
    ) -> io::Result<Segment> {
        let (mut segment, mut file) = self.create(directory, first)?;
        let written = file.write_all(frames).and_then(|()| file.sync_all()).and_then(|()| directory.sync());
        if let Err(error) = written {
            let _ = fs::remove_file(&segment.path);
            return Err(error);
        }
        segment.len += frames.len() as u64;
        segment.file_len = segment.len;
        segment.records = records;
        self.next_generation += 1;
        Ok(segment)
    }

    /// Makes the disk keep what was appended.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if mem::take(&mut self.unsynced)
            && let Some((_, file)) = &self.current
        {
            let synced = file.sync_data();
            if synced.is_err() {
                // What became of the bytes is anybody's guess: go on in another file.
                self.current = None;
            }
            return synced;
        }
        Ok(())
    }

    /// Appends no more to this segment.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        let synced = self.sync();
        self.current = None;
        synced
    }

    /// Lets go of the segment: nothing of it is needed, and nothing of what was to be written down.
    pub(crate) fn forget(&mut self) {
        self.unwritten_acks.clear();
        self.current = None;
        self.unsynced = false;
    }

    /// Begins another file where there is none to append to, or that one has become too large.
    fn roll(&mut self, directory: &Directory, segments: &mut Segments) -> io::Result<()> {
        let is_full = |first| segments.get(first).is_none_or(|segment| segment.len >= self.segment_bytes);
        if self.current.as_ref().is_some_and(|(first, _)| !is_full(first)) {
            return Ok(());
        }
        self.close()?;
        // A file that holds notes and acknowledgements alone has taken the name.
        while segments.contains_key(&self.next) {
            self.next += 1;
        }
        let (segment, file) = self.create(directory, self.next)?;
        self.next_generation += 1;
        if let Err(error) = directory.sync() {
            // Its name will be needed again.
            let _ = fs::remove_file(&segment.path);
            return Err(error);
        }
        segments.insert(self.next, segment);
        self.current = Some((self.next, file));
        Ok(())
    }

    /// Not where somebody has used up all numbers: what is written there would count for foreign at the next start.
    fn create(&self, directory: &Directory, first: u64) -> io::Result<(Segment, File)> {
        if first.max(self.next_generation) >= BEYOND_ALL {
            return Err(io::Error::other("a file of the spool has the last number that there is"));
        }
        segment::create(&directory.path, first, self.next_generation)
    }
}
