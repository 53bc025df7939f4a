use std::fmt;

use crate::{Partition, Pfid, PfidError, crockford};

/// A [`Pfid`] without its partition: what is fixed at the moment of a call, before the account's partition is known.
///
/// Stems sort by time, then by their random part; with one partition their ids sort the same way.
///
/// ```
/// use prefactor_pfid::{Partition, Stem};
///
/// let stem = Stem::new(1_700_000_000_000, [7; 10])?;
/// let id = stem.with_partition(Partition::new(42)?);
/// assert_eq!(id.stem(), stem);
/// assert_eq!(id.timestamp_ms(), 1_700_000_000_000);
/// # Ok::<(), prefactor_pfid::PfidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stem {
    // Two halves, and not one number: that would have to stand at a multiple of 16 bytes, which doubles an `Option<Stem>`.
    high: u64,
    low: u64,
}

/// Width of the random part.
const RANDOM_BITS: u32 = 80;

impl Stem {
    /// The latest time that fits: 2⁴⁸ − 1 milliseconds after the Unix epoch, in the year 10889.
    pub const MAX_TIMESTAMP_MS: u64 = (1 << 48) - 1;

    /// Puts a time in Unix milliseconds and a random part together.
    ///
    /// # Errors
    /// [`PfidError::Timestamp`] when the time does not fit in 48 bits.
    #[inline]
    pub const fn new(unix_ms: u64, random: [u8; 10]) -> Result<Self, PfidError> {
        if unix_ms > Self::MAX_TIMESTAMP_MS {
            return Err(PfidError::Timestamp { unix_ms });
        }
        Ok(Self::from_parts_in_range(unix_ms, random))
    }

    /// Like [`Stem::new`], for a time that is known to fit.
    #[inline]
    pub(crate) const fn from_parts_in_range(unix_ms: u64, random: [u8; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = random;
        let random = u128::from_be_bytes([0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j]);
        Self::from_u128((unix_ms as u128) << RANDOM_BITS | random)
    }

    /// The next stem in order: the random part plus one, carried into the time. Stays at the very last one.
    pub(crate) const fn successor(self) -> Self {
        Self::from_u128(self.as_u128().saturating_add(1))
    }

    /// Both parts as one number: `time << 80 | random`.
    #[must_use]
    #[inline]
    pub const fn as_u128(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    pub(crate) const fn from_u128(packed: u128) -> Self {
        Self { high: (packed >> 64) as u64, low: packed as u64 }
    }

    /// The time, in milliseconds since the Unix epoch.
    #[must_use]
    #[inline]
    pub const fn timestamp_ms(self) -> u64 {
        (self.as_u128() >> RANDOM_BITS) as u64
    }

    /// The 80 random bits, big-endian.
    #[must_use]
    #[inline]
    pub const fn random(self) -> [u8; 10] {
        let [_, _, _, _, _, _, a, b, c, d, e, f, g, h, i, j] = self.as_u128().to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j]
    }

    /// Completes the id.
    #[must_use]
    #[inline]
    pub const fn with_partition(self, partition: Partition) -> Pfid {
        Pfid::from_stem(self, partition)
    }

    /// The characters of the id that are known already, in ASCII: 10 of the time, 16 of the random part.
    #[must_use]
    #[inline]
    pub fn encode(self) -> [u8; 26] {
        let mut text = [0; 26];
        text[..10].copy_from_slice(&self.encode_time());
        text[10..].copy_from_slice(&self.encode_random());
        text
    }

    #[inline]
    pub(crate) fn encode_time(self) -> [u8; 10] {
        crockford::encode(self.timestamp_ms())
    }

    #[inline]
    pub(crate) fn encode_random(self) -> [u8; 16] {
        let mut text = [0; 16];
        text[..8].copy_from_slice(&crockford::encode::<8>((self.as_u128() >> 40) as u64));
        text[8..].copy_from_slice(&crockford::encode::<8>(self.low));
        text
    }
}

impl fmt::Debug for Stem {
    /// The id's text with the unknown partition left open.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.encode();
        write!(f, "Stem({}??????{})", crockford::text(&text[..10]), crockford::text(&text[10..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_time_then_random() {
        let stem = Stem::new(1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 32]).unwrap();

        assert_eq!(stem.as_u128(), 1 << 80 | 32);
        assert_eq!(&stem.encode(), b"00000000010000000000000010");
        assert_eq!(stem.random(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 32]);
        assert_eq!(format!("{stem:?}"), "Stem(0000000001??????0000000000000010)");
    }

    #[test]
    fn a_time_beyond_48_bits_is_refused() {
        assert!(Stem::new(Stem::MAX_TIMESTAMP_MS, [0; 10]).is_ok());
        assert_eq!(Stem::new(1 << 48, [0; 10]), Err(PfidError::Timestamp { unix_ms: 1 << 48 }));
    }
}
