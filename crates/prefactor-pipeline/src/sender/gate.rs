//! Whether requests may go out at all. No clock: time is an argument.

use tokio::time::Instant;

/// Closed for everyone after a 429 and after a refused token.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    opens_at: Option<Instant>,
    /// The token was refused: one request at a time finds out whether it is accepted again.
    probing: bool,
}

impl Gate {
    /// Closes until then, or longer if it is closed for longer already.
    pub(crate) fn close_until(&mut self, until: Instant) {
        self.opens_at = self.opens_at.max(Some(until));
    }

    /// Closes until then, and lets only one request at a time through after that, until one succeeds.
    pub(crate) fn probe_from(&mut self, from: Instant) {
        self.close_until(from);
        self.probing = true;
    }

    pub(crate) fn succeeded(&mut self) {
        self.probing = false;
    }

    /// Whether a request may go out while `under_way` others are.
    pub(crate) fn is_open(&self, now: Instant, under_way: usize) -> bool {
        self.opens_at.is_none_or(|opens_at| opens_at <= now) && (!self.probing || under_way == 0)
    }

    /// When the gate opens, if it is closed.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        self.opens_at.filter(|opens_at| *opens_at > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pause_is_never_shortened() {
        let start = Instant::now();
        let mut gate = Gate::default();
        assert!(gate.is_open(start, 3));

        gate.close_until(start + Duration::from_secs(10));
        gate.close_until(start + Duration::from_secs(5));

        assert!(!gate.is_open(start + Duration::from_secs(9), 0));
        assert_eq!(gate.opens_at(start), Some(start + Duration::from_secs(10)));
        assert!(gate.is_open(start + Duration::from_secs(10), 3));
    }

    #[test]
    fn a_refused_token_is_probed_by_one_request_at_a_time() {
        let start = Instant::now();
        let mut gate = Gate::default();

        gate.probe_from(start + Duration::from_secs(30));

        let later = start + Duration::from_secs(30);
        assert!(!gate.is_open(start, 0));
        assert!(gate.is_open(later, 0));
        assert!(!gate.is_open(later, 1));
        gate.succeeded();
        assert!(gate.is_open(later, 1));
    }
}
