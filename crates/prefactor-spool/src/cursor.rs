//! The reading end of a log: each record is read once, in order.

use std::io;

use crate::Record;
use crate::frame::Kind;
use crate::segment::{self, HEADER};
use crate::segments::Segments;

/// What is read next.
#[derive(Debug)]
pub(crate) struct Cursor {
    segment: u64,
    offset: u64,
    sequence: u64,
    /// Records that were not read.
    unread: u64,
}

impl Cursor {
    /// Before all that is there, which begins with `first`.
    pub(crate) fn new(first: u64, segments: &Segments) -> Self {
        Self { segment: first, offset: HEADER, sequence: first, unread: segments.pending() }
    }

    pub(crate) const fn unread(&self) -> u64 {
        self.unread
    }

    pub(crate) const fn appended(&mut self, records: u64) {
        self.unread += records;
    }

    /// Goes back to a segment before all others.
    pub(crate) const fn prepended(&mut self, first: u64, records: u64) {
        *self = Self { segment: first, offset: HEADER, sequence: first, unread: self.unread + records };
    }

    /// A segment is gone; another one may get its name.
    pub(crate) const fn removed(&mut self, first: u64) {
        if self.segment == first {
            self.offset = HEADER;
        }
    }

    /// Leaves out all that was not read. `next`: the number of the record that is appended next.
    pub(crate) fn skip_unread(&mut self, segments: &Segments, next: u64) {
        let end = segments.last_key_value();
        let (segment, offset) = end.map_or((next, HEADER), |(first, segment)| (*first, segment.len));
        *self = Self { segment, offset, sequence: next, unread: 0 };
    }

    /// Reads about `most` bytes, and at least one record where there is any. What is damaged counts as acknowledged;
    /// `given_up` is told of it.
    pub(crate) fn read(
        &mut self,
        segments: &mut Segments,
        most: usize,
        mut given_up: impl FnMut(u64),
    ) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        while records.is_empty() && self.find_unread(segments) {
            let Self { segment: first, offset, mut sequence, .. } = *self;
            let Some(segment) = segments.get(&first) else { break };
            let read = segment::read(&segment.path, offset, segment.len, most as u64, |frame| {
                if frame.kind == Kind::Record {
                    if !segment.acks.contains(sequence - first) {
                        records.push(Record { sequence, at: frame.at, body: frame.body.to_vec() });
                    }
                    sequence += 1;
                }
            });
            match read {
                Ok(offset) => (self.offset, self.sequence) = (offset, sequence),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.give_up(segments, sequence, &mut given_up);
                }
                Err(error) => return Err(error),
            }
        }
        self.unread = self.unread.saturating_sub(records.len() as u64);
        if !self.find_unread(segments) {
            self.unread = 0;
        }
        Ok(records)
    }

    /// When the next record was appended; `None` where there is none, or it can't be read.
    pub(crate) fn next_at(&mut self, segments: &Segments) -> Option<u64> {
        if self.unread == 0 || !self.find_unread(segments) {
            return None;
        }
        let segment = segments.get(&self.segment)?;
        let mut at = None;
        segment::read(&segment.path, self.offset, segment.len, 1, |frame| at = at.or(Some(frame.at))).ok()?;
        at
    }

    /// Moves on to a segment with something to read.
    fn find_unread(&mut self, segments: &Segments) -> bool {
        loop {
            if let Some(segment) = segments.get(&self.segment)
                && self.offset < segment.len
            {
                return true;
            }
            let behind = self.segment.saturating_add(1);
            let Some((first, _)) = segments.range(behind..).next() else { return false };
            (self.segment, self.offset, self.sequence) = (*first, HEADER, *first);
        }
    }

    /// Counts what can't be read as acknowledged, so that it does not come up again; its file is kept.
    fn give_up(&mut self, segments: &mut Segments, from: u64, given_up: &mut impl FnMut(u64)) {
        let first = self.segment;
        let Some(segment) = segments.get_mut(&first) else { return };
        segment.damaged = true;
        let end = first + segment.records;
        (self.offset, self.sequence) = (segment.len, end);
        for sequence in from..end {
            if segment.acks.insert(sequence - first) {
                given_up(sequence);
                self.unread = self.unread.saturating_sub(1);
            }
        }
    }
}
