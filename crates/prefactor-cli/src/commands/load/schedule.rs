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
    /// As recorded, so many times faster.
    Recorded { times: Arc<[Duration]>, speed: f64, again: Again },
}

/// What comes after the end of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    /// Its beginning.
    Always,
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

/// Arrival times that were recorded.
#[derive(Clone, Debug)]
pub(crate) struct Recording(Arc<[Duration]>);

impl Recording {
    pub(crate) fn read(file: &Path) -> Result<Self, LoadError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| LoadError::ArrivalsFile { file: file.to_owned(), source })?;
        let times =
            parse_arrivals(&text).map_err(|line| LoadError::Arrivals { file: file.to_owned(), line })?;
        Ok(Self(times.into()))
    }

    pub(crate) fn sped_up(&self, speed: f64, again: Again) -> Schedule {
        Schedule::Recorded { times: Arc::clone(&self.0), speed, again }
    }
}

impl Schedule {
    /// Spans that are made `at_once` count as one.
    pub(crate) fn new(rate: Rate, spans: Option<u64>, at_once: u64) -> Self {
        let spans = spans.map(|spans| spans.div_ceil(at_once));
        match rate {
            Rate::Max => Self::Saturating { spans },
            Rate::PerSecond(per_second) => Self::Steady { per_second: per_second / at_once as f64, spans },
        }
    }

    /// How many there are, if that is known beforehand.
    pub(crate) fn spans(&self) -> Option<u64> {
        match self {
            Self::Saturating { spans } | Self::Steady { spans, .. } => *spans,
            Self::Recorded { times, again: Again::Never, .. } => Some(times.len() as u64),
            Self::Recorded { .. } => None,
        }
    }

    /// When the span of this number begins.
    pub(crate) fn due(&self, number: u64) -> Due {
        if self.spans().is_some_and(|spans| number >= spans) {
            return Due::Never;
        }
        match self {
            Self::Saturating { .. } => Due::WhenThereIsRoom,
            Self::Steady { per_second, .. } => at(number as f64 / per_second),
            Self::Recorded { times, speed, .. } => {
                let (round, index) = (number / times.len() as u64, number as usize % times.len());
                at((round as f64 * period(times) + times[index].as_secs_f64()) / speed)
            }
        }
    }
}

/// What is due beyond all time never comes.
fn at(seconds: f64) -> Due {
    Duration::try_from_secs_f64(seconds).map_or(Due::Never, Due::At)
}

/// Seconds until a recording begins again: after the last time and a gap as it has them on average.
fn period(times: &[Duration]) -> f64 {
    let last = times.last().map_or(0.0, Duration::as_secs_f64);
    last + last / times.len() as f64
}

/// The first column of a CSV file, times in milliseconds and in order, as what has passed since the first of them. A first
/// line that is no number is a heading.
///
/// # Errors
/// The number of a line that has no time, one before its predecessor's, or one beyond all time.
fn parse_arrivals(text: &str) -> Result<Vec<Duration>, usize> {
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
        let passed = (time - *first.get_or_insert(time)) / 1_000.0;
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
            parse_arrivals("timestamp_ms,tokens\n100,10\n105,20\n105,1\n"),
            Ok(vec![ms(0), ms(5), ms(5)])
        );
        assert_eq!(parse_arrivals("1.5\n3.5"), Ok(vec![ms(0), ms(2)]));
    }

    #[test]
    fn a_recording_is_sped_up_and_ends_or_begins_again() {
        let ms = Duration::from_millis;
        let times: Arc<[Duration]> = [ms(0), ms(100), ms(200)].into();
        let due = |speed, again| {
            let schedule = Schedule::Recorded { times: Arc::clone(&times), speed, again };
            [1, 2, 3, 4, 6].map(|number| schedule.due(number))
        };
        let at = |milliseconds| Due::At(ms(milliseconds));

        assert_eq!(due(0.5, Again::Never), [at(200), at(400), Due::Never, Due::Never, Due::Never]);
        // A third of the recording's length passes in between, as it does between two of its times.
        let due = due(2.0, Again::Always);
        for (due, about) in due.into_iter().zip([50, 100, 133, 183, 266]) {
            assert!(matches!(due, Due::At(time) if time.as_millis() == about), "{due:?} is not {about} ms");
        }
        let beyond_all_time = Schedule::Recorded { times, speed: 1e-300, again: Again::Never };
        assert_eq!(beyond_all_time.due(1), Due::Never);
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
            assert_eq!(parse_arrivals(text), Err(line), "{text}");
        }
    }

    #[test]
    fn spans_that_are_made_at_once_share_their_time() {
        let schedule = Schedule::new(Rate::PerSecond(10.0), Some(5), 2);

        assert_eq!(schedule.spans(), Some(3));
        assert_eq!(schedule.due(2), Due::At(Duration::from_millis(400)));
    }

    #[test]
    fn a_steady_rate_spreads_the_spans_evenly_and_ends() {
        let schedule = Schedule::new(Rate::PerSecond(10.0), Some(3), 1);

        let due: Vec<_> = (0..4).map(|number| schedule.due(number)).collect();

        let at = |ms| Due::At(Duration::from_millis(ms));
        assert_eq!(due, [at(0), at(100), at(200), Due::Never]);
        assert_eq!(Schedule::new(Rate::PerSecond(1e-300), None, 1).due(1), Due::Never);
    }
}
