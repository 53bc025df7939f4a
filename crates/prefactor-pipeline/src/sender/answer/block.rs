//! What may end a value nobody asks for, looked for in 64 bytes at once.

pub(super) const LEN: usize = 64;

/// What a glance at a block tells. Most of them have to be looked at no closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glance {
    pub(super) has_odd_quotes: bool,
    /// Whether it may have a bracket or a backslash: `|` is taken for one.
    pub(super) has_marks: bool,
}

/// Where these bytes stand: a bit for each byte of the block, the lowest for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// All four of them: opening and closing, of arrays and objects.
    pub(super) brackets: u64,
}

/// The bit that is set in `{` and `}` and not in `[` and `]`, which are the same for the rest. The backslash between those becomes
/// the `|` between these.
const CURLY: u8 = b'{' ^ b'[';

#[cfg(target_arch = "x86_64")]
mod chunks {
    use safe_arch::{
        cmp_eq_mask_i8_m128i, load_unaligned_m128i, m128i, min_u8_m128i, move_mask_i8_m128i,
        set_splat_i8_m128i, sub_i8_m128i,
    };

    use super::{CURLY, Glance, LEN, Marks};

    #[inline(always)]
    pub(in super::super) fn glance(block: &[u8; LEN]) -> Glance {
        let (mut quotes, mut lowest) = (m128i::default(), splat(u8::MAX));
        for bytes in chunks(block) {
            // Two in the same place of two chunks are none: that makes no odd.
            quotes ^= equal(bytes, b'"');
            lowest = min_u8_m128i(lowest, sub_i8_m128i(curly(bytes), splat(b'{')));
        }
        // From `{` on it is none, one and two up to `}`.
        let marks = cmp_eq_mask_i8_m128i(lowest, min_u8_m128i(lowest, splat(b'}' - b'{')));
        Glance {
            has_odd_quotes: move_mask_i8_m128i(quotes).count_ones() % 2 == 1,
            has_marks: move_mask_i8_m128i(marks) != 0,
        }
    }

    #[inline(always)]
    pub(in super::super) fn marks(block: &[u8; LEN]) -> Marks {
        let mut marks = Marks::default();
        for (index, bytes) in chunks(block).enumerate() {
            let bits = |found| (move_mask_i8_m128i(found) as u64) << (16 * index);
            marks.quotes |= bits(equal(bytes, b'"'));
            marks.backslashes |= bits(equal(bytes, b'\\'));
            marks.brackets |= bits(equal(curly(bytes), b'{') | equal(curly(bytes), b'}'));
        }
        marks
    }

    #[inline(always)]
    fn chunks(block: &[u8; LEN]) -> impl Iterator<Item = m128i> {
        block.as_chunks().0.iter().map(load_unaligned_m128i)
    }

    #[inline(always)]
    fn splat(byte: u8) -> m128i {
        set_splat_i8_m128i(byte as i8)
    }

    #[inline(always)]
    fn equal(bytes: m128i, byte: u8) -> m128i {
        cmp_eq_mask_i8_m128i(bytes, splat(byte))
    }

    #[inline(always)]
    fn curly(bytes: m128i) -> m128i {
        bytes | splat(CURLY)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use chunks::{glance, marks};

/// The same, where there are no instructions for many bytes: word by word.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    use super::{CURLY, Glance, LEN, Marks};
    use crate::words::{ONES, equal, gather};

    pub(in super::super) fn glance(block: &[u8; LEN]) -> Glance {
        let (mut quotes, mut marks) = (0, 0);
        for bytes in words(block) {
            quotes ^= equal(bytes, b'"');
            marks |= equal(curly(bytes), b'{') | equal(curly(bytes), b'|') | equal(curly(bytes), b'}');
        }
        Glance { has_odd_quotes: quotes.count_ones() % 2 == 1, has_marks: marks != 0 }
    }

    pub(in super::super) fn marks(block: &[u8; LEN]) -> Marks {
        let mut marks = Marks::default();
        for (index, bytes) in words(block).enumerate() {
            let bits = |found| u64::from(gather(found)) << (8 * index);
            marks.quotes |= bits(equal(bytes, b'"'));
            marks.backslashes |= bits(equal(bytes, b'\\'));
            marks.brackets |= bits(equal(curly(bytes), b'{') | equal(curly(bytes), b'}'));
        }
        marks
    }

    fn words(block: &[u8; LEN]) -> impl Iterator<Item = u64> {
        block.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
    }

    const fn curly(bytes: u64) -> u64 {
        bytes | (ONES * CURLY as u64)
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) use words::{glance, marks};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_in_every_place() {
        for byte in 0..=u8::MAX {
            for around in [b'a', b'"', b'{', 0, 0xff] {
                for at in 0..LEN {
                    let mut block = [around; LEN];
                    block[at] = byte;
                    let where_any = |bytes: &[u8]| {
                        let found = block.iter().map(|found| u64::from(bytes.contains(found)));
                        found.rev().fold(0, |bits, bit| bits << 1 | bit)
                    };
                    let expected = Marks {
                        quotes: where_any(b"\""),
                        backslashes: where_any(b"\\"),
                        brackets: where_any(b"[]{}"),
                    };
                    let glanced = Glance {
                        has_odd_quotes: expected.quotes.count_ones() % 2 == 1,
                        has_marks: where_any(b"[]{}\\|") != 0,
                    };
                    let told = format!("{byte} at {at} of {around}");
                    assert_eq!((glance(&block), marks(&block)), (glanced, expected), "{told}");
                    assert_eq!((words::glance(&block), words::marks(&block)), (glanced, expected), "{told}");
                }
            }
        }
    }
}
