//! Hashing of ids: 80 of their bits are random already, so a part of them is the hash.

use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type RandomKeyed = BuildHasherDefault<RandomKeyHasher>;

/// Takes the last of the two `u64` that an id hashes as: its low 64 bits.
#[derive(Debug, Default)]
pub(crate) struct RandomKeyHasher(u64);

impl Hasher for RandomKeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        // For keys of another shape, which do not occur: any spread of their bytes will do.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, half: u64) {
        // hashbrown takes the bucket from the low bits and its tag from the top seven; ids that were counted up
        // within a millisecond differ in the low bits only, which the multiplication carries to the top.
        self.0 = half.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
