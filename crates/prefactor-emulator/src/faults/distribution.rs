//! How long delays are. Pure: the randomness is an argument.

use std::f64::consts::TAU;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// No delay is longer than this, however long the tail of its distribution.
const LONGEST: Duration = Duration::from_secs(600);

/// How the delays of a [`Latency`](crate::Latency) are spread.
///
/// ```
/// use prefactor_emulator::{Distribution, Faults, Latency};
///
/// let normal = Distribution::Normal { mean_ms: 80.0, deviation_ms: 20.0 };
/// let in_code = Faults::new().latency(Latency::new().distribution(normal));
/// let in_json = r#"{ "latency": { "distribution": { "normal": { "mean_ms": 80, "deviation_ms": 20 } } } }"#;
///
/// assert_eq!(in_json.parse::<Faults>()?, in_code);
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Distribution {
    /// Evenly from `min_ms` to `max_ms` of the latency itself, which the others leave alone.
    #[default]
    Uniform,
    /// Always the same.
    Fixed {
        /// The delay in milliseconds.
        ms: f64,
    },
    /// The bell curve, cut off at no delay.
    Normal {
        /// The mean in milliseconds.
        mean_ms: f64,
        /// The standard deviation in milliseconds.
        deviation_ms: f64,
    },
    /// Mostly short with a long tail.
    Exponential {
        /// The mean in milliseconds.
        mean_ms: f64,
    },
}

impl Distribution {
    /// The first number that makes no sense.
    pub(super) fn wrong(&self) -> Option<(&'static str, f64)> {
        let numbers = match *self {
            Self::Uniform => vec![],
            Self::Fixed { ms } => vec![("latency.distribution.fixed.ms", ms)],
            Self::Normal { mean_ms, deviation_ms } => vec![
                ("latency.distribution.normal.mean_ms", mean_ms),
                ("latency.distribution.normal.deviation_ms", deviation_ms),
            ],
            Self::Exponential { mean_ms } => vec![("latency.distribution.exponential.mean_ms", mean_ms)],
        };
        numbers.into_iter().find(|(_, number)| !(number.is_finite() && *number >= 0.0))
    }

    /// Draws a delay; `min_ms` and `max_ms` are the ends of the even distribution.
    pub(super) fn draw(self, (min_ms, max_ms): (u64, u64), rng: &mut fastrand::Rng) -> Duration {
        let ms = match self {
            Self::Uniform => return Duration::from_millis(rng.u64(min_ms..=max_ms.max(min_ms))),
            Self::Fixed { ms } => ms,
            Self::Normal { mean_ms, deviation_ms } => {
                // Box and Muller. `1 - f64()` is never zero, whose logarithm there is not.
                let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
                mean_ms + deviation_ms * radius * (TAU * rng.f64()).cos()
            }
            Self::Exponential { mean_ms } => -mean_ms * (1.0 - rng.f64()).ln(),
        };
        Duration::try_from_secs_f64(ms.max(0.0) / 1_000.0).unwrap_or(LONGEST).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and standard deviation of many draws, in milliseconds.
    fn spread(distribution: Distribution, ends: (u64, u64)) -> (f64, f64) {
        let mut rng = fastrand::Rng::with_seed(7);
        let draws: Vec<f64> =
            (0..20_000).map(|_| distribution.draw(ends, &mut rng).as_secs_f64() * 1_000.0).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|ms| (ms - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        (mean, variance.sqrt())
    }

    fn near((mean, deviation): (f64, f64), expected: (f64, f64)) {
        assert!((mean - expected.0).abs() < 2.0, "mean {mean}");
        assert!((deviation - expected.1).abs() < 2.0, "deviation {deviation}");
    }

    #[test]
    fn draws_are_spread_as_they_should_be() {
        near(spread(Distribution::Uniform, (40, 160)), (100.0, 120.0 / 12_f64.sqrt()));
        near(spread(Distribution::Fixed { ms: 25.0 }, (0, 0)), (25.0, 0.0));
        near(spread(Distribution::Normal { mean_ms: 80.0, deviation_ms: 20.0 }, (0, 0)), (80.0, 20.0));
        near(spread(Distribution::Exponential { mean_ms: 50.0 }, (0, 0)), (50.0, 50.0));
    }

    #[test]
    fn no_delay_is_negative_or_endless() {
        let mut rng = fastrand::Rng::with_seed(1);
        let wide = Distribution::Normal { mean_ms: 0.0, deviation_ms: 1e12 };

        let draws: Vec<_> = (0..100).map(|_| wide.draw((0, 0), &mut rng)).collect();

        assert!(draws.contains(&Duration::ZERO) && draws.contains(&LONGEST));
        assert!(draws.iter().all(|delay| *delay <= LONGEST));
    }
}
