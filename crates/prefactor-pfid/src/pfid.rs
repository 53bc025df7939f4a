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
        // The partition goes between the time and the random part, of which 32 bits are behind the first 16 bytes.
        let random = stem.as_u128() & ((1 << 80) - 1);
        let time = stem.as_u128() ^ random;
        let first = time | (partition.get() as u128) << 48 | random >> 32;
        let mut bytes = [0; Self::BYTES];
        let (head, tail) = bytes.split_at_mut(16);
        head.copy_from_slice(&first.to_be_bytes());
        tail.copy_from_slice(&(random as u32).to_be_bytes());
        Self(bytes)
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

    /// Reads the text from bytes that need not be known to be text, in lower, upper or mixed case.
    ///
    /// ```
    /// # use prefactor_pfid::Pfid;
    /// assert_eq!(Pfid::from_ascii(b"013xrzp12g3nqk8n04hmasw9nf6yy093"), "013xrzp12g3nqk8n04hmasw9nf6yy093".parse());
    /// ```
    ///
    /// # Errors
    /// [`PfidError::Length`], [`PfidError::Character`] or [`PfidError::TimeOverflow`].
    #[inline]
    pub fn from_ascii(text: &[u8]) -> Result<Self, PfidError> {
        Self::decode(text).ok_or_else(|| fault(&String::from_utf8_lossy(text)))
    }

    fn decode(text: &[u8]) -> Option<Self> {
        if text.len() != Self::CHARACTERS || text[0] > b'7' {
            return None;
        }
        let [a, b, c, d] = text.as_chunks().0 else { return None };
        let [a, b, c, d] = [a, b, c, d].map(crockford::decode::<8>);
        // One look at all of them: a byte that is no digit makes its number negative.
        let [a, b, c, d] = ((a | b | c | d) >= 0).then_some([a, b, c, d].map(i64::cast_unsigned))?;
        // The digits of the time end within the second number, and those of the partition with it.
        let time = a << 10 | b >> 30;
        let stem = Stem::from_u128(u128::from(time) << 80 | u128::from(c) << 40 | u128::from(d));
        Some(stem.with_partition(Partition::from_low_bits(b as u32)))
    }
}

impl FromStr for Pfid {
    type Err = PfidError;

    /// Reads the text, in lower, upper or mixed case.
    ///
    /// # Errors
    /// [`PfidError::Length`], [`PfidError::Character`] or [`PfidError::TimeOverflow`].
    #[inline]
    fn from_str(text: &str) -> Result<Self, PfidError> {
        Self::decode(text.as_bytes()).ok_or_else(|| fault(text))
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
    fn bytes_are_read_as_the_text_that_they_are() {
        for text in
            [TEXT, &TEXT.to_uppercase(), &TEXT[1..], "", &TEXT.replace('x', "ü"), &TEXT.replace('x', "u")]
        {
            assert_eq!(Pfid::from_ascii(text.as_bytes()), text.parse(), "{text}");
        }
        let mut no_text = *b"013xrzp12g3nqk8n04hmasw9nf6yy093";
        no_text[4] = 0xff;
        assert_eq!(
            Pfid::from_ascii(&no_text),
            Err(PfidError::Character { found: char::REPLACEMENT_CHARACTER, position: 4 })
        );
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
