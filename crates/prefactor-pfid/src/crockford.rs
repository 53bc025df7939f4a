//! Crockford Base32, most significant digit first: numbers of up to twelve digits of five bits each.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Marks bytes outside the alphabet.
const INVALID: i8 = -1;

/// The value of each byte as a digit.
const DIGITS: [i8; 256] = {
    let mut digits = [INVALID; 256];
    let mut digit = 0;
    while digit < 32 {
        digits[ALPHABET[digit] as usize] = digit as i8;
        digits[ALPHABET[digit].to_ascii_uppercase() as usize] = digit as i8;
        digit += 1;
    }
    digits
};

/// The text of each ten bits.
const PAIRS: [[u8; 2]; 1024] = {
    let mut pairs = [[0; 2]; 1024];
    let mut bits = 0;
    while bits < pairs.len() {
        pairs[bits] = [ALPHABET[bits / 32], ALPHABET[bits % 32]];
        bits += 1;
    }
    pairs
};

/// Writes the low bits of a number as so many digits.
#[inline]
pub(crate) fn encode<const N: usize>(number: u64) -> [u8; N] {
    const { assert!(N.is_multiple_of(2) && N <= 12, "digits are written in pairs, and have to fit") }
    let mut text = [0; N];
    let (pairs, _) = text.as_chunks_mut();
    for (place, pair) in pairs.iter_mut().rev().enumerate() {
        *pair = PAIRS[(number >> (10 * place) & 1023) as usize];
    }
    text
}

/// Reads a number; it is negative where a byte is not in the alphabet, which leaves its sign in all bits above.
#[inline]
pub(crate) fn decode<const N: usize>(text: &[u8; N]) -> i64 {
    const { assert!(N <= 12, "a sign has to fit beside the digits") }
    text.iter().fold(0, |number, byte| number << 5 | i64::from(DIGITS[usize::from(*byte)]))
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
        assert_eq!(&encode(u64::MAX), b"zzzzzzzzzz");
    }

    #[test]
    fn every_digit_is_written_in_every_place() {
        for place in 0..10 {
            for (digit, byte) in ALPHABET.iter().enumerate() {
                let mut expected = *b"zzzzzzzzzz";
                expected[place] = *byte;
                let shift = 5 * (9 - place);
                let number = !(31 << shift) | (digit as u64) << shift;

                assert_eq!(encode(number), expected);
                assert_eq!(decode(&expected).cast_unsigned(), number & ((1 << 50) - 1));
                assert_eq!(decode(&expected.map(|byte| byte.to_ascii_uppercase())), decode(&expected));
            }
        }
    }

    #[test]
    fn there_are_no_aliases() {
        for byte in (0..=255).filter(|byte: &u8| !ALPHABET.contains(&byte.to_ascii_lowercase())) {
            for place in 0..8 {
                let mut text = *b"00000000";
                text[place] = byte;
                assert!(decode(&text) < 0, "{:?}", byte as char);
            }
            assert!(!is_digit(byte as char));
        }
    }
}
