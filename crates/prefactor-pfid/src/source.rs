use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where a [`Generator`](crate::Generator) reads the time. Every `FnMut() -> u64` is one.
pub trait Clock {
    /// Milliseconds since the Unix epoch. May stand still and may go back.
    fn unix_ms(&mut self) -> u64;
}

impl<F: FnMut() -> u64> Clock for F {
    fn unix_ms(&mut self) -> u64 {
        self()
    }
}

/// Where a [`Generator`](crate::Generator) gets random bits from. Every `FnMut(&mut [u8; 10])` is one.
pub trait Randomness {
    /// Fills all ten bytes.
    fn fill(&mut self, random: &mut [u8; 10]);
}

impl<F: FnMut(&mut [u8; 10])> Randomness for F {
    fn fill(&mut self, random: &mut [u8; 10]) {
        self(random);
    }
}

/// The system's wall clock. A time before 1970 counts as 0.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn unix_ms(&mut self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }
}

/// Fast pseudo-random bits, seeded once by the operating system. Unique, but not meant to be unguessable.
///
/// A process that forks without `exec` copies the state to its child: make a new one there.
#[derive(Debug)]
pub struct SystemRandomness {
    // Two generators, because one has 64 bits of state only and an id promises 80.
    high: fastrand::Rng,
    low: fastrand::Rng,
}

impl SystemRandomness {
    /// Seeds from the operating system.
    #[must_use]
    pub fn new() -> Self {
        Self { high: fastrand::Rng::with_seed(seed()), low: fastrand::Rng::with_seed(seed()) }
    }
}

impl Default for SystemRandomness {
    fn default() -> Self {
        Self::new()
    }
}

impl Randomness for SystemRandomness {
    #[inline]
    fn fill(&mut self, random: &mut [u8; 10]) {
        random[..8].copy_from_slice(&self.high.u64(..).to_be_bytes());
        random[8..].copy_from_slice(&self.low.u16(..).to_be_bytes());
    }
}

/// Where the operating system has no randomness to give yet, the keys of the standard library's hash maps stand in: an id
/// is better than none.
fn seed() -> u64 {
    getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sources_differ() {
        let (mut a, mut b) = ([0; 10], [0; 10]);

        SystemRandomness::new().fill(&mut a);
        SystemRandomness::new().fill(&mut b);

        assert_ne!(a, b);
    }

    #[test]
    fn the_wall_clock_counts_milliseconds() {
        // 2023-11-14, and a time that seconds or microseconds would miss by far.
        assert!((1_700_000_000_000..10_000_000_000_000).contains(&WallClock.unix_ms()));
    }
}
