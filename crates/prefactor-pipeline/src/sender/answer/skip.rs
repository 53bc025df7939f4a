//! Finds where an array or an object ends, 64 bytes at a time. Nothing is looked at but quotes, backslashes and brackets.
//!
//! Where each string begins is not known until the one before has ended. Here no string waits for another: the quotes of a
//! block are found at once, and what is within strings follows from them by arithmetic, as simdjson does it.

use super::block::{self, Glance, Marks};

/// What is behind an array or an object, where `json` is what is behind its first bracket, or behind any of its values or commas.
/// `None` where it does not end.
///
/// That is right for all that is JSON, and for JSON that was cut short. Of what is no JSON it finds some end, or `None`: any
/// closing bracket closes any other, and between them may be anything.
pub(super) fn behind_brackets(json: &[u8]) -> Option<&[u8]> {
    let mut place = Place { depth: 1, in_string: 0, is_escaped: 0 };
    let (blocks, tail) = json.as_chunks();
    for (index, block) in blocks.iter().enumerate() {
        if let Some(end) = place.end_in(block) {
            return Some(&json[index * block::LEN + end..]);
        }
    }
    let mut block = [b' '; block::LEN];
    block[..tail.len()].copy_from_slice(tail);
    place.end_in(&block).map(|end| &tail[end..])
}

/// What is known of the place between two blocks.
struct Place {
    /// The brackets that are open: a number, so depth costs nothing and has no limit.
    depth: usize,
    /// All bits if it is within a string, and none if not.
    in_string: u64,
    /// One if a backslash stands before it that is not escaped itself, and nought if not.
    is_escaped: u64,
}

impl Place {
    /// Goes on behind a block. If what is skipped ends in it, tells behind how many of its bytes.
    #[inline(always)]
    fn end_in(&mut self, block: &[u8; block::LEN]) -> Option<usize> {
        let Glance { has_odd_quotes, has_marks } = block::glance(block);
        if !has_marks && self.is_escaped == 0 {
            self.in_string ^= u64::from(has_odd_quotes).wrapping_neg();
            return None;
        }
        let Marks { quotes, backslashes, brackets } = block::marks(block);
        let (escaped, is_next_escaped) = escaped(backslashes, self.is_escaped);
        let in_strings = prefix_xor(quotes & !escaped) ^ self.in_string;
        self.is_escaped = is_next_escaped;
        self.in_string = (in_strings.cast_signed() >> 63).cast_unsigned();
        let mut brackets = brackets & !in_strings;
        while brackets != 0 {
            let at = brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            if matches!(block[at], b'{' | b'[') {
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        None
    }
}

/// The bytes that a backslash stands before which is not escaped itself, and whether the one behind the block is such a byte.
#[inline(always)]
const fn escaped(backslashes: u64, is_first_escaped: u64) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    if backslashes == 0 {
        return (is_first_escaped, 0);
    }
    // In a run of them every other one escapes. One subtraction borrows through all runs, and so tells apart those that
    // begin in an odd place and in an even one.
    let escaping = backslashes & !is_first_escaped;
    let toggled = (escaping << 1 | ODD).wrapping_sub(escaping) ^ ODD;
    (toggled ^ (backslashes | is_first_escaped), (toggled & backslashes) >> 63)
}

/// Each bit becomes the parity of itself and all below it.
#[inline(always)]
const fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}

#[cfg(test)]
mod tests;
