//! The segments of a log, in their order. Pure.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use crate::segment::Segment;

/// By the number of their first record.
#[derive(Debug, Default)]
pub(crate) struct Segments(BTreeMap<u64, Segment>);

impl Deref for Segments {
    type Target = BTreeMap<u64, Segment>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Segments {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Segments {
    /// Records that are not acknowledged.
    pub(crate) fn pending(&self) -> u64 {
        self.values().map(Segment::pending).sum()
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.values().map(|segment| segment.file_len.max(segment.len)).sum()
    }

    /// Marks a record as done with; `false` where it is already, or there is none of that number.
    pub(crate) fn acknowledge(&mut self, sequence: u64) -> bool {
        let segment = self.range_mut(..=sequence).next_back();
        segment.is_some_and(|(first, segment)| {
            let place = sequence - first;
            place < segment.records && segment.acks.insert(place)
        })
    }

    /// Applies what was written down in a file about records that were there at the time, in it or in files before it.
    /// Files behind it would outlive what it says.
    pub(crate) fn acknowledge_as_written(&mut self, file: u64, generation: u64, from: u64, to: u64) {
        let start = self.range(..=from).next_back().map_or(from, |(first, _)| *first);
        if start > to {
            return;
        }
        for (first, segment) in self.range_mut(start..=to) {
            if *first <= file && segment.generation <= generation {
                let end = (to - first).saturating_add(1).min(segment.records);
                (from.saturating_sub(*first)..end).for_each(|place| {
                    segment.acks.insert(place);
                });
            }
        }
    }
}
