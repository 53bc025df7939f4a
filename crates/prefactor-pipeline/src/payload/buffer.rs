//! Where JSON is written to.

use std::fmt;
use std::io;
use std::ops::Deref;

/// Bytes that grow, in memory that was filled with zeros once and is used again: to append is a look for room and a copy. A `Vec`
/// would need a copy and then a cut for each chunk that counts in part.
#[derive(Default)]
pub(super) struct Buffer {
    /// What is behind the bytes is left from before.
    memory: Vec<u8>,
    len: usize,
}

impl Buffer {
    pub(super) fn capacity(&self) -> usize {
        self.memory.len()
    }

    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        self.append_array([byte]);
    }

    #[inline(always)]
    pub(super) fn append_array<const LEN: usize>(&mut self, bytes: [u8; LEN]) {
        self.fill(LEN, |room| put(room, &bytes));
    }

    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.fill(bytes.len(), |room| put(room, bytes));
    }

    /// Appends what `write` puts at the beginning of the room that it gets, which has so many bytes or more. It gives back the
    /// rest of that room.
    #[inline(always)]
    pub(super) fn fill(&mut self, most: usize, write: impl FnOnce(&mut [u8]) -> &mut [u8]) {
        let rest = write(self.room(most)).len();
        self.leave(rest);
    }

    /// The room behind the bytes, which has so many bytes or more.
    #[inline(always)]
    pub(super) fn room(&mut self, most: usize) -> &mut [u8] {
        if self.memory.len() - self.len < most {
            self.grow(most);
        }
        &mut self.memory[self.len..]
    }

    /// Appends what was put into the room, all but the last bytes of it.
    #[inline(always)]
    pub(super) fn leave(&mut self, rest: usize) {
        self.len = self.memory.len() - rest;
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        const LEAST: usize = 256;
        self.memory.resize((self.len + more).max(2 * self.memory.len()).max(LEAST), 0);
    }

    pub(super) fn insert(&mut self, at: usize, bytes: &[u8]) {
        let end = self.len;
        self.append(bytes);
        self.memory[at..self.len].rotate_right(self.len - end);
    }

    /// Keeps so many bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// Puts bytes at the beginning of some room, and gives back the rest of it.
#[inline(always)]
pub(super) fn put<'r>(room: &'r mut [u8], bytes: &[u8]) -> &'r mut [u8] {
    let (to, rest) = room.split_at_mut(bytes.len());
    to.copy_from_slice(bytes);
    rest
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_stands_behind_what_is_there() {
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        for n in 0..200_u8 {
            buffer.append(&vec![n; usize::from(n)]);
            buffer.append_array([n; 3]);
            buffer.push(n);
            expected.extend(vec![n; usize::from(n) + 4]);
            assert_eq!(*buffer, expected);
        }
    }

    #[test]
    fn room_that_is_not_used_is_left() {
        let mut buffer = Buffer::default();
        buffer.append(b"before");

        buffer.fill(1_000, |room| {
            room[..6].copy_from_slice(b"\0after");
            &mut room[1..]
        });
        assert_eq!(*buffer, *b"before\0");
        buffer.push(b'.');

        assert_eq!(*buffer, *b"before\0.");
    }

    #[test]
    fn bytes_are_inserted_and_cut_off() {
        let mut buffer = Buffer::default();
        buffer.append(b"[1]");

        buffer.insert(1, b"0,");
        assert_eq!(*buffer, *b"[0,1]");
        buffer.truncate(2);
        buffer.truncate(3);

        assert_eq!(*buffer, *b"[0");
    }
}
