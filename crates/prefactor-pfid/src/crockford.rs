//! Crockford Base32, most significant group first: table look-ups on groups of five bits.

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

/// Writes the low `5 × N` bits of `value`, N at most 12.
#[inline]
pub(crate) fn encode<const N: usize>(value: u64) -> [u8; N] {
    std::array::from_fn(|i| ALPHABET[(value >> (5 * (N - 1 - i)) & 31) as usize])
}

/// Reads up to 12 digits; `None` when one of them is not in the alphabet.
#[inline]
pub(crate) fn decode(text: &[u8]) -> Option<u64> {
    let mut value = 0;
    let mut seen = 0;
    for &byte in text {
        let digit = DIGITS[byte as usize];
        seen |= digit;
        value = value << 5 | u64::from(digit & 31);
    }
    (seen != INVALID).then_some(value)
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
        assert_eq!(&encode::<3>(1), b"001");
        assert_eq!(&encode::<3>(32), b"010");
        assert_eq!(&encode::<2>(u64::MAX), b"zz");
    }

    #[test]
    fn every_digit_is_read_in_both_cases() {
        for (digit, byte) in ALPHABET.iter().enumerate() {
            assert_eq!(decode(&[*byte]), Some(digit as u64));
            assert_eq!(decode(&[byte.to_ascii_uppercase()]), Some(digit as u64));
        }
    }

    #[test]
    fn there_are_no_aliases() {
        for byte in b"iIlLoOuU-_ =\0\x7f" {
            assert_eq!(decode(&[*byte]), None, "{:?}", *byte as char);
            assert!(!is_digit(*byte as char));
        }
    }
}
