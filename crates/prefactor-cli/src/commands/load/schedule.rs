//! When the next span is due.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::LoadError;
use super::args::Rate;

/// The times at which spans begin, counted from the start of the load.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    /// As soon as there is room.
    Saturating { spans: Option<u64> },
    /// Evenly.
    Steady { per_second: f64, spans: Option<u64> },
    /// As recorded.
    Recorded(Arc<[Duration]>),
}

/// What a schedule says of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// As soon as there is room.
    WhenThereIsRoom,
    At(Duration),
    /// There are no more.
    Never,
}

impl Schedule {
    pub(crate) fn new(rate: Rate, spans: Option<u64>) -> Self {
        match rate {
            Rate::Max => Self::Saturating { spans },
            Rate::PerSecond(per_second) => Self::Steady { per_second, spans },
        }
    }

    /// Reads arrival times, sped up.
    pub(crate) fn recorded(file: &Path, speed: f64) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| LoadError::ArrivalsFile { file: file.to_owned(), source })?;
        let millis =
            parse_arrivals(&text).map_err(|line| LoadError::Arrivals { file: file.to_owned(), line })?;
        let first = millis.first().copied().unwrap_or(0.0);
        let times = millis.iter().map(|ms| Duration::from_secs_f64((ms - first) / 1_000.0 / speed));
        Ok(Self::Recorded(times.collect()))
    }

    /// How many spans there are, if that is known beforehand.
    pub(crate) fn spans(&self) -> Option<u64> {
        match self {
            Self::Saturating { spans } | Self::Steady { spans, .. } => *spans,
            Self::Recorded(times) => Some(times.len() as u64),
        }
    }

    /// When the span of this number begins.
    pub(crate) fn due(&self, number: u64) -> Due {
        if self.spans().is_some_and(|spans| number >= spans) {
            return Due::Never;
        }
        match self {
            Self::Saturating { .. } => Due::WhenThereIsRoom,
            Self::Steady { per_second, .. } => Due::At(Duration::from_secs_f64(number as f64 / per_second)),
            Self::Recorded(times) => times.get(number as usize).copied().map_or(Due::Never, Due::At),
        }
    }
}

/// The first column of a CSV file as times in milliseconds, in order. A first line that is no number is a heading.
///
/// # Errors
/// The number of a line that has no time, or one before its predecessor's.
fn parse_arrivals(text: &str) -> Result<Vec<f64>, usize> {
    let mut times: Vec<f64> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let time = line.split(',').next().unwrap_or_default().trim().parse::<f64>();
        match time {
            Ok(time) if time.is_finite() && times.last().is_none_or(|last| *last <= time) => times.push(time),
            Err(_) if index == 0 => {}
            _ => return Err(index + 1),
        }
    }
    if times.is_empty() { Err(1) } else { Ok(times) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_the_first_column() {
        assert_eq!(parse_arrivals("timestamp_ms,tokens\n0,10\n5,20\n5,1\n"), Ok(vec![0.0, 5.0, 5.0]));
        assert_eq!(parse_arrivals("1.5\n2.5"), Ok(vec![1.5, 2.5]));
    }

    #[test]
    fn a_line_that_can_not_be_a_time_is_named() {
        assert_eq!(parse_arrivals("t\n1\nsoon\n"), Err(3));
        assert_eq!(parse_arrivals("2\n1\n"), Err(2));
        assert_eq!(parse_arrivals("t\n"), Err(1));
        assert_eq!(parse_arrivals(""), Err(1));
    }

    #[test]
    fn a_steady_rate_spreads_the_spans_evenly_and_ends() {
        let schedule = Schedule::new(Rate::PerSecond(10.0), Some(3));

        let due: Vec<_> = (0..4).map(|number| schedule.due(number)).collect();

        let at = |ms| Due::At(Duration::from_millis(ms));
        assert_eq!(due, [at(0), at(100), at(200), Due::Never]);
    }
}
