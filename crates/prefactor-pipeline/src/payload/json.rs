//! Encoded JSON on its way to a request.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// JSON text in a block that it shares with others. Its `Debug` shows the length alone: content appears in nobody's log.
#[derive(Clone)]
pub(crate) struct Json {
    block: Block,
    len: u32,
    /// Only the first text of a block can be a large one.
    start: u16,
    /// Whether it holds a sensitive value, so that the item must say `sensitive_encoding`.
    sensitive: bool,
}

/// Texts, one behind the other, from the moment when there are all of them.
type Block = Arc<OnceLock<Vec<u8>>>;

impl Json {
    /// A copy of a text that is too large to be copied while others wait for the lock of their common blocks.
    pub(crate) fn alone_if_large(text: &[u8]) -> Option<Self> {
        (text.len() > JsonBlocks::LARGEST).then(|| Self::from(text))
    }

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
        let mut blocks = JsonBlocks::default();
        let json = blocks.keep(text);
        blocks.seal();
        json
    }
}

impl Deref for Json {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = usize::from(self.start);
        let text = self.block.get().and_then(|block| block.get(start..start + self.len()));
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
    block: Option<Block>,
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
    const LARGEST: usize = 16 * 1024;

    /// Copies a text, of a length that an operation may have.
    pub(crate) fn keep(&mut self, text: &[u8]) -> Json {
        if self.texts.capacity() - self.texts.len() < text.len() {
            self.begin(text.len());
        }
        let (start, len) = (self.texts.len() as u16, text.len() as u32);
        self.texts.extend_from_slice(text);
        self.kept += text.len();
        Json { block: Arc::clone(self.block.get_or_insert_default()), len, start, sensitive: false }
    }

    /// Begins a block for a text of so many bytes.
    fn begin(&mut self, bytes: usize) {
        self.seal_block();
        // What is expected, or else as much again: a block holds little beside what is in it, also where texts are few.
        let more = self.expected.saturating_sub(self.kept).max(self.kept);
        self.texts = Vec::with_capacity(bytes.max(more.min(Self::LARGEST)));
    }

    fn seal_block(&mut self) {
        if let Some(block) = self.block.take() {
            let _ = block.set(std::mem::take(&mut self.texts));
        }
    }

    /// Makes all texts so far readable.
    pub(crate) fn seal(&mut self) {
        self.seal_block();
        self.expected = std::mem::take(&mut self.kept);
    }
}

impl fmt::Debug for JsonBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_what_they_are() {
        let mut blocks = JsonBlocks::default();
        let texts: Vec<Vec<u8>> = (0..200_u8).map(|n| vec![n; usize::from(n) * 997 % 9_000]).collect();

        let kept: Vec<Json> = texts.iter().map(|text| blocks.keep(text)).collect();
        blocks.seal();

        assert!(kept.iter().zip(&texts).all(|(kept, text)| **kept == **text));
    }

    #[test]
    fn a_block_fits_a_text_alone_and_what_is_expected() {
        let mut blocks = JsonBlocks::default();

        blocks.keep(&[b'1'; 100]);
        assert_eq!(blocks.texts.capacity(), 100);
        blocks.keep(&[b'1'; 200]);
        blocks.seal();
        blocks.keep(&[b'1'; 100]);
        assert_eq!(blocks.texts.capacity(), 300);
    }

    #[test]
    fn a_block_is_not_larger_than_what_was_kept_before() {
        let mut blocks = JsonBlocks::default();
        for _ in 0..1_000 {
            let kept = blocks.kept;
            blocks.keep(&[b'1'; 100]);
            assert!(blocks.texts.capacity() <= kept.clamp(100, JsonBlocks::LARGEST));
        }
    }

    #[test]
    fn nothing_is_held_between_seals() {
        let mut blocks = JsonBlocks::default();
        let json = blocks.keep(b"{}");
        blocks.seal();

        assert_eq!(blocks.texts.capacity(), 0);
        assert_eq!(Arc::strong_count(&json.block), 1);
    }
}
