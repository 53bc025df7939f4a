//! JSON's strings and their escapes.

use crate::payload::buffer::{Buffer, put};
use crate::plain_text::{CHUNK, marks, padded};

/// Longer texts are escaped in parts of so many bytes, each of which gets its room.
const PART: usize = 256;

/// Appends the key of a member, and what stands around it.
#[inline(always)]
pub(super) fn member(out: &mut Buffer, is_first: bool, key: &str) {
    let key = key.as_bytes();
    // What `fill` does, but for the closure, which would not be inlined.
    let room = out.room(most(key) + 4);
    let room = if is_first { put(room, b"\"") } else { put(room, b",\"") };
    let rest = put(escape(room, key), b"\":").len();
    out.leave(rest);
}

/// Appends a string with its quotes.
pub(in crate::payload) fn text(out: &mut Buffer, text: &str) {
    let text = text.as_bytes();
    if text.len() <= PART {
        out.fill(most(text) + 2, |room| put(escape(put(room, b"\""), text), b"\""));
    } else {
        long_text(out, text);
    }
}

#[inline(never)]
fn long_text(out: &mut Buffer, text: &[u8]) {
    out.push(b'"');
    for part in text.chunks(PART) {
        out.fill(most(part), |room| escape(room, part));
    }
    out.push(b'"');
}

/// Bytes of room that the escaped text takes at the most.
#[inline(always)]
const fn most(text: &[u8]) -> usize {
    6 * text.len() + CHUNK
}

/// Writes the text of a string, without quotes around it.
#[inline(always)]
fn escape<'r>(room: &'r mut [u8], text: &[u8]) -> &'r mut [u8] {
    if text.len() < CHUNK && write_chunk(room, padded(text)) == 0 {
        &mut room[text.len()..]
    } else {
        escape_chunks(room, text)
    }
}

/// The same for what is long or has escapes.
#[inline(never)]
fn escape_chunks<'r>(mut room: &'r mut [u8], mut text: &[u8]) -> &'r mut [u8] {
    while let Some(chunk) = text.first_chunk() {
        match write_chunk(room, *chunk) {
            0 => (room, text) = (&mut room[CHUNK..], &text[CHUNK..]),
            marks => (room, text) = escape_first(room, text, marks),
        }
    }
    while !text.is_empty() {
        match write_chunk(room, padded(text)) {
            0 => return &mut room[text.len()..],
            marks => (room, text) = escape_first(room, text, marks),
        }
    }
    room
}

/// Writes the escape of the first byte that needs one, behind what is plain.
#[inline(always)]
fn escape_first<'r, 't>(room: &'r mut [u8], text: &'t [u8], marks: u32) -> (&'r mut [u8], &'t [u8]) {
    let at = marks.trailing_zeros() as usize;
    (write_escape(&mut room[at..], text[at]), &text[at + 1..])
}

/// Writes a chunk as it is, and tells where it needs escapes.
#[inline(always)]
fn write_chunk(room: &mut [u8], chunk: [u8; CHUNK]) -> u32 {
    room[..CHUNK].copy_from_slice(&chunk);
    marks(&chunk)
}

#[inline(always)]
fn write_escape(room: &mut [u8], byte: u8) -> &mut [u8] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    /// The letters that stand for control characters.
    const LETTERS: &[u8; 32] = b"uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
    let letter = LETTERS.get(usize::from(byte)).copied().unwrap_or(byte);
    let room = put(room, &[b'\\', letter]);
    if letter == b'u' {
        put(room, &[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
    } else {
        room
    }
}
