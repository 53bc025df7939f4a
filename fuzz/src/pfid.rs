//! Ids as text and as bytes: what is read is what a digit-by-digit reading says, and is written again the same way.

use prefactor_pfid::Pfid;

const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The input is a text, and it is the binary form.
pub fn check(input: &[u8]) {
    if let Ok(text) = str::from_utf8(input) {
        match (text.parse::<Pfid>(), digits(text)) {
            (Ok(id), Some(digits)) => {
                assert_eq!(u128::from(id.timestamp_ms()), number(&digits[..10]));
                assert_eq!(u128::from(id.partition().get()), number(&digits[10..16]));
                let mut random = [0; 16];
                random[6..].copy_from_slice(&id.random());
                assert_eq!(u128::from_be_bytes(random), number(&digits[16..]));
                assert_eq!(id.to_string(), text.to_ascii_lowercase());
                assert_eq!(Pfid::from_bytes(&id.to_bytes()), Ok(id));
                assert_eq!(id.stem().with_partition(id.partition()), id);
            }
            (Err(error), None) => assert!(!error.to_string().is_empty()),
            (read, expected) => panic!("{read:?} of digits {expected:?}"),
        }
    }
    match Pfid::from_bytes(input) {
        Ok(id) => {
            assert_eq!(id.to_bytes(), input);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        Err(_) => assert!(input.len() != Pfid::BYTES || input[6] >> 6 != 0),
    }
}

/// The digits of a text that is an id: 32, of which the first has three bits.
fn digits(text: &str) -> Option<Vec<u128>> {
    let digit = |character: char| {
        let place = ALPHABET.find(character.to_ascii_lowercase())?;
        character.is_ascii().then_some(place as u128)
    };
    let digits: Vec<_> = text.chars().map(digit).collect::<Option<_>>()?;
    (digits.len() == Pfid::CHARACTERS && digits[0] < 8).then_some(digits)
}

fn number(digits: &[u128]) -> u128 {
    digits.iter().fold(0, |number, digit| number * 32 + digit)
}
