//! Rate limits as token buckets. Pure: the time is an argument.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Answers 429 to what goes beyond a rate, with the seconds until there is room again in `Retry-After`.
///
/// Each rate is a token bucket: it fills at the rate, holds the burst (a second's worth when not set) and starts full.
/// A bulk request of more items than the burst waits for a full bucket and leaves it in debt, so that it gets through.
/// A request that is refused takes nothing out.
///
/// ```
/// use prefactor_emulator::{Faults, RateLimit};
///
/// let in_code = Faults::new()
///     .rate_limit(RateLimit::new().requests_per_s(20.0).requests_burst(40.0).items_per_s(1_000.0));
/// let in_json = r#"{ "rate_limit": { "requests_per_s": 20, "requests_burst": 40, "items_per_s": 1000 } }"#;
///
/// assert_eq!(in_json.parse::<Faults>()?, in_code);
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimit {
    requests_per_s: Option<f64>,
    requests_burst: Option<f64>,
    items_per_s: Option<f64>,
    items_burst: Option<f64>,
}

impl RateLimit {
    /// No limit yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many requests a second, whatever they ask for.
    #[must_use]
    pub fn requests_per_s(mut self, rate: f64) -> Self {
        self.requests_per_s = Some(rate);
        self
    }

    /// So many requests at once after a quiet time.
    #[must_use]
    pub fn requests_burst(mut self, requests: f64) -> Self {
        self.requests_burst = Some(requests);
        self
    }

    /// So many actions a second: the items of bulk requests, and single calls.
    #[must_use]
    pub fn items_per_s(mut self, rate: f64) -> Self {
        self.items_per_s = Some(rate);
        self
    }

    /// So many actions at once after a quiet time.
    #[must_use]
    pub fn items_burst(mut self, items: f64) -> Self {
        self.items_burst = Some(items);
        self
    }

    /// The first number that makes no sense.
    pub(super) fn wrong(&self) -> Option<(&'static str, f64)> {
        let above_zero = [
            ("rate_limit.requests_per_s", self.requests_per_s, f64::MIN_POSITIVE),
            ("rate_limit.requests_burst", self.requests_burst, 1.0),
            ("rate_limit.items_per_s", self.items_per_s, f64::MIN_POSITIVE),
            ("rate_limit.items_burst", self.items_burst, 1.0),
        ];
        above_zero.into_iter().find_map(|(name, value, least)| {
            value.filter(|value| !(value.is_finite() && *value >= least)).map(|value| (name, value))
        })
    }

    pub(super) fn requests(&self) -> Option<Bucket> {
        self.requests_per_s.map(|rate| Bucket::new(rate, self.requests_burst))
    }

    pub(super) fn items(&self) -> Option<Bucket> {
        self.items_per_s.map(|rate| Bucket::new(rate, self.items_burst))
    }
}

/// What may pass now.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    /// When the tokens were counted; nothing has passed before it is set.
    counted: Option<Instant>,
}

impl Bucket {
    fn new(rate: f64, burst: Option<f64>) -> Self {
        // Values out of range, which only code can give, count as the nearest that make sense.
        let rate = if rate.is_finite() { rate.max(f64::MIN_POSITIVE) } else { f64::MAX };
        let burst = burst.unwrap_or(rate).max(1.0);
        Self { rate, burst, tokens: burst, counted: None }
    }

    /// Takes `count` tokens, or says how long it takes until there are as many.
    pub(super) fn take(&mut self, count: usize, now: Instant) -> Result<(), Duration> {
        let passed = self.counted.map_or(0.0, |then| now.saturating_duration_since(then).as_secs_f64());
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.counted = Some(now);
        let count = count as f64;
        let missing = count.min(self.burst) - self.tokens;
        // Rounding must not make a waiter come back for a sliver.
        if missing > 1e-6 {
            return Err(Duration::try_from_secs_f64(missing / self.rate).unwrap_or(Duration::MAX));
        }
        self.tokens -= count;
        Ok(())
    }
}

/// Whole seconds for `Retry-After`, never too few.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn the_burst_passes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, Some(3.0));

        let at_once = (0..5).filter(|_| bucket.take(1, start).is_ok()).count();
        let later = (1..=1_000).filter(|ms| bucket.take(1, after(start, *ms)).is_ok()).count();

        assert_eq!(at_once, 3);
        assert_eq!(later, 10);
    }

    #[test]
    fn a_refusal_says_when_there_is_room_and_takes_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::new(2.0, Some(4.0));
        bucket.take(4, start).unwrap();

        assert_eq!(bucket.take(3, start), Err(Duration::from_millis(1_500)));
        assert_eq!(bucket.take(3, after(start, 1_000)), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(3, after(start, 1_500)), Ok(()));
    }

    #[test]
    fn what_is_larger_than_the_burst_waits_for_a_full_bucket_and_leaves_a_debt() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, Some(10.0));

        assert_eq!(bucket.take(30, start), Ok(()));
        assert_eq!(bucket.take(1, start), Err(Duration::from_millis(2_100)));
        assert!(bucket.take(30, after(start, 2_900)).is_err());
        assert_eq!(bucket.take(30, after(start, 3_000)), Ok(()));
    }

    #[test]
    fn a_quiet_time_fills_no_more_than_the_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, Some(2.0));
        bucket.take(2, start).unwrap();

        let passed = (0..10).filter(|_| bucket.take(1, after(start, 60_000)).is_ok()).count();

        assert_eq!(passed, 2);
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::from_millis(2_001)), 3);
    }
}
