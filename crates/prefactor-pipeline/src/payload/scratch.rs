//! A buffer of the thread, so that writing JSON costs no allocation.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use super::buffer::Buffer;

/// A buffer that grew beyond this many bytes is given back to the allocator, so that one huge payload does not stay
/// with every thread.
const MAX_KEPT: usize = 64 * 1024;

thread_local! {
    static KEPT: Cell<Option<Box<Buffer>>> = const { Cell::new(None) };
}

/// The thread's buffer, empty at first; another one where a payload's own code calls a handle, or the thread is ending.
pub(crate) struct Scratch(Option<Box<Buffer>>);

impl Scratch {
    pub(super) fn take() -> Self {
        Self(KEPT.try_with(Cell::take).unwrap_or_default())
    }

    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.0.get_or_insert_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(mut buffer) = self.0.take()
            && buffer.capacity() <= MAX_KEPT
        {
            buffer.truncate(0);
            let _ = KEPT.try_with(|kept| kept.set(Some(buffer)));
        }
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.len())
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |buffer| buffer)
    }
}
