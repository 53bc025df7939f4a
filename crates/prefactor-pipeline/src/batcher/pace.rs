//! How fast requests and items may go out: two governor limiters on tokio's clock.

use std::num::NonZeroU32;

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
            clock,
        }
    }

    /// The most items that one request may ask for.
    pub(crate) fn max_items(&self) -> usize {
        self.items.as_ref().map_or(usize::MAX, |(rate, _)| rate.get() as usize)
    }

    /// Grants one request with `items` items (at most [`Self::max_items`]), or says how long to wait.
    pub(crate) fn admit(&mut self, items: usize) -> Result<(), Duration> {
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

    /// Gives items back that were granted to a request which had no room for them: the next ones get them.
    pub(crate) fn give_back(&mut self, items: usize) {
        if self.items.is_some() {
            self.spare_items += items;
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
        assert_eq!(pace.admit(100), Ok(()));
        let until_items = pace.admit(50).expect_err("the items of this second are used up");
        assert_eq!(until_items, Duration::from_millis(500));

        tokio::time::advance(until_items).await;
        assert_eq!(pace.admit(50), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_second_of_requests() {
        let mut pace = Pace::new(NonZeroU32::new(4), None, Instant::now());

        let granted = (0..10).filter(|_| pace.admit(1).is_ok()).count();

        assert_eq!(granted, 4);
        assert_eq!(pace.admit(1), Err(Duration::from_millis(250)));
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_were_not_used_go_to_the_next_requests() {
        let mut pace = Pace::new(None, NonZeroU32::new(100), Instant::now());
        assert_eq!(pace.admit(100), Ok(()));

        pace.give_back(90);

        assert_eq!(pace.admit(60), Ok(()));
        assert_eq!(pace.admit(30), Ok(()));
        assert_eq!(pace.admit(1), Err(Duration::from_millis(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_rates_everything_goes() {
        let mut pace = Pace::new(None, None, Instant::now());

        assert!((0..1_000).all(|_| pace.admit(usize::MAX).is_ok()));
    }
}
