//! Times and durations for people.

use chrono::{DateTime, TimeDelta, Utc};

/// `2024-05-01 12:00:00`, in UTC.
pub(crate) fn of_day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `20 ms`, `1.2 s`, `2 min 3 s` or `1 h 2 min`. A clock that went back counts as standing still.
pub(crate) fn duration(duration: TimeDelta) -> String {
    let ms = duration.num_milliseconds().max(0);
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// From its start to its end, or until now; `None` for what has not started.
pub(crate) fn elapsed(
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<String> {
    start.map(|start| duration(end.unwrap_or(now) - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        for (ms, text) in [
            (-5, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59.9 s"),
            (123_000, "2 min 3 s"),
            (3_725_000, "1 h 2 min"),
        ] {
            assert_eq!(duration(TimeDelta::milliseconds(ms)), text);
        }
    }
}
