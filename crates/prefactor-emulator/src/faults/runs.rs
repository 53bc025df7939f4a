//! What the emulator does to runs: ids of its own, and ends that nobody asked for.

use serde::{Deserialize, Serialize};

/// Ids that clients choose are ignored: the answer carries another one, as a server does that knows no chosen ids.
///
/// ```
/// use prefactor_emulator::{Faults, IgnoredIds};
///
/// let in_code = Faults::new().ignored_ids(IgnoredIds::new().spans(true));
/// let in_json = r#"{ "ignored_ids": { "spans": true } }"#;
///
/// assert_eq!(in_json.parse::<Faults>()?, in_code);
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IgnoredIds {
    pub(crate) instances: bool,
    pub(crate) spans: bool,
}

impl IgnoredIds {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of instances.
    #[must_use]
    pub fn instances(mut self, ignored: bool) -> Self {
        self.instances = ignored;
        self
    }

    /// Those of spans.
    #[must_use]
    pub fn spans(mut self, ignored: bool) -> Self {
        self.spans = ignored;
        self
    }
}

/// Ends runs as an operator would, in the answer that creates their n-th span.
///
/// Which runs it ends is drawn for each run from the seed and the run's number, so it does not depend on how the
/// requests of several runs fall.
///
/// ```
/// use prefactor_emulator::{Faults, TerminateRun};
///
/// let in_code = Faults::new().seed(3).terminate_run(TerminateRun::new().after_spans(10).probability(0.5));
/// let in_json = r#"{ "seed": 3, "terminate_run": { "after_spans": 10, "probability": 0.5 } }"#;
///
/// assert_eq!(in_json.parse::<Faults>()?, in_code);
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerminateRun {
    pub(super) after_spans: u64,
    pub(super) probability: f64,
    pub(super) reason: String,
}

impl TerminateRun {
    /// Ends every run with its first span.
    pub fn new() -> Self {
        Self::default()
    }

    /// The span that is a run's last; 1 when not set.
    #[must_use]
    pub fn after_spans(mut self, spans: u64) -> Self {
        self.after_spans = spans;
        self
    }

    /// Ends a run with this probability; a number out of 0 to 1 counts as the nearer end, one that is none as 0.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
        self
    }

    /// The reason that runs are told.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Why the run of this number ends now that it has so many spans; nothing if it goes on.
    pub(crate) fn strikes(&self, seed: u64, run: usize, spans: usize) -> Option<&str> {
        if spans as u64 != self.after_spans {
            return None;
        }
        // Consecutive seeds give draws that look alike: the run's number is spread over all bits first.
        let spread = (run as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut rng = fastrand::Rng::with_seed(seed ^ spread);
        (rng.f64() < self.probability).then_some(self.reason.as_str())
    }
}

impl Default for TerminateRun {
    fn default() -> Self {
        Self { after_spans: 1, probability: 1.0, reason: "Terminated by a fault of the emulator.".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_one_certain_span() {
        let fault = TerminateRun::new().after_spans(3).reason("over");

        assert_eq!([1, 2, 3, 4].map(|spans| fault.strikes(0, 5, spans)), [None, None, Some("over"), None]);
    }

    #[test]
    fn which_runs_end_depends_on_the_seed_alone() {
        let fault = TerminateRun::new().probability(0.3);
        let struck =
            |seed| (0..1_000).filter(|run| fault.strikes(seed, *run, 1).is_some()).collect::<Vec<_>>();

        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
        assert!((250..350).contains(&struck(1).len()), "{}", struck(1).len());
    }
}
