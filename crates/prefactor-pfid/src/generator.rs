use crate::{Clock, Partition, Pfid, Randomness, Stem, SystemRandomness, WallClock};

/// Makes ids that only ever grow.
///
/// In a new millisecond the random part is drawn afresh. In the same millisecond, or when the clock has gone back, the
/// next id is the previous one plus one, carried into the time if need be: so ids of one generator sort in the order
/// in which they were made. (At 2⁴⁸ milliseconds, in the year 10889, a generator stays at the last id.)
///
/// ```
/// use prefactor_pfid::{Generator, Partition};
///
/// let mut times = [5, 5, 4, 6].into_iter();
/// let mut generator = Generator::new(move || times.next().unwrap_or(9), |random: &mut [u8; 10]| random.fill(7));
///
/// let ids: Vec<_> = (0..4).map(|_| generator.generate(Partition::MAX)).collect();
///
/// assert!(ids.is_sorted_by(|a, b| a < b));
/// assert_eq!(ids[2].timestamp_ms(), 5);
/// ```
#[derive(Debug)]
pub struct Generator<C = WallClock, R = SystemRandomness> {
    clock: C,
    randomness: R,
    last: Option<Stem>,
}

impl Generator {
    /// Reads the wall clock and is seeded by the operating system.
    #[must_use]
    pub fn system() -> Self {
        Self::new(WallClock, SystemRandomness::new())
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::system()
    }
}

impl<C, R: Randomness> Generator<C, R> {
    /// Takes its time and its randomness from the given sources.
    pub const fn new(clock: C, randomness: R) -> Self {
        Self { clock, randomness, last: None }
    }

    /// The next stem, for a caller who has read the clock already. Times beyond 48 bits count as the last one.
    #[inline]
    pub fn next_stem_at(&mut self, unix_ms: u64) -> Stem {
        let unix_ms = unix_ms.min(Stem::MAX_TIMESTAMP_MS);
        let stem = match self.last {
            Some(last) if last.timestamp_ms() >= unix_ms => last.successor(),
            _ => self.fresh(unix_ms),
        };
        self.last = Some(stem);
        stem
    }

    fn fresh(&mut self, unix_ms: u64) -> Stem {
        let mut random = [0; 10];
        self.randomness.fill(&mut random);
        Stem::from_parts_in_range(unix_ms, random)
    }
}

impl<C: Clock, R: Randomness> Generator<C, R> {
    /// The next stem: an id whose partition is still open.
    pub fn next_stem(&mut self) -> Stem {
        let unix_ms = self.clock.unix_ms();
        self.next_stem_at(unix_ms)
    }

    /// The next id.
    pub fn generate(&mut self, partition: Partition) -> Pfid {
        self.next_stem().with_partition(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(random: [u8; 10]) -> Generator<(), impl Randomness> {
        Generator::new((), move |bytes: &mut [u8; 10]| *bytes = random)
    }

    #[test]
    fn a_new_millisecond_draws_afresh() {
        let mut generator = generator([3; 10]);

        assert_eq!(Ok(generator.next_stem_at(1)), Stem::new(1, [3; 10]));
        assert_eq!(Ok(generator.next_stem_at(2)), Stem::new(2, [3; 10]));
    }

    #[test]
    fn the_same_millisecond_and_a_clock_that_goes_back_count_on() {
        let mut generator = generator([0; 10]);

        let stems = [5, 5, 4, 0, 5].map(|unix_ms| generator.next_stem_at(unix_ms).as_u128());

        assert_eq!(stems, [0, 1, 2, 3, 4].map(|n| 5 << 80 | n));
    }

    #[test]
    fn an_exhausted_millisecond_carries_into_the_time() {
        let mut generator = generator([0xff; 10]);
        generator.next_stem_at(5);

        let carried = generator.next_stem_at(5);
        let next = generator.next_stem_at(6);

        assert_eq!(Ok(carried), Stem::new(6, [0; 10]));
        assert_eq!(Ok(next), Stem::new(6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn a_clock_beyond_the_range_still_makes_growing_ids() {
        let mut generator = generator([0; 10]);

        let stems = [u64::MAX, u64::MAX, 1 << 48].map(|unix_ms| generator.next_stem_at(unix_ms));

        assert!(stems.is_sorted_by(|a, b| a < b));
        assert_eq!(stems[2].timestamp_ms(), Stem::MAX_TIMESTAMP_MS);
    }
}
