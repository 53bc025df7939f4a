//! One file of the log: a header, and frames behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::acks::Acks;
use crate::frame::{self, Frame, Kind, Parsed};

const MAGIC: [u8; 8] = *b"PFSPOOL1";

/// Magic, first sequence number, generation, checksum of these.
pub(crate) const HEADER: u64 = 28;

/// Read at once.
const CHUNK: u64 = 256 * 1024;

/// What is known of a segment without looking into it again.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// When it was created, in the order of all segments: acknowledgements that are older do not concern it.
    pub(crate) generation: u64,
    /// Bytes that are whole frames; behind them nothing is read.
    pub(crate) len: u64,
    /// Bytes that the file takes.
    pub(crate) file_len: u64,
    pub(crate) records: u64,
    pub(crate) acks: Acks,
    /// Something behind `len` is no frame that was cut short by a crash.
    pub(crate) damaged: bool,
}

impl Segment {
    /// Records that are not acknowledged.
    pub(crate) const fn pending(&self) -> u64 {
        self.records - self.acks.count()
    }
}

/// What was found in a segment.
#[derive(Debug)]
pub(crate) enum Found {
    Segment(Segment),
    /// The file is none of ours, or its header is damaged.
    Foreign,
}

/// `first` as the name of a file.
pub(crate) fn name_of(first: u64) -> String {
    format!("{first:020}.spool")
}

/// The first sequence number that a file's name tells.
pub(crate) fn first_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".spool")?;
    (name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok())?
}

fn header(first: u64, generation: u64) -> Vec<u8> {
    let mut header = [MAGIC, first.to_le_bytes(), generation.to_le_bytes()].concat();
    header.extend(crc32fast::hash(&header).to_le_bytes());
    header
}

/// Creates the file of a segment, readable by its owner alone. It must not be there yet.
pub(crate) fn create(directory: &Path, first: u64, generation: u64) -> io::Result<(Segment, File)> {
    let path = directory.join(name_of(first));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    if let Err(error) = file.write_all(&header(first, generation)) {
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    let segment = Segment {
        path,
        generation,
        len: HEADER,
        file_len: HEADER,
        records: 0,
        acks: Acks::default(),
        damaged: false,
    };
    Ok((segment, file))
}

/// Goes through a file once; `each` is told of every frame.
pub(crate) fn scan(path: &Path, mut each: impl FnMut(Frame<'_>)) -> io::Result<Found> {
    if !path.symlink_metadata()?.is_file() {
        return Ok(Found::Foreign);
    }
    let mut file = File::open(path)?;
    let file_len = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(HEADER).read_to_end(&mut head)?;
    let generation = head.get(16..24).and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let (Some(first), Some(generation)) = (first_of(path), generation) else { return Ok(Found::Foreign) };
    if head != header(first, generation) {
        return Ok(Found::Foreign);
    }
    let mut segment = Segment {
        path: path.to_owned(),
        generation,
        len: HEADER,
        file_len,
        records: 0,
        acks: Acks::default(),
        damaged: false,
    };
    let mut records = 0;
    let (len, stop) = walk(&mut file, HEADER, file_len, u64::MAX, |frame| {
        records += u64::from(frame.kind == Kind::Record);
        each(frame);
    })?;
    segment.len = len;
    segment.records = records;
    segment.damaged = stop == Stop::Damaged;
    Ok(Found::Segment(segment))
}

/// Reads frames from `offset` on, about `most` bytes of them; gives the offset behind them.
pub(crate) fn read(
    path: &Path,
    offset: u64,
    len: u64,
    most: u64,
    each: impl FnMut(Frame<'_>),
) -> io::Result<u64> {
    match walk(&mut File::open(path)?, offset, len, most, each)? {
        (offset, Stop::End) => Ok(offset),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a record is damaged")),
    }
}

/// Why no more frames were read.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// There are no more, or no more were asked for.
    End,
    /// The last one is not whole: nobody was ever told that it had been written.
    CutShort,
    Damaged,
}

fn walk(
    file: &mut File,
    mut offset: u64,
    len: u64,
    most: u64,
    mut each: impl FnMut(Frame<'_>),
) -> io::Result<(u64, Stop)> {
    let end = offset.saturating_add(most);
    let mut wanted = CHUNK.min(most);
    while offset < len.min(end) {
        let length = wanted.max(frame::HEAD as u64).min(len - offset);
        let mut chunk = Vec::with_capacity(length as usize);
        file.seek(SeekFrom::Start(offset))?;
        file.take(length).read_to_end(&mut chunk)?;
        if (chunk.len() as u64) < length {
            return Ok((offset, Stop::CutShort));
        }
        wanted = CHUNK.min(most);
        let mut rest = chunk.as_slice();
        while !rest.is_empty() {
            match frame::parse(rest) {
                Parsed::Frame(frame, length) => {
                    each(frame);
                    offset += length as u64;
                    rest = &rest[length..];
                }
                Parsed::Needs(length) if offset + length as u64 > len => return Ok((offset, Stop::CutShort)),
                Parsed::Needs(length) => {
                    wanted = wanted.max(length as u64);
                    break;
                }
                // Room that the system had given to the file before what was to fill it.
                Parsed::Damaged if rest.iter().all(|byte| *byte == 0) => return Ok((offset, Stop::CutShort)),
                Parsed::Damaged => return Ok((offset, Stop::Damaged)),
            }
        }
    }
    Ok((offset, Stop::End))
}
