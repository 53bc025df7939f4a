//! What refusals have cost lately. No clock: time is an argument.

use tokio::time::{Duration, Instant};

/// So large a share of requests may be refused before it is a reason to slow down.
const FEW: f64 = 0.05;

/// That is the share of about so many requests, the last ones.
const REQUESTS: f64 = 100.0;

/// For so large a share of the time everyone may wait because the API asks for it. At a slower pace there would be fewer waits if
/// it allows only so much, and as many for each request if it refuses at random.
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
