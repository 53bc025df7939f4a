//! How fast requests and items may go out: as configured, by two governor limiters on tokio's clock, and no faster than the
//! API has turned out to allow.

use std::num::NonZeroU32;

use super::adaptive::AdaptiveRate;
use crate::config::defaults::MAX_BATCH_ITEMS;
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use tokio::time::{Duration, Instant};

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// Tokio's clock, so that paused time governs the limiters too.
#[derive(Clone, Debug)]
struct TokioClock {
    origin: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// What refusals never make slower, per second: an API that allows less than this says so with `Retry-After`, and one that
/// refuses at random must not bring everything to a standstill.
const SLOWEST_REQUESTS: f64 = 10.0;
const SLOWEST_ITEMS: f64 = SLOWEST_REQUESTS * MAX_BATCH_ITEMS as f64;

/// The configured rates; the burst of each is what it allows in one second.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: TokioClock,
    requests: Option<Limiter>,
    items: Option<(NonZeroU32, Limiter)>,
    /// A request was granted, but not yet the items in it.
    holds_request: bool,
    /// Items that were granted, but did not fit into their request.
    spare_items: usize,
    /// What the API allows, which does not say whether it counts requests or items.
    allowed: [AdaptiveRate; 2],
}

impl Pace {
    pub(crate) fn new(
        requests_per_second: Option<NonZeroU32>,
        items_per_second: Option<NonZeroU32>,
        now: Instant,
    ) -> Self {
        let clock = TokioClock { origin: now };
        let limiter = |rate| RateLimiter::direct_with_clock(Quota::per_second(rate), clock.clone());
        Self {
            requests: requests_per_second.map(limiter),
            items: items_per_second.map(|rate| (rate, limiter(rate))),
            holds_request: false,
            spare_items: 0,
            allowed: [SLOWEST_REQUESTS, SLOWEST_ITEMS].map(AdaptiveRate::new),
            clock,
        }
    }

    /// The most items that one request may ask for.
    pub(crate) fn max_items(&self) -> usize {
        self.items.as_ref().map_or(usize::MAX, |(rate, _)| rate.get() as usize)
    }

    /// Grants one request with `items` items (at most [`Self::max_items`]), or says how long to wait.
    pub(crate) fn admit(&mut self, items: usize, now: Instant) -> Result<(), Duration> {
        self.allowed.iter().try_for_each(|rate| rate.check(now))?;
        let now = self.clock.now();
        if let Some(requests) = &self.requests
            && !self.holds_request
        {
            requests.check().map_err(|until| wait(&until, now))?;
            self.holds_request = true;
        }
        if let Some((rate, limiter)) = &self.items {
            let missing = items.saturating_sub(self.spare_items).min(rate.get() as usize);
            if let Some(missing) = u32::try_from(missing).ok().and_then(NonZeroU32::new) {
                // More than the burst holds would never be granted, but `missing` was just limited to it.
                limiter.check_n(missing).unwrap_or(Ok(())).map_err(|until| wait(&until, now))?;
            }
            self.spare_items = self.spare_items.saturating_sub(items);
        }
        self.holds_request = false;
        Ok(())
    }

    /// A request was sent with so many items of those that were granted. The next ones get the others.
    pub(crate) fn sent(&mut self, items: usize, granted: usize, now: Instant) {
        if self.items.is_some() {
            self.spare_items += granted.saturating_sub(items);
        }
        let [requests, per_item] = &mut self.allowed;
        requests.sent(1, now);
        per_item.sent(items, now);
    }

    /// The API has refused a request for the sake of its rate limit.
    pub(crate) fn refused(&mut self, now: Instant) {
        for rate in &mut self.allowed {
            rate.refused(now);
        }
    }
}

fn wait<P: Reference>(until: &NotUntil<P>, now: P) -> Duration {
    until.wait_time_from(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn both_rates_hold_and_a_wait_costs_no_request() {
        let per_second = NonZeroU32::new;
        let mut pace = Pace::new(per_second(10), per_second(100), Instant::now());

        assert_eq!(pace.max_items(), 100);
        assert_eq!(pace.admit(100, Instant::now()), Ok(()));
        let until_items = pace.admit(50, Instant::now()).expect_err("the items of this second are used up");
        assert_eq!(until_items, Duration::from_millis(500));

        tokio::time::advance(until_items).await;
        assert_eq!(pace.admit(50, Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_second_of_requests() {
        let mut pace = Pace::new(NonZeroU32::new(4), None, Instant::now());

        let granted = (0..10).filter(|_| pace.admit(1, Instant::now()).is_ok()).count();

        assert_eq!(granted, 4);
        assert_eq!(pace.admit(1, Instant::now()), Err(Duration::from_millis(250)));
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_were_not_used_go_to_the_next_requests() {
        let mut pace = Pace::new(None, NonZeroU32::new(100), Instant::now());
        assert_eq!(pace.admit(100, Instant::now()), Ok(()));

        pace.sent(10, 100, Instant::now());

        assert_eq!(pace.admit(60, Instant::now()), Ok(()));
        assert_eq!(pace.admit(30, Instant::now()), Ok(()));
        assert_eq!(pace.admit(1, Instant::now()), Err(Duration::from_millis(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_rates_everything_goes() {
        let mut pace = Pace::new(None, None, Instant::now());

        assert!((0..1_000).all(|_| pace.admit(usize::MAX, Instant::now()).is_ok()));
    }
}
