//! A pool of the blocks of memory that texts are kept in.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

/// Empty blocks, to be used again. Memory that is given back to the allocator goes back to the system when a burst is over, and has
/// to be mapped anew for the next one, page by page (`docs/PERFORMANCE.md`). What stays here for long would keep the memory around it
/// from the system too, so half of it goes with each [`trim`](Self::trim).
///
/// Nobody waits for anybody: where two come at the same time, or one of them was left behind in the parent of a forked
/// process, the allocator helps out.
#[derive(Default)]
pub(crate) struct SpareBlocks {
    blocks: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl SpareBlocks {
    /// Bytes in a block.
    pub(super) const BLOCK_LEN: usize = 16 * 1024;

    /// Keeps a quarter of the budget at the most: what a burst leaves behind.
    pub(crate) fn for_budget(bytes: u64) -> Self {
        let most = bytes / 4 / Self::BLOCK_LEN as u64;
        Self { blocks: Mutex::default(), most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    /// An empty block.
    pub(super) fn take(&self) -> Vec<u8> {
        let spare = self.blocks().and_then(|mut blocks| blocks.pop());
        spare.unwrap_or_else(|| Vec::with_capacity(Self::BLOCK_LEN))
    }

    pub(super) fn give_back(&self, mut block: Vec<u8>) {
        if block.capacity() == Self::BLOCK_LEN
            && let Some(mut blocks) = self.blocks()
            && blocks.len() < self.most
        {
            block.clear();
            blocks.push(block);
        }
    }

    /// Gives half of the blocks back to the allocator, those first that were used the longest ago.
    pub(crate) fn trim(&self) {
        let half: Vec<_> = match self.blocks() {
            Some(mut blocks) => {
                let half = blocks.len().div_ceil(2);
                blocks.drain(..half).collect()
            }
            None => return,
        };
        // Nobody who needs a block waits for the allocator meanwhile.
        drop(half);
    }

    /// Whether there are none. Not while somebody puts one in or takes one out.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks().is_some_and(|blocks| blocks.is_empty())
    }

    fn blocks(&self) -> Option<MutexGuard<'_, Vec<Vec<u8>>>> {
        self.blocks.try_lock().ok()
    }
}

impl fmt::Debug for SpareBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} spare blocks", self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Vec<u8> {
        let mut block = Vec::with_capacity(SpareBlocks::BLOCK_LEN);
        block.extend_from_slice(b"{}");
        block
    }

    #[test]
    fn what_was_given_back_is_taken_again_and_empty() {
        let spare = SpareBlocks::for_budget(1 << 20);
        let block = block();
        let memory = block.as_ptr();

        spare.give_back(block);

        let again = spare.take();
        assert_eq!((again.as_ptr(), again.len()), (memory, 0));
        let other = spare.take();
        assert_ne!(other.as_ptr(), memory);
    }

    #[test]
    fn a_quarter_of_the_budget_is_kept_in_blocks_of_one_size() {
        let spare = SpareBlocks::for_budget(1 << 20);
        spare.give_back(Vec::with_capacity(SpareBlocks::BLOCK_LEN / 2));
        for _ in 0..20 {
            spare.give_back(block());
        }

        let blocks = spare.blocks().expect("nobody else is here");
        let kept: Vec<_> = blocks.iter().map(Vec::capacity).collect();

        assert_eq!(kept, [SpareBlocks::BLOCK_LEN; 16]);
    }

    #[test]
    fn half_of_the_blocks_go_each_time_until_there_are_none() {
        let spare = SpareBlocks::for_budget(1 << 20);
        (0..4).for_each(|_| spare.give_back(block()));

        let mut left = std::iter::repeat_with(|| {
            spare.trim();
            spare.blocks().expect("nobody else is here").len()
        });

        assert!(left.by_ref().take(3).eq([2, 1, 0]));
        assert!(spare.is_empty());
    }

    #[test]
    fn nobody_waits_for_somebody_who_never_comes_back() {
        let spare = SpareBlocks::for_budget(1 << 20);
        let in_the_parent = spare.blocks();

        spare.give_back(block());

        assert_eq!(spare.take().capacity(), SpareBlocks::BLOCK_LEN);
        drop(in_the_parent);
        assert!(spare.is_empty());
    }
}
