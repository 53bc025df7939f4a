//! Encoded JSON on its way to a request.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::SpareBlocks;

/// JSON text in a block that it shares with others. Its `Debug` shows the length alone: content appears in nobody's log.
#[derive(Clone)]
pub(crate) struct Json {
    block: Arc<Block>,
    len: u32,
    /// Where it begins in its block: only the first text of a block can be a large one.
    start: u16,
    /// Whether it holds a sensitive value, so that the item must say `sensitive_encoding`.
    sensitive: bool,
}

/// Texts, one behind the other.
struct Block {
    /// From the moment when there are all of them.
    texts: OnceLock<Vec<u8>>,
    /// Where the block goes then. A text that is alone has a block of its own size, which nobody else could use.
    pool: Option<Arc<SpareBlocks>>,
}

impl Drop for Block {
    fn drop(&mut self) {
        if let (Some(pool), Some(texts)) = (&self.pool, self.texts.take()) {
            pool.give_back(texts);
        }
    }
}

impl Json {
    /// Bytes of the largest text that goes into a block with others.
    pub(crate) const LARGEST_SHARED: usize = JsonBlocks::LARGEST;

    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// The same text, sensitive or not.
    pub(crate) fn marked(self, sensitive: bool) -> Self {
        Self { sensitive, ..self }
    }

    pub(crate) const fn is_sensitive(&self) -> bool {
        self.sensitive
    }
}

impl From<&[u8]> for Json {
    fn from(text: &[u8]) -> Self {
        let block = Block { texts: OnceLock::from(text.to_vec()), pool: None };
        Self { block: Arc::new(block), len: text.len() as u32, start: 0, sensitive: false }
    }
}

impl Deref for Json {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = usize::from(self.start);
        let text = self.block.texts.get().and_then(|block| block.get(start..start + self.len()));
        debug_assert!(text.is_some(), "nobody reads what is not sealed yet");
        text.unwrap_or_default()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.len)
    }
}

/// Keeps texts that come and go together in common blocks of memory: a block of its own for each would cost most of what a
/// call costs, above all when another thread frees it.
///
/// A text can be read when its block is sealed: when the next one is begun, or with [`Self::seal`]. A block is given back
/// with the last of its texts.
#[derive(Default)]
pub(crate) struct JsonBlocks {
    block: Option<Arc<Block>>,
    /// What will be in the block.
    texts: Vec<u8>,
    /// Bytes of all texts so far.
    kept: usize,
    /// Bytes that there were between the last two seals: about as many will come.
    expected: usize,
}

const _: () = assert!(JsonBlocks::LARGEST <= u16::MAX as usize, "a text says where in its block it starts");

impl JsonBlocks {
    /// Bytes that a block has at most, but for one with a larger text. They can be counted in a text's `start`.
    const LARGEST: usize = SpareBlocks::BLOCK_LEN;

    /// Copies a text, of a length that an operation may have.
    pub(crate) fn keep(&mut self, text: &[u8], spare: &Arc<SpareBlocks>) -> Json {
        if self.texts.capacity() - self.texts.len() < text.len() {
            self.begin(text.len(), spare);
        }
        let (start, len) = (self.texts.len() as u16, text.len() as u32);
        self.texts.extend_from_slice(text);
        self.kept += text.len();
        fetch(self.texts.spare_capacity_mut());
        let new_block = || Arc::new(Block { texts: OnceLock::new(), pool: Some(Arc::clone(spare)) });
        Json { block: Arc::clone(self.block.get_or_insert_with(new_block)), len, start, sensitive: false }
    }

    /// Begins a block for a text of so many bytes.
    fn begin(&mut self, bytes: usize, spare: &SpareBlocks) {
        self.seal_block();
        // What is expected, or else as much again: a block holds little beside what is in it, also where texts are few.
        let more = self.expected.saturating_sub(self.kept).max(self.kept);
        self.texts = match bytes.max(more.min(Self::LARGEST)) {
            Self::LARGEST => spare.take(),
            capacity => Vec::with_capacity(capacity),
        };
    }

    fn seal_block(&mut self) {
        if let Some(block) = self.block.take() {
            let _ = block.texts.set(std::mem::take(&mut self.texts));
        }
    }

    /// Makes all texts so far readable.
    pub(crate) fn seal(&mut self) {
        self.seal_block();
        self.expected = std::mem::take(&mut self.kept);
    }
}

/// Asks for the memory that the next text goes to, which another core has read as a rule: it is here by the time that text is
/// made, and nobody waits for it with the lock in his hands.
#[cfg(target_arch = "x86_64")]
fn fetch(room: &[MaybeUninit<u8>]) {
    const LINE: usize = 64;
    const LINES: usize = 8;
    for line in room.chunks(LINE).take(LINES) {
        safe_arch::prefetch_t0(&line[0]);
    }
}

#[cfg(not(target_arch = "x86_64"))]
const fn fetch(_: &[MaybeUninit<u8>]) {}

impl fmt::Debug for JsonBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare() -> Arc<SpareBlocks> {
        Arc::default()
    }

    #[test]
    fn texts_stay_what_they_are() {
        let mut blocks = JsonBlocks::default();
        let texts: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n; usize::from(n) * 997 % 9_000]).collect();

        let kept: Vec<Json> = texts.iter().map(|text| blocks.keep(text, &spare())).collect();
        blocks.seal();

        assert!(kept.iter().zip(&texts).all(|(kept, text)| **kept == **text));
    }

    #[test]
    fn a_block_fits_a_text_alone_and_what_is_expected() {
        let mut blocks = JsonBlocks::default();

        blocks.keep(&[b'1'; 100], &spare());
        assert_eq!(blocks.texts.capacity(), 100);
        blocks.keep(&[b'1'; 200], &spare());
        blocks.seal();
        blocks.keep(&[b'1'; 100], &spare());
        assert_eq!(blocks.texts.capacity(), 300);
    }

    #[test]
    fn a_block_is_not_larger_than_what_was_kept_before() {
        let mut blocks = JsonBlocks::default();
        for _ in 0..1_000 {
            let kept = blocks.kept;
            blocks.keep(&[b'1'; 100], &spare());
            assert!(blocks.texts.capacity() <= kept.clamp(100, JsonBlocks::LARGEST));
        }
    }

    #[test]
    fn a_block_is_used_again_when_the_last_of_its_texts_is_gone() {
        let spare = Arc::new(SpareBlocks::for_budget(1 << 20));
        let mut blocks = JsonBlocks::default();
        let mut keep = |text: &[u8]| {
            let json = blocks.keep(text, &spare);
            blocks.seal();
            json
        };
        let large = [b'1'; JsonBlocks::LARGEST];

        let first = keep(&large);
        let (other, memory) = (first.clone(), first.as_ptr());
        drop(first);
        let second = keep(&large);
        assert_ne!(second.as_ptr(), memory, "one text is still there");
        drop(other);
        // The allocator would give it to who asks next.
        let _from_allocator = Vec::<u8>::with_capacity(JsonBlocks::LARGEST);
        let third = keep(&large);

        assert_eq!(third.as_ptr(), memory);
        assert_eq!(*second, large);
    }

    #[test]
    fn nothing_is_held_between_seals() {
        let mut blocks = JsonBlocks::default();
        let json = blocks.keep(b"{}", &spare());
        blocks.seal();

        assert_eq!(blocks.texts.capacity(), 0);
        assert_eq!(Arc::strong_count(&json.block), 1);
    }
}
