//! JSON's strings and their escapes.

use crate::plain_text::{CHUNK, marks, padded};

/// Appends a key, or a name, with its quotes.
pub(in crate::payload) fn key(out: &mut Vec<u8>, key: &str) {
    out.push(b'"');
    escape(out, key);
    out.push(b'"');
}

/// Appends the text of a string, without quotes around it.
#[inline]
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    if text.len() < CHUNK { escape_chunk(out, padded(text), text.len()) } else { escape_chunks(out, text) }
}

#[inline(never)]
fn escape_chunks(out: &mut Vec<u8>, text: &[u8]) {
    let (chunks, tail) = text.as_chunks();
    for chunk in chunks {
        escape_chunk(out, *chunk, CHUNK);
    }
    escape_chunk(out, padded(tail), tail.len());
}

/// Appends so many bytes of a chunk.
#[inline(always)]
fn escape_chunk(out: &mut Vec<u8>, chunk: [u8; CHUNK], len: usize) {
    match marks(&chunk) {
        0 => append(out, chunk, len),
        marks => escape_marks(out, chunk, len, marks),
    }
}

#[inline(never)]
fn escape_marks(out: &mut Vec<u8>, chunk: [u8; CHUNK], mut len: usize, mut marks: u32) {
    let mut rest = u128::from_le_bytes(chunk);
    while marks != 0 {
        let at = marks.trailing_zeros();
        append(out, rest.to_le_bytes(), at as usize);
        rest >>= 8 * at;
        write_escape(out, rest as u8);
        rest >>= 8;
        marks = marks >> at >> 1;
        len -= at as usize + 1;
    }
    append(out, rest.to_le_bytes(), len);
}

/// Appends the first bytes of a chunk: all of it is copied, and what is too much taken back, since a copy whose length only shows
/// now would take longer.
#[inline(always)]
fn append(out: &mut Vec<u8>, chunk: [u8; CHUNK], len: usize) {
    let end = out.len() + len;
    out.extend_from_slice(&chunk);
    out.truncate(end);
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
