//! Eight bytes at a time, in one number, for processors without instructions for more of them.

/// One in each byte.
pub(crate) const ONES: u64 = u64::from_le_bytes([1; 8]);

/// The highest bit of each byte that is this one, and no other bit.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = ONES * 0x7f;
    let zeros = word ^ (ONES * byte as u64);
    // No sum is larger than a byte: nothing is carried from one into the next.
    !(((zeros & LOW_BITS) + LOW_BITS) | zeros | LOW_BITS)
}

/// Those highest bits side by side, the first byte's being the lowest.
pub(crate) const fn gather(found: u64) -> u8 {
    // The product has each of them in its highest byte, and nothing is carried into that.
    ((found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}
