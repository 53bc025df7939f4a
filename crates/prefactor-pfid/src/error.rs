use thiserror::Error;

/// Why something is no PFID, and where it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PfidError {
    /// The text does not have 32 characters.
    #[error("a pfid has 32 characters, not {found}")]
    Length {
        /// Characters (not bytes) found.
        found: usize,
    },
    /// A character is outside the alphabet. Unlike other Base32 readers this one knows no aliases: `i`, `l`, `o` and `u`
    /// are refused, and so is everything that is not ASCII.
    #[error("character {found:?} at position {position} is not in the pfid alphabet")]
    Character {
        /// The offending character.
        found: char,
        /// Its position, counted in characters from 0.
        position: usize,
    },
    /// The first character is beyond `7`: the time would not fit in 48 bits.
    #[error("the first character is {found:?}, beyond '7': the time does not fit in 48 bits")]
    TimeOverflow {
        /// The first character.
        found: char,
    },
    /// The binary form does not have 20 bytes.
    #[error("a binary pfid has 20 bytes, not {found}")]
    BinaryLength {
        /// Bytes found.
        found: usize,
    },
    /// One of the two bits before the partition is set.
    #[error("the two padding bits before the partition (top of byte 6) are {bits:#04b}, not zero")]
    Padding {
        /// The two bits, 1–3.
        bits: u8,
    },
    /// The time does not fit in 48 bits.
    #[error("timestamp {unix_ms} ms does not fit in 48 bits")]
    Timestamp {
        /// The time that was given, in milliseconds since the Unix epoch.
        unix_ms: u64,
    },
    /// The partition does not fit in 30 bits.
    #[error("partition {value} does not fit in 30 bits")]
    Partition {
        /// The number that was given.
        value: u32,
    },
}
