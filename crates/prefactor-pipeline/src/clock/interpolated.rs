//! The system's clock, which is only asked once in a while: in between, the processor's ticks are counted.
//!
//! To ask it takes a tenth of what a span costs its caller (`docs/decisions/0017-ticks-between-looks-at-the-clock.md`). No more ticks are
//! trusted than a millisecond had, and only where they have just gone by as evenly as the system's clock: a clock that was set, a
//! machine that moved, and ticks that change their pace are noticed then.

/// Nanoseconds that ticks are good for, and that it takes at least to find out how long one of them is.
const STRETCH: u64 = 1_000_000;

/// So many ticks may pass while the system's clock is asked, less than a microsecond with most processors. With more the thread was
/// interrupted, and nobody knows which of them belong to the time.
const LONGEST_LOOK: u64 = 1_000;

/// Two stretches in a row have the same pace if it differs by less than this part: a microsecond in each stretch.
const EVENNESS: u64 = 1_000;

/// Fractions of a nanosecond, so that a pace is a whole number.
const FRACTION_BITS: u32 = 32;

/// Times are in nanoseconds. A thread has one of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interpolated {
    /// When the system's clock was last asked for good, in its own time and in ticks.
    time: u64,
    ticks: u64,
    /// Fractions of nanoseconds in a tick, in the last stretch.
    pace: u64,
    /// How many ticks may be counted from there; none, where they can't be trusted.
    good_for: u64,
}

impl Interpolated {
    pub(super) const fn new() -> Self {
        Self { time: 0, ticks: 0, pace: 0, good_for: 0 }
    }

    /// Now. Both clocks are asked as often as needed.
    #[inline]
    pub(super) fn now(&mut self, ticks: impl Fn() -> u64, system: impl FnOnce() -> u64) -> u64 {
        let now = ticks();
        let passed = now.wrapping_sub(self.ticks);
        if passed < self.good_for {
            return self.time + ((passed * self.pace) >> FRACTION_BITS);
        }
        let time = system();
        self.look(time, now, ticks());
        time
    }

    /// Takes note of the system's time, which it was between two ticks.
    #[cold]
    fn look(&mut self, time: u64, before: u64, after: u64) {
        let look_took = after.wrapping_sub(before);
        let ticks = before.wrapping_add(look_took / 2);
        if time < self.time {
            *self = Self { time, ticks, ..Self::new() };
        }
        let elapsed = time - self.time;
        if elapsed < STRETCH || look_took > LONGEST_LOOK {
            self.good_for = 0;
            return;
        }
        let passed = ticks.wrapping_sub(self.ticks).max(1);
        let pace = (u128::from(elapsed) << FRACTION_BITS) / u128::from(passed);
        let pace = u64::try_from(pace).unwrap_or(u64::MAX).max(1);
        let is_even = pace.abs_diff(self.pace) < pace / EVENNESS;
        let good_for = if is_even { (STRETCH << FRACTION_BITS) / pace } else { 0 };
        *self = Self { time, ticks, pace, good_for };
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    /// Two clocks that are wound by hand, and how often the system's was asked.
    #[derive(Default)]
    struct Clocks {
        ticks: Cell<u64>,
        time: Cell<u64>,
        looks: Cell<u32>,
        /// Nanoseconds that pass behind each look.
        look_takes: Cell<u64>,
    }

    impl Clocks {
        fn new() -> Self {
            let clocks = Self::default();
            clocks.time.set(1_700_000_000_000_000_000);
            clocks.ticks.set(77);
            clocks
        }

        /// Lets time pass, with three ticks in a nanosecond.
        fn pass(&self, nanos: u64) {
            self.time.set(self.time.get() + nanos);
            self.ticks.set(self.ticks.get() + 3 * nanos);
        }

        fn read(&self, clock: &mut Interpolated) -> u64 {
            let system = || {
                self.looks.set(self.looks.get() + 1);
                let time = self.time.get();
                self.pass(self.look_takes.get());
                time
            };
            clock.now(|| self.ticks.get(), system)
        }

        /// How far off a reading is.
        fn error(&self, clock: &mut Interpolated) -> u64 {
            self.read(clock).abs_diff(self.time.get())
        }

        /// A clock that has found out how long a tick is.
        fn warm(&self) -> Interpolated {
            let mut clock = Interpolated::new();
            for _ in 0..3 {
                assert_eq!(self.error(&mut clock), 0);
                self.pass(2 * STRETCH);
            }
            assert_eq!(self.error(&mut clock), 0);
            self.looks.set(0);
            clock
        }
    }

    #[test]
    fn the_system_is_asked_once_in_a_stretch() {
        let clocks = Clocks::new();
        let mut clock = clocks.warm();

        for _ in 0..99_000 {
            clocks.pass(100);
            assert!(clocks.error(&mut clock) <= 1);
        }

        assert!((9..=11).contains(&clocks.looks.get()), "{} looks in ten stretches", clocks.looks.get());
    }

    #[test]
    fn before_the_pace_is_known_the_system_is_asked_each_time() {
        let clocks = Clocks::new();
        let mut clock = Interpolated::new();

        for _ in 0..1_000 {
            assert_eq!(clocks.error(&mut clock), 0);
            clocks.pass(STRETCH / 1_000);
        }

        assert_eq!(clocks.looks.get(), 1_000);
    }

    #[test]
    fn a_clock_that_is_set_is_followed_after_a_stretch() {
        for set_to in [1, 1_600_000_000_000_000_000, 1_700_000_000_500_000_000, 1_800_000_000_000_000_000] {
            let clocks = Clocks::new();
            let mut clock = clocks.warm();

            clocks.time.set(set_to);
            clocks.pass(STRETCH + 1);

            for _ in 0..10_000 {
                assert!(clocks.error(&mut clock) <= 1, "set to {set_to}");
                clocks.pass(1_000);
            }
        }
    }

    #[test]
    fn a_look_that_was_interrupted_is_not_built_upon() {
        let clocks = Clocks::new();
        let mut clock = clocks.warm();

        // The pace over so long a time would look even all the same.
        clocks.pass(10_000 * STRETCH);
        clocks.look_takes.set(LONGEST_LOOK);
        clocks.read(&mut clock);
        clocks.look_takes.set(0);

        for _ in 0..10_000 {
            assert!(clocks.error(&mut clock) <= 1);
            clocks.pass(1_000);
        }
    }

    proptest! {
        /// Whatever ticks do, they lead no further away from what the system's clock last said than a stretch.
        #[test]
        fn ticks_never_lead_far(
            steps in proptest::collection::vec((0_u64..20_000_000, 0_u64..5_000_000), 1..200),
        ) {
            let clocks = Clocks::new();
            let mut clock = clocks.warm();
            let mut seen = clocks.time.get();
            for (ticks, nanos) in steps {
                clocks.ticks.set(clocks.ticks.get().wrapping_add(ticks).wrapping_sub(5_000_000));
                clocks.time.set(clocks.time.get() + nanos);
                let looks = clocks.looks.get();
                let time = clocks.read(&mut clock);
                if clocks.looks.get() > looks {
                    seen = clocks.time.get();
                }
                prop_assert!((seen..=seen + STRETCH).contains(&time), "{time} after {seen}");
            }
        }
    }
}
