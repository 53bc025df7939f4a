//! When to try again: pure functions of what happened; time and randomness are arguments.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

/// How long to wait before a failed request is sent again.
///
/// Without a word from the server the wait grows exponentially, half of it random, so that clients that failed together do
/// not return together. A `Retry-After` is the least that is waited, plus up to a tenth of it for the same reason. In no
/// case is the wait longer than `max_delay`.
///
/// ```
/// use prefactor_http::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::default();
/// assert_eq!(policy.delay(0, None, 1.0), Duration::from_secs(1));
/// assert_eq!(policy.delay(2, None, 0.0), Duration::from_secs(2));
/// assert_eq!(policy.delay(0, Some(Duration::from_secs(30)), 0.0), Duration::from_secs(30));
/// assert_eq!(policy.delay(9, Some(Duration::from_secs(900)), 0.5), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    max_retries: u32,
    initial_delay: Duration,
    max_delay: Duration,
    multiplier: f64,
}

impl RetryPolicy {
    /// Attempts after the first one, as in the existing clients (API contract, Transport).
    pub const DEFAULT_MAX_RETRIES: u32 = 3;
    /// The first wait, as in the existing clients.
    pub const DEFAULT_INITIAL_DELAY: Duration = Duration::from_secs(1);
    /// The longest wait, as in the existing clients.
    pub const DEFAULT_MAX_DELAY: Duration = Duration::from_secs(60);
    /// Growth from one wait to the next, as in the existing clients.
    pub const DEFAULT_MULTIPLIER: f64 = 2.0;

    /// Share of a wait without `Retry-After` that is random.
    const JITTER: f64 = 0.5;
    /// Share of a `Retry-After` that is added at random.
    const SPREAD: f64 = 0.1;

    /// Attempts after the first one. 0 turns retries off.
    #[must_use]
    pub const fn with_max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// The first wait.
    #[must_use]
    pub const fn with_initial_delay(mut self, initial_delay: Duration) -> Self {
        self.initial_delay = initial_delay;
        self
    }

    /// The longest wait, also when the server asks for more.
    #[must_use]
    pub const fn with_max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Growth from one wait to the next. Anything below 1, or not a number, counts as 1: waits never shrink.
    #[must_use]
    pub const fn with_multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = if multiplier >= 1.0 { multiplier } else { 1.0 };
        self
    }

    /// Attempts after the first one.
    #[must_use]
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// The first wait.
    #[must_use]
    pub const fn initial_delay(&self) -> Duration {
        self.initial_delay
    }

    /// The longest wait.
    #[must_use]
    pub const fn max_delay(&self) -> Duration {
        self.max_delay
    }

    /// Growth from one wait to the next.
    #[must_use]
    pub const fn multiplier(&self) -> f64 {
        self.multiplier
    }

    /// The wait after the failed attempt of this number, counted from 0.
    ///
    /// `unit_random` is a fresh random number between 0 and 1.
    #[must_use]
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>, unit_random: f64) -> Duration {
        let max = self.max_delay.as_secs_f64();
        let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
        let grown = (self.initial_delay.as_secs_f64() * self.multiplier.powi(exponent)).min(max);
        let backoff = grown * (1.0 - Self::JITTER * (1.0 - unit_random));
        let asked = retry_after.map_or(0.0, |asked| asked.as_secs_f64() * (1.0 + Self::SPREAD * unit_random));
        Duration::try_from_secs_f64(backoff.max(asked)).unwrap_or(self.max_delay).min(self.max_delay)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: Self::DEFAULT_MAX_RETRIES,
            initial_delay: Self::DEFAULT_INITIAL_DELAY,
            max_delay: Self::DEFAULT_MAX_DELAY,
            multiplier: Self::DEFAULT_MULTIPLIER,
        }
    }
}

/// Reads a `Retry-After` header in both of its forms, a number of seconds or an HTTP date; `now` is what the date is
/// compared with. A date in the past means at once. `None` when it is neither.
///
/// ```
/// use prefactor_http::parse_retry_after;
/// use std::time::Duration;
///
/// let now = "2024-05-01T12:00:00Z".parse()?;
/// assert_eq!(parse_retry_after("7", now), Some(Duration::from_secs(7)));
/// assert_eq!(parse_retry_after("Wed, 01 May 2024 12:00:30 GMT", now), Some(Duration::from_secs(30)));
/// assert_eq!(parse_retry_after("soon", now), None);
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[must_use]
pub fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean a very long time, too.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::from(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_714_564_800, 0).unwrap_or_default()
    }

    #[test]
    fn waits_grow_until_the_longest() {
        let policy = RetryPolicy::default();

        let waits = [0, 1, 2, 5, 6, 7, u32::MAX].map(|attempt| policy.delay(attempt, None, 1.0).as_secs());

        assert_eq!(waits, [1, 2, 4, 32, 60, 60, 60]);
    }

    #[test]
    fn half_of_a_wait_is_random() {
        let policy = RetryPolicy::default();

        assert_eq!(policy.delay(0, None, 0.0), SECOND / 2);
        assert_eq!(policy.delay(0, None, 0.5), SECOND * 3 / 4);
    }

    #[test]
    fn retry_after_is_the_least_that_is_waited() {
        let policy = RetryPolicy::default();

        assert_eq!(policy.delay(0, Some(SECOND * 20), 0.0), SECOND * 20);
        assert_eq!(policy.delay(0, Some(SECOND * 20), 1.0), SECOND * 22);
        assert_eq!(policy.delay(4, Some(SECOND), 1.0), SECOND * 16);
        assert_eq!(policy.delay(0, Some(Duration::ZERO), 1.0), SECOND);
    }

    #[test]
    fn nothing_waits_longer_than_the_longest() {
        let policy = RetryPolicy::default();

        assert_eq!(policy.delay(0, Some(Duration::MAX), 1.0), SECOND * 60);
        assert_eq!(policy.with_max_delay(Duration::ZERO).delay(3, Some(SECOND), 1.0), Duration::ZERO);
        assert_eq!(
            policy.with_max_delay(Duration::MAX).delay(u32::MAX, Some(Duration::MAX), 1.0),
            Duration::MAX
        );
    }

    #[test]
    fn waits_never_shrink() {
        for multiplier in [0.5, -1.0, f64::NAN] {
            assert_eq!(RetryPolicy::default().with_multiplier(multiplier).delay(5, None, 1.0), SECOND);
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        for (value, seconds) in [
            ("0", 0),
            (" 120 ", 120),
            ("99999999999999999999999", u64::MAX),
            ("Wed, 01 May 2024 12:00:30 GMT", 30),
            ("Wednesday, 01-May-24 12:01:00 GMT", 60),
            ("Wed May  1 12:00:05 2024", 5),
            ("Wed, 01 May 2024 11:59:00 GMT", 0),
        ] {
            assert_eq!(parse_retry_after(value, noon()), Some(Duration::from_secs(seconds)), "{value}");
        }
        for value in ["", "-1", "1.5", "1s", "2024-05-01T12:00:30Z", "Wed, 32 May 2024 12:00:30 GMT"] {
            assert_eq!(parse_retry_after(value, noon()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds(
            attempt: u32, asked in prop::option::of(any::<u64>()), random in 0.0..=1.0_f64,
            initial in 0..100_000_u64, max in 0..100_000_u64, multiplier in 0.0..1e9_f64,
        ) {
            let policy = RetryPolicy::default()
                .with_initial_delay(Duration::from_millis(initial))
                .with_max_delay(Duration::from_millis(max))
                .with_multiplier(multiplier);
            let asked = asked.map(Duration::from_millis);

            let wait = policy.delay(attempt, asked, random);

            prop_assert!(wait <= policy.max_delay());
            prop_assert!(wait >= asked.unwrap_or_default().min(policy.max_delay()));
        }
    }
}
