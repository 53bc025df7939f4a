//! A buffer of the thread, so that writing JSON costs no allocation.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

/// A buffer that grew beyond this many bytes is given back to the allocator, so that one huge payload does not stay
/// with every thread.
const MAX_KEPT: usize = 64 * 1024;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty at first; another one where a payload's own code calls a handle, or the thread is ending.
pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    pub(super) fn take() -> Self {
        Self(KEPT.try_with(Cell::take).unwrap_or_default())
    }

    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.capacity() <= MAX_KEPT {
            let mut buffer = std::mem::take(&mut self.0);
            buffer.clear();
            let _ = KEPT.try_with(|kept| kept.set(buffer));
        }
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.0.len())
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
