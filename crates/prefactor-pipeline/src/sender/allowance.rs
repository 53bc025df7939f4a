//! How fast the API has turned out to let requests go, learnt from what it refuses with 429. No clock: time is an argument.
//!
//! There is no pace until something is refused. Then it is measured for a second what is accepted, and that becomes the pace.
//! While refusals cost little, the pauses that they ask for are all that it takes, and the pace rises slowly, or quickly when
//! nothing is refused for long; then it is forgotten. While they cost much it falls, each time that something is refused,
//! by the share that is: additive increase, multiplicative decrease. It never falls below half of what was accepted: where that
//! is not enough, either much less is allowed now or the API refuses at any pace, and it is measured anew.

use tokio::time::{Duration, Instant};

use lately::Lately;

mod lately;

/// Answers are counted by the time at which their requests were sent, in windows of this length, or of a round trip where
/// that is longer: a window ends with the first answer to a request that was sent after it.
const WINDOW: Duration = Duration::from_secs(1);

/// A window in which something is refused goes on until it has so many answers.
const TELLING: f64 = 4.0;

/// A window in which so large a share is accepted is good, like one without a refusal, while refusals cost little.
const NEARLY_ALL: f64 = 0.95;

/// Of what was accepted, so much is the pace: the rest is room for what the API counts in another way.
const MARGIN: f64 = 0.9;

/// Of the pace at which something was refused, so much is added with each window in which nothing is, or hardly anything.
const STEP: f64 = 0.05;

/// After so many good windows in a row the pace grows by [`RUSH`] with each.
const CALM: u32 = 10;

/// How a pace grows of which it is not known that anything is refused at it.
const RUSH: f64 = 2.0;

/// After so many good windows in a row the pace is forgotten.
const FORGOTTEN: u32 = 2 * CALM;

/// The slowest pace: one request in a second finds out whether the API accepts any.
const SLOWEST: f64 = 1.0;

/// Of what was accepted, so much is the least that a pace falls to.
const LEAST: f64 = 0.5;

/// A request that is late by less than this does not delay the next one. Timers are that precise.
const SLACK: Duration = Duration::from_millis(2);

/// Requests and items; the API does not say which of them it counts.
type Amount = [f64; 2];

/// What the API allows.
#[derive(Debug)]
pub(crate) struct Allowance {
    phase: Phase,
    window: Window,
    lately: Lately,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was refused lately, or so little that it cost little.
    Unlimited,
    /// Something was. How much is accepted where no pace is kept?
    Measuring,
    Paced(Pace),
}

#[derive(Debug)]
struct Pace {
    /// Per second.
    rate: Amount,
    /// What a good window adds; unknown where the pace is a guess.
    step: Option<Amount>,
    /// The most that was accepted in a second.
    proven: Amount,
    /// Good windows in a row.
    calm: u32,
    /// When the next request may go.
    next: Instant,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    sent: Amount,
    accepted: Amount,
    refused: bool,
}

impl Allowance {
    pub(crate) fn new(now: Instant) -> Self {
        Self { phase: Phase::Unlimited, window: Window::new(now), lately: Lately::new(now) }
    }

    /// Whether nothing is known of a limit: then a refusal makes everyone pause.
    pub(crate) fn is_unlimited(&self) -> bool {
        matches!(self.phase, Phase::Unlimited)
    }

    /// When the next request may go.
    pub(crate) fn next(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Paced(pace) => Some(pace.next),
            _ => None,
        }
    }

    /// A request with so many items is sent now.
    pub(crate) fn sent(&mut self, items: usize, now: Instant) {
        if let Phase::Paced(pace) = &mut self.phase {
            let [requests, per_item] = pace.rate;
            let cost = (1.0 / requests).max(items as f64 / per_item).min(1.0 / SLOWEST);
            let on_time = now.checked_sub(SLACK).unwrap_or(now);
            pace.next = pace.next.max(on_time) + Duration::from_secs_f64(cost);
        }
    }

    /// A request that was sent then was accepted.
    pub(crate) fn accepted(&mut self, items: usize, sent_at: Instant, now: Instant) {
        self.lately.accepted();
        self.count(items, sent_at, now, true);
    }

    /// A request that was sent then was refused. Everyone pauses until then, or nobody does; where nothing is known of a limit,
    /// everyone has to.
    pub(crate) fn refused(
        &mut self,
        items: usize,
        sent_at: Instant,
        now: Instant,
        everyone_pauses: Option<Instant>,
    ) {
        self.lately.refused(now, everyone_pauses);
        if self.is_unlimited() {
            self.phase = Phase::Measuring;
            self.window = Window::new(everyone_pauses.unwrap_or(now));
        } else {
            self.count(items, sent_at, now, false);
        }
    }

    fn count(&mut self, items: usize, sent_at: Instant, now: Instant, accepted: bool) {
        if sent_at >= self.window.since + WINDOW && self.window.is_telling() {
            let refused = self.window.refused;
            if !self.window.is_empty() {
                self.close(sent_at, now);
            }
            // What was sent before now tells how things are at another pace.
            self.window = Window::new(if refused { now } else { sent_at });
        }
        if sent_at >= self.window.since {
            self.window.count([1.0, items as f64], accepted);
        }
    }

    /// Draws the conclusions from the window, after which the next request was sent at `end`.
    fn close(&mut self, end: Instant, now: Instant) {
        let (window, is_well) = (&self.window, self.lately.is_well(now));
        self.phase = match std::mem::replace(&mut self.phase, Phase::Unlimited) {
            Phase::Paced(pace) => pace.after(window, is_well, end, now),
            Phase::Measuring if window.refused && (!is_well || window.is_outage()) => {
                Phase::Paced(Pace::guess(window, end, now))
            }
            Phase::Measuring | Phase::Unlimited => Phase::Unlimited,
        };
    }
}

impl Pace {
    /// The first pace. It may well be too slow: what is refused makes requests wait, and nobody knows what would have been
    /// accepted meanwhile.
    fn guess(window: &Window, end: Instant, now: Instant) -> Self {
        let proven = window.accepted_per_second(end);
        let rate = if window.is_outage() {
            [SLOWEST, f64::INFINITY]
        } else {
            proven.map(|accepted| (accepted * MARGIN).max(SLOWEST))
        };
        Self { rate, step: None, proven, calm: 0, next: now }
    }

    /// The pace behind a window; `is_well` tells whether refusals have cost little lately.
    fn after(mut self, window: &Window, is_well: bool, end: Instant, now: Instant) -> Phase {
        if window.is_outage() {
            return Phase::Paced(Self { next: self.next, ..Self::guess(window, end, now) });
        }
        let share = window.accepted[0] / window.sent[0];
        // A guess is no pace at which anything was refused, however much that has cost before.
        let is_good = if is_well { share >= NEARLY_ALL } else { !window.refused && self.step.is_none() };
        if is_good {
            self.calm += 1;
            if self.calm >= FORGOTTEN {
                return Phase::Unlimited;
            }
            let step = self.step.filter(|_| self.calm <= CALM);
            self.change(window, end, |rate, kind| step.map_or(rate * RUSH, |step| rate + step[kind]));
            return Phase::Paced(self);
        }
        self.calm = 0;
        if is_well || !window.refused {
            return Phase::Paced(self);
        }
        let accepted = window.accepted_per_second(end);
        self.proven = [0, 1].map(|kind| self.proven[kind].max(accepted[kind]));
        let least = self.proven.map(|proven| (proven * LEAST).max(SLOWEST));
        let (before, step) = (self.rate, self.rate.map(|rate| rate * STEP));
        self.change(window, end, |rate, kind| (rate * share * share.max(MARGIN)).max(least[kind]));
        if self.rate == before {
            return Phase::Measuring;
        }
        Phase::Paced(Self { step: Some(step), ..self })
    }

    /// Changes the rates that were put to the test: of requests, of items, or both; both, too, where neither was.
    fn change(&mut self, window: &Window, end: Instant, change: impl Fn(f64, usize) -> f64) {
        let used = |kind: usize| window.sent[kind] >= self.rate[kind] * window.seconds(end) / 2.0;
        let tested = match [used(0), used(1)] {
            [false, false] => [true, true],
            used => used,
        };
        for kind in (0..2).filter(|kind| tested[*kind]) {
            self.rate[kind] = change(self.rate[kind], kind);
        }
    }
}

impl Window {
    fn new(since: Instant) -> Self {
        Self { since, sent: [0.0; 2], accepted: [0.0; 2], refused: false }
    }

    fn count(&mut self, amount: Amount, accepted: bool) {
        self.refused |= !accepted;
        for (dimension, amount) in amount.into_iter().enumerate() {
            self.sent[dimension] += amount;
            self.accepted[dimension] += if accepted { amount } else { 0.0 };
        }
    }

    fn is_empty(&self) -> bool {
        self.sent[0] == 0.0
    }

    /// Whether it tells more than how a single request fared.
    fn is_telling(&self) -> bool {
        !self.refused || self.sent[0] >= TELLING
    }

    fn seconds(&self, end: Instant) -> f64 {
        end.saturating_duration_since(self.since).as_secs_f64()
    }

    fn accepted_per_second(&self, end: Instant) -> Amount {
        self.accepted.map(|accepted| accepted / self.seconds(end))
    }

    /// Whether nothing at all is accepted.
    fn is_outage(&self) -> bool {
        self.refused && self.accepted[0] == 0.0
    }
}

#[cfg(test)]
mod tests;
