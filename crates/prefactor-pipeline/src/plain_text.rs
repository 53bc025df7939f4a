//! Where the plain text of a JSON string ends, found sixteen bytes at a time: what is written and what is read ask it alike.

/// Bytes that are looked at together.
pub(crate) const CHUNK: usize = 16;

/// How many bytes at the beginning are neither a quote, nor a backslash, nor a control character.
#[inline(always)]
pub(crate) fn plain_len(text: &[u8]) -> usize {
    let (chunks, tail) = text.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        if let Some(at) = first_mark(chunk) {
            return index * CHUNK + at;
        }
    }
    let before = text.len() - tail.len();
    first_mark(&padded(tail)).map_or(text.len(), |at| before + at)
}

/// Less than a chunk, with spaces behind it.
#[inline(always)]
pub(crate) fn padded(text: &[u8]) -> [u8; CHUNK] {
    const WORD: usize = 8;
    const SPACES: u64 = u64::from_le_bytes([b' '; WORD]);
    let len = text.len();
    // Spaces from a place on that is not at the end.
    let spaces_from = |at: usize| SPACES << (8 * at);
    // Two words, or parts of one, that overlap: no loop, and no copy of a length that is not known before.
    let (low, high) = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let behind = len - WORD;
        let rest = u64::from_le_bytes(*last).checked_shr(64 - 8 * behind as u32).unwrap_or_default();
        (u64::from_le_bytes(*first), rest | spaces_from(behind))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let last = u64::from(u32::from_le_bytes(*last)) << (8 * (len - 4));
        (u64::from(u32::from_le_bytes(*first)) | last | spaces_from(len), SPACES)
    } else if let [first, .., last] = text {
        let middle = u64::from(text[len / 2]) << (8 * (len / 2));
        (u64::from(*first) | middle | u64::from(*last) << (8 * (len - 1)) | spaces_from(len), SPACES)
    } else {
        (text.first().copied().map_or(SPACES, |only| u64::from(only) | spaces_from(1)), SPACES)
    };
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

/// The place of the first byte that is not plain.
#[inline(always)]
fn first_mark(chunk: &[u8; CHUNK]) -> Option<usize> {
    match marks(chunk) {
        0 => None,
        marks => Some(marks.trailing_zeros() as usize),
    }
}

/// A bit for each byte that is not plain, the first byte's being the lowest.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn marks(chunk: &[u8; CHUNK]) -> u32 {
    use safe_arch::{
        cmp_eq_mask_i8_m128i, load_unaligned_m128i, min_u8_m128i, move_mask_i8_m128i, set_splat_i8_m128i,
    };

    let bytes = load_unaligned_m128i(chunk);
    let quotes = cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(b'"' as i8));
    let backslashes = cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(b'\\' as i8));
    let controls = cmp_eq_mask_i8_m128i(bytes, min_u8_m128i(bytes, set_splat_i8_m128i(0x1f)));
    move_mask_i8_m128i(quotes | backslashes | controls) as u32
}

/// The same, where there are no instructions for a chunk as a whole: word by word.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::CHUNK;
    use crate::words::{ONES, equal, gather};

    pub(crate) fn marks(chunk: &[u8; CHUNK]) -> u32 {
        let (words, _) = chunk.as_chunks();
        let marks = words.iter().map(|word| {
            let word = u64::from_le_bytes(*word);
            let control = equal(word & (ONES * 0xe0), 0);
            gather(control | equal(word, b'"') | equal(word, b'\\'))
        });
        marks.rev().fold(0, |marks, word| marks << 8 | u32::from(word))
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use portable::marks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_in_every_place_of_every_length() {
        for len in 0..40 {
            assert_eq!(plain_len(&vec![b'a'; len]), len);
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
                    assert_eq!(plain_len(&text), if plain { len } else { at }, "{byte} at {at} of {len}");
                    // The first one counts.
                    text[at..].fill(byte);
                    assert_eq!(plain_len(&text), if plain { len } else { at }, "{byte} from {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn what_is_short_is_padded_with_spaces() {
        let text: Vec<_> = (1..=CHUNK as u8).collect();
        for len in 0..CHUNK {
            let mut expected = [b' '; CHUNK];
            expected[..len].copy_from_slice(&text[..len]);
            assert_eq!(padded(&text[..len]), expected, "{len} bytes");
        }
    }

    #[test]
    fn words_say_the_same_as_chunks() {
        for at in 0..CHUNK {
            for byte in 0..=u8::MAX {
                let mut chunk = [b'a'; CHUNK];
                chunk[at] = byte;
                assert_eq!(portable::marks(&chunk), marks(&chunk), "{byte} at {at}");
                chunk[at..].fill(byte);
                assert_eq!(portable::marks(&chunk), marks(&chunk), "{byte} from {at}");
            }
        }
    }
}
