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
        let times = parse_arrivals(&text, speed)
            .map_err(|line| LoadError::Arrivals { file: file.to_owned(), line })?;
        Ok(Self::Recorded(times.into()))
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
            // What is due beyond all time never comes.
            Self::Steady { per_second, .. } => {
                Duration::try_from_secs_f64(number as f64 / per_second).map_or(Due::Never, Due::At)
            }
            Self::Recorded(times) => times.get(number as usize).copied().map_or(Due::Never, Due::At),
        }
    }
}

/// The first column of a CSV file, times in milliseconds and in order, as what has passed since the first of them. A first
/// line that is no number is a heading.
///
/// # Errors
/// The number of a line that has no time, one before its predecessor's, or one beyond all time.
fn parse_arrivals(text: &str, speed: f64) -> Result<Vec<Duration>, usize> {
    let mut times: Vec<Duration> = Vec::new();
    let mut first = None;
    for (index, line) in text.lines().enumerate() {
        let time = line.split(',').next().unwrap_or_default().trim().parse::<f64>();
        let Ok(time) = time else {
            if index == 0 {
                continue;
            }
            return Err(index + 1);
        };
        let passed = (time - *first.get_or_insert(time)) / 1_000.0 / speed;
        match Duration::try_from_secs_f64(passed) {
            Ok(passed) if times.last().is_none_or(|last| *last <= passed) => times.push(passed),
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
        let ms = Duration::from_millis;
        assert_eq!(
            parse_arrivals("timestamp_ms,tokens\n100,10\n105,20\n105,1\n", 1.0),
            Ok(vec![ms(0), ms(5), ms(5)])
        );
        assert_eq!(parse_arrivals("1.5\n2.5", 0.5), Ok(vec![ms(0), ms(2)]));
    }

    #[test]
    fn a_line_that_can_not_be_a_time_is_named() {
        for (text, line) in [
            ("t\n1\nsoon\n", 3),
            ("2\n1\n", 2),
            ("t\n", 1),
            ("", 1),
            ("0\n1e300\n", 2),
            ("0\nNaN", 2),
            ("inf", 1),
        ] {
            assert_eq!(parse_arrivals(text, 1.0), Err(line), "{text}");
        }
    }

    #[test]
    fn a_steady_rate_spreads_the_spans_evenly_and_ends() {
        let schedule = Schedule::new(Rate::PerSecond(10.0), Some(3));

        let due: Vec<_> = (0..4).map(|number| schedule.due(number)).collect();

        let at = |ms| Due::At(Duration::from_millis(ms));
        assert_eq!(due, [at(0), at(100), at(200), Due::Never]);
        assert_eq!(Schedule::new(Rate::PerSecond(1e-300), None).due(1), Due::Never);
    }
}
