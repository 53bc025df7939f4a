//! The files of a spool: whatever is in them, what is read was written there, and the spool works on with the rest.
//!
//! The input is a list of steps that write files, most of them with checksums that are right: nobody guesses those.

use std::fs;
use std::path::Path;

use prefactor_spool::{AppendError, Limits, Record, Spool, for_each, status};
use tempfile::TempDir;

const LIMITS: Limits = Limits { max_bytes: 1 << 20, segment_bytes: 1 << 10 };

/// The first number of an empty spool.
const BASE: u64 = 1 << 40;

/// Writes files, then looks at them, opens them as a spool, and uses that.
pub fn check(input: &[u8]) {
    let folder = TempDir::new().expect("a folder");
    let written = write_files(folder.path(), input);

    // Looking comes first, as it changes nothing.
    let seen = status(folder.path()).expect("readable");
    let mut looked_at = Vec::new();
    for_each(folder.path(), |_, record| {
        looked_at.push(record);
        true
    })
    .expect("readable");
    prefactor_pipeline::spool::export(folder.path(), std::io::sink()).expect("readable");

    let (mut spool, recovered) = Spool::open(folder.path(), LIMITS).expect("files of any kind are no reason");
    assert_eq!(spool.pending(), seen.records);
    assert!(recovered.messages.len() >= usize::from(!seen.damaged.is_empty()));
    let records = read_all(&mut spool);
    assert_eq!(records, looked_at);
    assert_eq!(records.len() as u64, seen.records);
    assert!(records.is_sorted_by(|a, b| a.sequence < b.sequence));
    for body in records.iter().map(|record| &record.body).chain(&recovered.notes) {
        assert!(contains(&written, body), "nobody wrote {body:?}");
    }

    let number = match spool.append(&[b"new"], 7) {
        Ok(number) => number,
        // Somebody has used up all numbers; nothing is lost, as nothing was taken.
        Err(AppendError::Io(_)) if numbers(&written).any(|number| number >= 1 << 61) => return,
        Err(error) => panic!("{error}"),
    };
    assert!(records.iter().all(|record| record.sequence < number));
    spool.sync().expect("a disk");
    drop(spool);
    let (mut spool, again) = Spool::open(folder.path(), LIMITS).expect("a spool");
    // What was set aside is not told of again, and what is damaged only as long as it holds what waits.
    assert!(again.messages.len() <= recovered.messages.len());
    let mut after = read_all(&mut spool);
    assert_eq!(after.pop().map(|record| (record.sequence, record.body)), Some((number, b"new".to_vec())));
    assert_eq!(after, records);

    for record in after {
        spool.acknowledge(record.sequence);
    }
    spool.acknowledge(number);
    spool.close().expect("a disk");
    assert_eq!((spool.pending(), spool.bytes()), (0, 0));
    drop(spool);
    let (_, empty) = Spool::open(folder.path(), LIMITS).expect("a spool");
    assert!(empty.messages.is_empty() && empty.notes.is_empty(), "{empty:?}");
}

fn read_all(spool: &mut Spool) -> Vec<Record> {
    let mut all = Vec::new();
    loop {
        let records = spool.read(1 << 10).expect("readable");
        if records.is_empty() {
            return all;
        }
        all.extend(records);
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// Numbers and generations of files, and whatever else looks like some.
fn numbers(written: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let headers = written.windows(24).filter(|window| window.starts_with(b"PFSPOOL1"));
    headers.flat_map(|header| header[8..].as_chunks().0).map(|number| u64::from_le_bytes(*number))
}

/// Does the steps; gives all that was written.
fn write_files(folder: &Path, input: &[u8]) -> Vec<u8> {
    let mut steps = Steps(input);
    let mut written = Vec::new();
    let mut name = None;
    let mut file = Vec::new();
    let mut finish = |name: Option<u64>, file: &mut Vec<u8>| {
        if let Some(first) = name {
            fs::write(folder.join(format!("{first:020}.spool")), &*file).expect("a disk");
        }
        written.append(file);
    };
    while let Some(step) = steps.byte() {
        match step {
            // A file begins.
            b'F' => {
                finish(name, &mut file);
                let (first, generation) = (steps.number(), steps.number());
                name = Some(first);
                file.extend(header(first, generation));
            }
            b'R' => file.extend(frame(1, steps.bytes())),
            b'N' => file.extend(frame(3, steps.bytes())),
            // Acknowledgements of ranges of numbers.
            b'A' => {
                let numbers = [steps.number(), steps.number(), steps.number(), steps.number()];
                file.extend(frame(2, &numbers.map(u64::to_le_bytes).concat()));
            }
            b'K' => {
                let kind = steps.byte().unwrap_or(9);
                file.extend(frame(kind, steps.bytes()));
            }
            // Bytes as they are, and the room that a system gives to a file in advance.
            b'B' => file.extend(steps.bytes()),
            b'Z' => file.extend(vec![0; usize::from(steps.byte().unwrap_or(9))]),
            b'C' => file.truncate(file.len().saturating_sub(usize::from(steps.byte().unwrap_or(1)))),
            _ => {}
        }
    }
    finish(name, &mut file);
    written
}

fn header(first: u64, generation: u64) -> Vec<u8> {
    let mut header = [*b"PFSPOOL1", first.to_le_bytes(), generation.to_le_bytes()].concat();
    header.extend(crc32fast::hash(&header).to_le_bytes());
    header
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let inner = [&[kind], &1_700_000_000_000_u64.to_le_bytes()[..], body].concat();
    let length = inner.len() as u32;
    [&length.to_le_bytes()[..], &crc32fast::hash(&inner).to_le_bytes(), &inner].concat()
}

struct Steps<'a>(&'a [u8]);

impl<'a> Steps<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// A length, and as many bytes as there are of it.
    fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte().unwrap_or_default());
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Small numbers from the first of a spool on, those close to the largest, and any others.
    fn number(&mut self) -> u64 {
        match self.byte().unwrap_or_default() {
            byte @ ..128 => BASE + u64::from(byte),
            byte @ ..192 => u64::from(byte),
            byte @ ..240 => u64::MAX - u64::from(byte - 192),
            _ => {
                let mut bytes = [0; 8];
                bytes.iter_mut().for_each(|byte| *byte = self.byte().unwrap_or_default());
                u64::from_le_bytes(bytes)
            }
        }
    }
}
