//! Frames, of which a segment is made: pure reading and writing of bytes.
//!
//! ```text
//! length u32 │ checksum u32 │ kind u8 │ time u64 │ body
//! ```
//! All numbers are little-endian. The length counts from the kind on, and so does the checksum (CRC-32).

/// Length and checksum.
pub(crate) const HEAD: usize = 8;

/// Kind and time, which the length of a frame counts too.
const INNER: usize = 9;

/// The largest body of a frame. What says it is longer is damaged, and nothing is allocated for it.
pub const MAX_RECORD: usize = 64 * 1024 * 1024;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record of the caller's.
    Record = 1,
    /// Ranges of sequence numbers that are acknowledged.
    Acks = 2,
    /// A note of the caller's.
    Note = 3,
}

impl Kind {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Record),
            2 => Some(Self::Acks),
            3 => Some(Self::Note),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    /// When it was written, in milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) body: &'a [u8],
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// A frame, and how long it is in all.
    Frame(Frame<'a>, usize),
    /// The beginning of a frame that has this many bytes in all.
    Needs(usize),
    /// Nothing that was ever written as a frame.
    Damaged,
}

/// How many bytes a frame with such a body takes.
pub(crate) const fn len_of(body: usize) -> usize {
    HEAD + INNER + body
}

pub(crate) fn write(out: &mut Vec<u8>, frame: Frame<'_>) {
    let length = (INNER + frame.body.len()) as u32;
    let start = out.len();
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(frame.kind as u8);
    out.extend_from_slice(&frame.at.to_le_bytes());
    out.extend_from_slice(frame.body);
    let checksum = crc32fast::hash(&out[start + HEAD..]);
    out[start + 4..start + HEAD].copy_from_slice(&checksum.to_le_bytes());
}

pub(crate) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Parsed::Needs(HEAD) };
    let length = u32::from_le_bytes(*length) as usize;
    if !(INNER..=INNER + MAX_RECORD).contains(&length) {
        return Parsed::Damaged;
    }
    let Some((checksum, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Needs(HEAD + length) };
    let Some(inner) = rest.get(..length) else { return Parsed::Needs(HEAD + length) };
    if crc32fast::hash(inner) != u32::from_le_bytes(*checksum) {
        return Parsed::Damaged;
    }
    let frame = inner.split_first_chunk::<1>().and_then(|([kind], rest)| {
        let (at, body) = rest.split_first_chunk::<8>()?;
        Some(Frame { kind: Kind::of(*kind)?, at: u64::from_le_bytes(*at), body })
    });
    frame.map_or(Parsed::Damaged, |frame| Parsed::Frame(frame, HEAD + length))
}

/// The body of a frame of acknowledgements: pairs of the first and the last number of each range.
pub(crate) fn write_ranges(ranges: &[(u64, u64)]) -> Vec<u8> {
    ranges.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()].concat()).collect()
}

pub(crate) fn parse_ranges(body: &[u8]) -> impl Iterator<Item = (u64, u64)> + '_ {
    let (pairs, _) = body.as_chunks::<16>();
    pairs.iter().map(|pair| {
        let [first, last] = [0, 8].map(|at| {
            let mut number = [0; 8];
            number.copy_from_slice(&pair[at..at + 8]);
            u64::from_le_bytes(number)
        });
        (first, last)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, Frame { kind: Kind::Record, at: 7, body });
        out
    }

    #[test]
    fn what_is_cut_short_says_how_much_it_needs() {
        let whole = written(b"abc");

        assert_eq!(parse(&[]), Parsed::Needs(HEAD));
        for length in 4..whole.len() {
            assert_eq!(parse(&whole[..length]), Parsed::Needs(whole.len()), "{length}");
        }
        assert_eq!(whole.len(), len_of(3));
    }

    #[test]
    fn a_length_beyond_all_bounds_is_damage_and_not_an_allocation() {
        let mut bytes = written(b"abc");
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());

        assert_eq!(parse(&bytes), Parsed::Damaged);
        assert_eq!(parse(&[0; 64]), Parsed::Damaged, "zeros are no frames");
    }

    #[test]
    fn ranges_come_back_as_they_were() {
        let ranges = [(1, 5), (9, 9), (u64::MAX, u64::MAX)];

        assert_eq!(parse_ranges(&write_ranges(&ranges)).collect::<Vec<_>>(), ranges);
    }

    proptest! {
        #[test]
        fn a_frame_comes_back_as_it_was(body in prop::collection::vec(any::<u8>(), 0..200), behind in 0..9_usize) {
            let mut bytes = written(&body);
            let length = bytes.len();
            bytes.extend(vec![0xAA; behind]);

            let frame = Frame { kind: Kind::Record, at: 7, body: &body };
            prop_assert_eq!(parse(&bytes), Parsed::Frame(frame, length));
        }

        #[test]
        fn a_flipped_bit_never_passes(body in prop::collection::vec(any::<u8>(), 0..50), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let mut bytes = written(&body);
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;

            prop_assert!(!matches!(parse(&bytes), Parsed::Frame(..)));
        }

        #[test]
        fn any_bytes_are_parsed_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            parse_ranges(&bytes).for_each(drop);
        }
    }
}
