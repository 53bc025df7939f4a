//! Wall-clock time as the API wants it: RFC 3339 in UTC, to the microsecond.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(any(test, target_arch = "x86_64"))]
mod interpolated;

/// As good as for ever, and no danger to the arithmetic of clocks: the longest wait of any kind.
pub(crate) const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A moment, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    pub(crate) const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Now; the epoch itself where the system clock stands before it.
    #[inline]
    pub(crate) fn now() -> Self {
        Self(now_in_nanos() / 1_000)
    }

    pub(crate) const fn as_micros(self) -> u64 {
        self.0
    }

    pub(crate) const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// The time that has passed since an earlier moment; nothing, where the clock has gone back.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Writes moments as RFC 3339. What it wrote last is at hand for the next one, which is in the same second as a rule.
#[derive(Debug)]
pub(crate) struct Rfc3339 {
    second: u64,
    text: [u8; 27],
}

impl Rfc3339 {
    pub(crate) const fn new() -> Self {
        Self { second: 0, text: *b"1970-01-01T00:00:00.000000Z" }
    }

    /// The moment, for example `2026-01-02T03:04:05.678901Z`. The end of the year 9999 stands for all that come after it, which
    /// RFC 3339 can't write.
    #[inline]
    pub(crate) fn write(&mut self, at: Timestamp) -> &[u8; 27] {
        let moment = at.0.min(END_OF_9999);
        let (second, micros) = (moment / 1_000_000, moment % 1_000_000);
        if second != self.second {
            self.write_second(second);
        }
        self.write_pairs([(20, micros / 10_000), (22, micros / 100 % 100), (24, micros % 100)]);
        &self.text
    }

    #[inline(never)]
    fn write_second(&mut self, second: u64) {
        let (days, second_of_day) = (second / 86_400, second % 86_400);
        let (year, month, day) = civil_from_days(days);
        self.write_pairs([
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, second_of_day / 3_600),
            (14, second_of_day / 60 % 60),
            (17, second_of_day % 60),
        ]);
        self.second = second;
    }

    #[inline]
    fn write_pairs<const N: usize>(&mut self, pairs: [(usize, u64); N]) {
        for (at, number) in pairs {
            self.text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
        }
    }
}

/// Nanoseconds since the Unix epoch.
#[cfg(target_arch = "x86_64")]
#[inline]
fn now_in_nanos() -> u64 {
    use std::cell::Cell;

    use interpolated::Interpolated;

    thread_local! {
        static CLOCK: Cell<Interpolated> = const { Cell::new(Interpolated::new()) };
    }
    CLOCK.with(|kept| {
        let mut clock = kept.get();
        let now = clock.now(safe_arch::read_timestamp_counter, system_nanos);
        kept.set(clock);
        now
    })
}

#[cfg(not(target_arch = "x86_64"))]
use system_nanos as now_in_nanos;

fn system_nanos() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

const END_OF_9999: u64 = 253_402_300_799_999_999;

/// The digits of the numbers below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Years that begin in March, in eras of 400 years, so that the leap day is a year's last one.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_moment_stands_for_all_after_it() {
        assert_eq!(Rfc3339::new().write(Timestamp::from_micros(u64::MAX)), b"9999-12-31T23:59:59.999999Z");
    }

    /// Up to the year 9999, the last that RFC 3339 can write.
    fn moments() -> impl Strategy<Value = u64> {
        0_u64..253_402_300_800_000_000
    }

    proptest! {
        #[test]
        fn times_read_as_chrono_writes_them(first in moments(), then in moments(), passed in 0_u64..3_000_000) {
            let mut writer = Rfc3339::new();
            for micros in [first, first.saturating_sub(passed), then] {
                let expected = DateTime::from_timestamp_micros(micros as i64).expect("in range");
                prop_assert_eq!(
                    String::from_utf8_lossy(writer.write(Timestamp::from_micros(micros))),
                    expected.to_rfc3339_opts(SecondsFormat::Micros, true)
                );
            }
        }
    }
}
