//! The share of runs that are recorded.

use std::str::FromStr;

use prefactor_pfid::Stem;

/// A number from 0 (no run) to 1 (every run).
///
/// ```
/// use prefactor_pipeline::SampleRate;
///
/// assert!(SampleRate::new(0.25).is_ok());
/// assert!(SampleRate::new(1.5).is_err());
/// assert!("a half".parse::<SampleRate>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SampleRate(f64);

/// A sample rate that is no number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sample rate is a number from 0 to 1")]
pub struct InvalidSampleRate;

impl SampleRate {
    /// Every run is recorded: the default.
    pub const ALL: Self = Self(1.0);

    /// Checks the rate.
    ///
    /// # Errors
    /// [`InvalidSampleRate`] for anything but a number from 0 to 1.
    pub fn new(rate: f64) -> Result<Self, InvalidSampleRate> {
        if (0.0..=1.0).contains(&rate) { Ok(Self(rate)) } else { Err(InvalidSampleRate) }
    }

    /// Decides by the run's id, whichever process asks: a run is recorded with its whole tree, or not at all.
    pub(crate) fn takes(self, run: Stem) -> bool {
        // Ids that are made within a millisecond are counted up: mixed (SplitMix64's finalizer), neighbours are decided
        // independently of each other.
        let id = run.as_u128();
        let mut bits = (id >> 64) as u64 ^ id as u64;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits as f64 / (u64::MAX as f64 + 1.0)) < self.0
    }
}

impl FromStr for SampleRate {
    type Err = InvalidSampleRate;

    fn from_str(text: &str) -> Result<Self, InvalidSampleRate> {
        Self::new(text.trim().parse().map_err(|_| InvalidSampleRate)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_takes_its_share_of_runs_and_always_the_same_ones() {
        let runs: Vec<_> = (0..10_000).map(|n| prefactor_pfid::thread_stem(1_000_000 + n / 5_000)).collect();
        let taken = |rate: f64| {
            let rate = SampleRate::new(rate).expect("a rate");
            runs.iter().map(|run| rate.takes(*run)).collect::<Vec<_>>()
        };

        assert_eq!(taken(0.0).iter().filter(|taken| **taken).count(), 0);
        assert_eq!(taken(1.0).iter().filter(|taken| **taken).count(), 10_000);
        let half = taken(0.5);
        assert!((4_500..5_500).contains(&half.iter().filter(|taken| **taken).count()));
        assert_eq!(half, taken(0.5));
    }
}
