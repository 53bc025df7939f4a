//! What refusals have cost lately. No clock: time is an argument.

use tokio::time::{Duration, Instant};

/// So large a share of requests may be refused before it is a reason to slow down.
const FEW: f64 = 0.05;

/// That is the share of about so many requests, the last ones.
const REQUESTS: f64 = 100.0;

/// For so large a share of the time everyone may wait because something was refused. At a slower pace there would be fewer
/// waits if the API allows only so much, and as many for each request if it refuses at random.
const SHORT: f64 = 0.5;

/// That is the share of about so much time, the last.
const TIME: Duration = Duration::from_secs(30);

/// The older an answer or a wait, the less it counts.
#[derive(Debug)]
pub(super) struct Lately {
    refused: f64,
    waited: f64,
    /// Until when it is known who waited. In the future while everyone waits.
    known_until: Instant,
}

impl Lately {
    pub(super) fn new(now: Instant) -> Self {
        Self { refused: 0.0, waited: 0.0, known_until: now }
    }

    pub(super) fn accepted(&mut self) {
        self.refused -= self.refused / REQUESTS;
    }

    /// Everyone waits until then, or nobody does.
    pub(super) fn refused(&mut self, now: Instant, everyone_waits: Option<Instant>) {
        self.refused += (1.0 - self.refused) / REQUESTS;
        if let Some(until) = everyone_waits {
            self.pass(now, 0.0);
            self.pass(until, 1.0);
        }
    }

    /// Whether refusals have cost so little that there is no reason to slow down.
    pub(super) fn is_well(&mut self, now: Instant) -> bool {
        self.pass(now, 0.0);
        self.refused <= FEW && self.waited <= SHORT
    }

    /// The time until then was all waiting, or none of it.
    fn pass(&mut self, until: Instant, waiting: f64) {
        let time = until.saturating_duration_since(self.known_until);
        let old = (-time.as_secs_f64() / TIME.as_secs_f64()).exp();
        self.waited = waiting + (self.waited - waiting) * old;
        self.known_until = self.known_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn waits_that_overlap_count_once() {
        let now = Instant::now();
        let [mut overlapping, mut one] = [Lately::new(now), Lately::new(now)];

        overlapping.refused(now, Some(now + 10 * SECOND));
        overlapping.refused(now + SECOND, Some(now + 5 * SECOND));
        overlapping.refused(now + 2 * SECOND, Some(now + 12 * SECOND));
        one.refused(now, Some(now + 12 * SECOND));

        assert!(close(overlapping.waited, one.waited), "{overlapping:?} {one:?}");
    }

    #[test]
    fn a_long_wait_counts_until_as_much_time_has_passed_without() {
        let now = Instant::now();
        let mut lately = Lately::new(now);

        lately.refused(now, Some(now + 3_600 * SECOND));

        assert!(!lately.is_well(now + 1_800 * SECOND), "in the middle of it");
        assert!(!lately.is_well(now + 3_620 * SECOND));
        assert!(lately.is_well(now + 3_622 * SECOND));
    }

    #[test]
    fn a_share_of_requests_is_that_of_the_last_hundred() {
        let now = Instant::now();
        let mut lately = Lately::new(now);
        let mut hundred = |refused: usize| {
            for number in 0..100 {
                if number % 100 < refused { lately.refused(now, None) } else { lately.accepted() }
            }
            lately.is_well(now)
        };

        assert!(hundred(4));
        assert!(!hundred(50));
        assert!(!hundred(0));
        assert!(hundred(0));
    }
}
