use std::fmt;
use std::str::FromStr;

use crate::{Partition, PfidError, Stem, crockford};

/// An identifier of the Prefactor API: 160 bits of time, partition and randomness.
///
/// Ids sort by time, then by partition, then by their random part, as text and as bytes alike.
///
/// ```
/// use prefactor_pfid::{Partition, Pfid};
///
/// let id = Pfid::from_parts(32, Partition::new(32)?, [0, 0, 0, 0, 0, 0, 0, 0, 0, 32])?;
/// assert_eq!(id.to_string(), "00000000100000100000000000000010");
/// assert_eq!("00000000100000100000000000000010".parse(), Ok(id));
/// assert_eq!(Pfid::from_bytes(&id.to_bytes()), Ok(id));
/// # Ok::<(), prefactor_pfid::PfidError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pfid([u8; Pfid::BYTES]);

impl Pfid {
    /// Length of the binary form.
    pub const BYTES: usize = 20;

    /// Length of the text, in characters and in bytes.
    pub const CHARACTERS: usize = 32;

    /// Puts a time in Unix milliseconds, a partition and a random part together.
    ///
    /// # Errors
    /// [`PfidError::Timestamp`] when the time does not fit in 48 bits.
    #[inline]
    pub fn from_parts(unix_ms: u64, partition: Partition, random: [u8; 10]) -> Result<Self, PfidError> {
        Ok(Stem::new(unix_ms, random)?.with_partition(partition))
    }

    #[inline]
    pub(crate) const fn from_stem(stem: Stem, partition: Partition) -> Self {
        let [a, b, c, d, e, f, r @ ..] = stem.as_u128().to_be_bytes();
        let [w, x, y, z] = partition.get().to_be_bytes();
        Self([a, b, c, d, e, f, w, x, y, z, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9]])
    }

    /// Reads the binary form: 20 bytes, big-endian.
    ///
    /// # Errors
    /// [`PfidError::BinaryLength`] when there are more or fewer bytes, [`PfidError::Padding`] when one of the two bits
    /// before the partition is set (other implementations drop these bits without a word: API contract, Identifiers).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PfidError> {
        let bytes: [u8; Self::BYTES] =
            bytes.try_into().map_err(|_| PfidError::BinaryLength { found: bytes.len() })?;
        match bytes[6] >> 6 {
            0 => Ok(Self(bytes)),
            bits => Err(PfidError::Padding { bits }),
        }
    }

    /// The binary form: 6 bytes of time, 4 of partition, 10 random, big-endian.
    #[must_use]
    #[inline]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// The time, in milliseconds since the Unix epoch.
    #[must_use]
    #[inline]
    pub const fn timestamp_ms(self) -> u64 {
        self.stem().timestamp_ms()
    }

    /// The partition of the account that the id belongs to.
    #[must_use]
    #[inline]
    pub const fn partition(self) -> Partition {
        let [_, _, _, _, _, _, w, x, y, z, ..] = self.0;
        Partition::from_low_bits(u32::from_be_bytes([w, x, y, z]))
    }

    /// The 80 random bits, big-endian.
    #[must_use]
    #[inline]
    pub const fn random(self) -> [u8; 10] {
        self.stem().random()
    }

    /// The id without its partition.
    #[must_use]
    #[inline]
    pub const fn stem(self) -> Stem {
        let [a, b, c, d, e, f, _, _, _, _, random @ ..] = self.0;
        Stem::from_parts_in_range(u64::from_be_bytes([0, 0, a, b, c, d, e, f]), random)
    }

    /// The text in ASCII, without allocating. Cheaper than [`encode_to`](Self::encode_to), where bytes will do.
    #[must_use]
    #[inline]
    pub fn encode(self) -> [u8; Self::CHARACTERS] {
        let mut text = [0; Self::CHARACTERS];
        let (stem, partition) = (self.stem(), self.partition());
        text[..10].copy_from_slice(&stem.encode_time());
        text[10..16].copy_from_slice(&crockford::encode::<6>(partition.get().into()));
        text[16..].copy_from_slice(&stem.encode_random());
        text
    }

    /// Writes the text into a buffer and returns it as a string, without allocating.
    ///
    /// ```
    /// # let id: prefactor_pfid::Pfid = "013xrzp12g3nqk8n04hmasw9nf6yy093".parse().unwrap();
    /// let mut buffer = [0; 32];
    /// assert_eq!(id.encode_to(&mut buffer), "013xrzp12g3nqk8n04hmasw9nf6yy093");
    /// ```
    #[inline]
    pub fn encode_to(self, buffer: &mut [u8; Self::CHARACTERS]) -> &str {
        *buffer = self.encode();
        crockford::text(buffer)
    }

    /// Reads 32 digits, the first of which is known to be at most 7.
    fn decode(text: &[u8; Self::CHARACTERS]) -> Option<Self> {
        let (time, partition) = (crockford::decode(&text[..10])?, crockford::decode(&text[10..16])?);
        let (high, low) = (crockford::decode(&text[16..24])?, crockford::decode(&text[24..])?);
        let stem = Stem::from_u128(u128::from(time) << 80 | u128::from(high) << 40 | u128::from(low));
        Some(stem.with_partition(Partition::from_low_bits(partition as u32)))
    }
}

impl FromStr for Pfid {
    type Err = PfidError;

    /// Reads the text, in lower, upper or mixed case.
    ///
    /// # Errors
    /// [`PfidError::Length`], [`PfidError::Character`] or [`PfidError::TimeOverflow`].
    fn from_str(text: &str) -> Result<Self, PfidError> {
        let decoded = match <&[u8; Self::CHARACTERS]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes[0] <= b'7' => Self::decode(bytes),
            _ => None,
        };
        decoded.ok_or_else(|| fault(text))
    }
}

/// What is wrong with a text that could not be read.
fn fault(text: &str) -> PfidError {
    let found = text.chars().count();
    if found != Pfid::CHARACTERS {
        return PfidError::Length { found };
    }
    match text.chars().enumerate().find(|(_, character)| !crockford::is_digit(*character)) {
        Some((position, found)) => PfidError::Character { found, position },
        None => PfidError::TimeOverflow { found: text.chars().next().unwrap_or_default() },
    }
}

impl fmt::Display for Pfid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode_to(&mut [0; Self::CHARACTERS]))
    }
}

impl fmt::Debug for Pfid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pfid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "013xrzp12g3nqk8n04hmasw9nf6yy093";
    const BYTES: [u8; 20] = [
        0x01, 0x1f, 0x71, 0xfb, 0x04, 0x50, 0x07, 0x5b, 0xcd, 0x15, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
        0xef, 0x01, 0x23,
    ];

    #[test]
    fn text_and_bytes_say_the_same() {
        let id: Pfid = TEXT.parse().unwrap();

        assert_eq!(id.to_bytes(), BYTES);
        assert_eq!(Pfid::from_bytes(&BYTES), Ok(id));
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(format!("{id:?}"), format!("Pfid({TEXT})"));
        assert_eq!(format!("{id:>34}"), format!("  {TEXT}"));
    }

    #[test]
    fn the_parts_are_found_again() {
        let id: Pfid = TEXT.parse().unwrap();

        assert_eq!(id.timestamp_ms(), 0x011f_71fb_0450);
        assert_eq!(id.partition().get(), 123_456_789);
        assert_eq!(id.random(), BYTES[10..]);
        assert_eq!(Pfid::from_parts(id.timestamp_ms(), id.partition(), id.random()), Ok(id));
    }

    #[test]
    fn upper_case_is_read_and_never_written() {
        let id: Pfid = TEXT.to_uppercase().parse().unwrap();

        assert_eq!(id.to_string(), TEXT);
    }

    #[test]
    fn the_error_says_what_is_wrong_and_where() {
        let at = |position: usize, character: char| -> String {
            TEXT.chars().enumerate().map(|(i, c)| if i == position { character } else { c }).collect()
        };

        assert_eq!("".parse::<Pfid>(), Err(PfidError::Length { found: 0 }));
        assert_eq!(TEXT[1..].parse::<Pfid>(), Err(PfidError::Length { found: 31 }));
        assert_eq!(at(0, '8').parse::<Pfid>(), Err(PfidError::TimeOverflow { found: '8' }));
        assert_eq!(at(0, 'Z').parse::<Pfid>(), Err(PfidError::TimeOverflow { found: 'Z' }));
        for (position, found) in
            [(0, 'l'), (9, 'i'), (10, 'o'), (15, 'u'), (16, '-'), (23, ' '), (24, 'ü'), (31, 'I')]
        {
            assert_eq!(at(position, found).parse::<Pfid>(), Err(PfidError::Character { found, position }));
        }
    }

    #[test]
    fn the_kelvin_sign_is_no_k() {
        let text = TEXT.replace('k', "\u{212a}");

        assert_eq!(text.parse::<Pfid>(), Err(PfidError::Character { found: '\u{212a}', position: 13 }));
    }

    #[test]
    fn padding_bits_must_be_zero() {
        for bits in 1..=3 {
            let mut bytes = BYTES;
            bytes[6] |= bits << 6;
            assert_eq!(Pfid::from_bytes(&bytes), Err(PfidError::Padding { bits }));
        }
        assert_eq!(Pfid::from_bytes(&BYTES[..19]), Err(PfidError::BinaryLength { found: 19 }));
    }
}
