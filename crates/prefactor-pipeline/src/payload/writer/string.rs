//! JSON's escapes, found eight bytes at a time.

/// Appends a key, or a name, with its quotes.
pub(in crate::payload) fn key(out: &mut Vec<u8>, key: &str) {
    out.push(b'"');
    escape(out, key);
    out.push(b'"');
}

/// Appends the text of a string, without quotes around it.
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (clean, escaped) = rest.split_at(clean_len(rest));
        out.extend_from_slice(clean);
        let Some((byte, after)) = escaped.split_first() else { return };
        write_escape(out, *byte);
        rest = after;
    }
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// How many bytes at the beginning need no escape.
fn clean_len(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let found = escapes(u64::from_le_bytes(*word));
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    if tail.is_empty() || escapes(last_word(text)) == 0 {
        return text.len();
    }
    let in_tail = tail.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
    text.len() - tail.len() + in_tail.unwrap_or(tail.len())
}

/// A word of all bytes behind the whole words, with some before them or some of them twice.
fn last_word(text: &[u8]) -> u64 {
    if let Some(word) = text.last_chunk() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    let at = |index| text.get(index).copied().unwrap_or(b' ');
    u64::from_le_bytes([at(0), at(1), at(2), b' ', b' ', b' ', b' ', b' '])
}

/// The highest bit of each byte that needs an escape. Those above the lowest such byte may be wrong, since the
/// subtractions borrow from them.
const fn escapes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64))) & HIGH
}
