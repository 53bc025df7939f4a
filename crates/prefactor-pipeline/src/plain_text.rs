//! Where the plain text of a JSON string ends, found sixteen bytes at a time: what is written and what is read ask it alike.

const CHUNK: usize = 16;

/// How many bytes at the beginning are neither a quote, nor a backslash, nor a control character.
#[inline(always)]
pub(crate) fn plain_len(text: &[u8]) -> usize {
    let (chunks, tail) = text.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        if let Some(at) = first_mark(chunk) {
            return index * CHUNK + at;
        }
    }
    if tail.is_empty() { text.len() } else { plain_len_at_end(text) }
}

/// The same, where all chunks are plain: the last bytes are looked at with some before them, or some of them twice.
#[inline(never)]
fn plain_len_at_end(text: &[u8]) -> usize {
    let len = text.len();
    let from_end = |size, at| len + at - size;
    if let Some(chunk) = text.last_chunk() {
        first_mark(chunk).map_or(len, |at| from_end(CHUNK, at))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let in_last = || word::first_mark(last).map_or(len, |at| from_end(word::LEN, at));
        word::first_mark(first).unwrap_or_else(in_last)
    } else if let (Some([a, b, c, d]), Some([w, x, y, z])) = (text.first_chunk(), text.last_chunk()) {
        let found = word::first_mark(&[*a, *b, *c, *d, *w, *x, *y, *z]);
        found.map_or(len, |at| if at < 4 { at } else { from_end(word::LEN, at) })
    } else {
        text.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')).unwrap_or(len)
    }
}

/// The place of the first byte that is not plain.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn first_mark(chunk: &[u8; CHUNK]) -> Option<usize> {
    use safe_arch::{
        cmp_eq_mask_i8_m128i, load_unaligned_m128i, min_u8_m128i, move_mask_i8_m128i, set_splat_i8_m128i,
    };

    let bytes = load_unaligned_m128i(chunk);
    let quotes = cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(b'"' as i8));
    let backslashes = cmp_eq_mask_i8_m128i(bytes, set_splat_i8_m128i(b'\\' as i8));
    let controls = cmp_eq_mask_i8_m128i(bytes, min_u8_m128i(bytes, set_splat_i8_m128i(0x1f)));
    let marks = move_mask_i8_m128i(quotes | backslashes | controls);
    (marks != 0).then(|| marks.trailing_zeros() as usize)
}

/// The same, where there are no instructions for a chunk as a whole: word by word.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    use super::{CHUNK, word};

    pub(super) fn first_mark(chunk: &[u8; CHUNK]) -> Option<usize> {
        let (words, _) = chunk.as_chunks();
        let found = words.iter().map(word::first_mark).enumerate();
        found.filter_map(|(index, at)| Some(index * word::LEN + at?)).next()
    }
}

#[cfg(not(target_arch = "x86_64"))]
use portable::first_mark;

/// The same for a word.
mod word {
    pub(super) const LEN: usize = 8;

    #[inline]
    pub(super) const fn first_mark(word: &[u8; LEN]) -> Option<usize> {
        match marks(u64::from_le_bytes(*word)) {
            0 => None,
            marks => Some(marks.trailing_zeros() as usize / 8),
        }
    }

    /// The highest bit of each byte that is not plain. Those above the lowest such byte may be wrong, since the subtractions
    /// borrow from them.
    const fn marks(word: u64) -> u64 {
        const ONES: u64 = u64::from_le_bytes([1; LEN]);
        const HIGH: u64 = ONES << 7;
        const fn zeros(word: u64) -> u64 {
            word.wrapping_sub(ONES) & !word
        }
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        (control | zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64))) & HIGH
    }
}

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
    fn words_say_the_same_as_chunks() {
        for at in 0..CHUNK {
            for byte in 0..=u8::MAX {
                let mut chunk = [b'a'; CHUNK];
                chunk[at] = byte;
                assert_eq!(portable::first_mark(&chunk), first_mark(&chunk), "{byte} at {at}");
                chunk[at..].fill(byte);
                assert_eq!(portable::first_mark(&chunk), first_mark(&chunk), "{byte} from {at}");
            }
        }
    }
}
