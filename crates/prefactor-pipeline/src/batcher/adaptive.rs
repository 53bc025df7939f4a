//! A rate that is learnt from refusals: halved after each, raised step by step while there is none (additive increase,
//! multiplicative decrease). No clock: time is an argument.

use tokio::time::{Duration, Instant};

/// By which part of itself a halved rate grows in a second of work: after ten it is back where it was too much.
const GROWTH: f64 = 0.1;

/// Refusals that come within this time are one: all requests in flight are refused together.
const ONE_REFUSAL: Duration = Duration::from_secs(1);

/// Past this multiple of the rate at the first refusal, nothing is limited any more.
const FORGOTTEN: f64 = 4.0;

/// How fast something may go, as far as the API has objected so far.
#[derive(Debug)]
pub(crate) struct AdaptiveRate {
    /// The slowest it gets, per second.
    slowest: f64,
    /// What was sent per second lately: an average that forgets with a time constant of one second.
    recent: f64,
    last: Option<Instant>,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    per_second: f64,
    growth: f64,
    /// The rate at the first refusal.
    peak: f64,
    lowered_at: Instant,
    /// When the next may go.
    next: Instant,
}

impl AdaptiveRate {
    /// A rate without a limit, which refusals never make slower than `slowest` per second. What is slower than that is a
    /// pause, and `Retry-After` says how long.
    pub(crate) const fn new(slowest: f64) -> Self {
        Self { slowest, recent: 0.0, last: None, limit: None }
    }

    /// Whether something may be sent now, or how long to wait.
    pub(crate) fn check(&self, now: Instant) -> Result<(), Duration> {
        match &self.limit {
            Some(limit) if limit.next > now => Err(limit.next - now),
            _ => Ok(()),
        }
    }

    /// `count` of them are sent now.
    pub(crate) fn sent(&mut self, count: usize, now: Instant) {
        let count = count as f64;
        let passed = self.forget(now);
        self.recent += count;
        let Some(limit) = &mut self.limit else { return };
        // Only work shows what the API takes: a pause is no reason to go faster.
        limit.per_second += limit.growth * passed.min(1.0);
        if limit.per_second > limit.peak * FORGOTTEN {
            self.limit = None;
            return;
        }
        limit.next = limit.next.max(now) + Duration::from_secs_f64(count / limit.per_second);
    }

    /// The API has refused for the sake of a rate.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.forget(now);
        let recent = self.recent.max(self.slowest);
        let (tried, peak) = match &self.limit {
            Some(limit) if now < limit.lowered_at + ONE_REFUSAL => return,
            Some(limit) => (limit.per_second.min(recent), limit.peak),
            None => (recent, recent),
        };
        let per_second = (tried / 2.0).max(self.slowest);
        let growth = per_second * GROWTH;
        self.limit = Some(Limit { per_second, growth, peak, lowered_at: now, next: now });
    }

    /// Lets the average forget up to now; gives the seconds since the last time.
    fn forget(&mut self, now: Instant) -> f64 {
        let passed = self.last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        self.last = Some(now);
        self.recent *= (-passed).exp();
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(1);

    /// A server with a token bucket, and a client that would always send more.
    struct World {
        rate: AdaptiveRate,
        now: Instant,
        tokens: f64,
        allowed: f64,
    }

    impl World {
        fn new(allowed: f64) -> Self {
            Self { rate: AdaptiveRate::new(1.0), now: Instant::now(), tokens: allowed, allowed }
        }

        /// What got through and what was refused, per second, in the last of these seconds.
        fn run(&mut self, seconds: u32, measured: u32) -> (f64, f64) {
            let (mut taken, mut refused) = (0, 0);
            for tick in 0..seconds * 1_000 {
                self.now += TICK;
                self.tokens = (self.tokens + self.allowed * TICK.as_secs_f64()).min(self.allowed);
                if self.rate.check(self.now).is_err() {
                    continue;
                }
                self.rate.sent(1, self.now);
                let is_taken = self.tokens >= 1.0;
                if is_taken {
                    self.tokens -= 1.0;
                } else {
                    self.rate.refused(self.now);
                }
                if tick >= (seconds - measured) * 1_000 {
                    taken += u32::from(is_taken);
                    refused += u32::from(!is_taken);
                }
            }
            (f64::from(taken) / f64::from(measured), f64::from(refused) / f64::from(measured))
        }
    }

    fn assert_near(limit: f64, (taken, refused): (f64, f64)) {
        assert!((0.7 * limit..=1.05 * limit).contains(&taken), "{taken} taken per second of {limit}");
        assert!(refused < 0.02 * limit, "{refused} refused per second of {limit}");
    }

    #[test]
    fn a_limit_is_found_and_used() {
        for limit in [20.0, 100.0, 400.0] {
            assert_near(limit, World::new(limit).run(120, 60));
        }
    }

    #[test]
    fn a_limit_that_halves_and_one_that_recovers_are_followed() {
        let mut world = World::new(200.0);
        assert_near(200.0, world.run(60, 30));

        world.allowed = 100.0;
        assert_near(100.0, world.run(60, 30));

        world.allowed = 200.0;
        assert_near(200.0, world.run(90, 30));
    }

    #[test]
    fn without_refusals_nothing_is_limited_and_a_pause_is_no_progress() {
        let mut rate = AdaptiveRate::new(1.0);
        let mut now = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(rate.check(now), Ok(()));
            rate.sent(500, now);
        }

        rate.refused(now);
        let limited = rate.limit.as_ref().map(|limit| limit.per_second);
        now += Duration::from_secs(3_600);
        rate.sent(1, now);

        let later = rate.limit.as_ref().map(|limit| limit.per_second);
        assert_eq!(limited, Some(250_000.0));
        assert_eq!(later, Some(275_000.0), "one second's worth");
    }

    #[test]
    fn what_is_refused_together_counts_once() {
        let (mut rate, now) = (AdaptiveRate::new(1.0), Instant::now());
        (0..100).for_each(|_| rate.sent(1, now));

        for _ in 0..4 {
            rate.refused(now);
        }

        assert_eq!(rate.limit.map(|limit| limit.per_second), Some(50.0));
    }
}
