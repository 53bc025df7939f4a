//! When a change of the health is worth a line in the log. No clock: time is an argument.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::Health;

/// An API that answers every second request would fill the log with its ups and downs.
const INTERVAL: Duration = Duration::from_secs(10);

/// What the log has told last.
#[derive(Debug)]
pub(super) struct HealthLines(Mutex<Told>);

#[derive(Debug)]
struct Told {
    health: Health,
    next_at: Instant,
}

impl HealthLines {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Told { health: Health::Delivering, next_at: now }))
    }

    /// Whether this health, which was found now, is to be told: it is news, and not too soon after the last one. A token
    /// that is refused needs somebody, so that is told at once.
    pub(super) fn is_due(&self, health: Health, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.health == health || (now < told.next_at && health != Health::Unauthorized) {
            return false;
        }
        *told = Told { health, next_at: now + INTERVAL };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_but_not_each_of_many() {
        let start = Instant::now();
        let lines = HealthLines::new(start);
        let at = |health, seconds| lines.is_due(health, start + Duration::from_secs(seconds));

        assert!(!at(Health::Delivering, 0), "no news");
        assert!(at(Health::Unreachable, 1));
        assert!(!at(Health::Delivering, 2));
        assert!(!at(Health::Unreachable, 3));
        assert!(!at(Health::Delivering, 10));
        assert!(at(Health::Delivering, 11), "that is how it stays");
        assert!(at(Health::Unauthorized, 12));
    }
}
