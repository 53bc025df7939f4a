//! All that is in a directory, as it was read.

use std::io;
use std::path::{Path, PathBuf};

use crate::directory::{self, Files};
use crate::frame::{self, Kind};
use crate::segment::{self, Found};
use crate::segments::Segments;

/// No spool ever counts that far: a file that says so is none of ours.
pub(crate) const BEYOND_ALL: u64 = 1 << 62;

#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) segments: Segments,
    pub(crate) notes: Vec<Vec<u8>>,
    pub(crate) foreign: Vec<PathBuf>,
}

impl Contents {
    pub(crate) fn of(directory: &Path) -> io::Result<Self> {
        let Files { segments: files, mut foreign } = directory::files(directory)?;
        let mut segments = Segments::default();
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
                segments.acknowledge_as_written(first, generation, from, to);
            }
        }
        Ok(Self { segments, notes, foreign })
    }
}
