//! `--until-saturated`: twice as fast each time, until it is too much.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::LoadError;
use super::summary::Summary;

/// The share of a load's time that its callers may be behind.
const LATEST: f64 = 0.2;

/// A load at one speed.
#[derive(Serialize)]
struct Attempt<'a> {
    speed: f64,
    too_much: Option<String>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// What was found.
#[derive(Serialize)]
struct Held {
    last_speed_that_held: f64,
    spans_per_s: f64,
}

/// Makes loads of this duration, from this speed on, and prints how each of them went and which was the last that held.
///
/// # Errors
/// A load that failed for another reason than too much speed, or the very first.
pub(super) fn search(
    first_speed: f64,
    duration: Duration,
    json: bool,
    load: impl Fn(f64) -> Result<Summary, LoadError>,
) -> Result<(), LoadError> {
    if !json {
        line(format_args!("{:>10} {}", "speed", Summary::ROW_HEADING))?;
    }
    let mut held = None;
    let mut speed = first_speed;
    loop {
        let summary = load(speed)?;
        let too_much = summary.overload(duration.mul_f64(LATEST));
        if too_much.is_none()
            && let Some(flaw) = summary.flaw(false)
        {
            return Err(LoadError::Flawed(flaw));
        }
        let attempt = Attempt { speed, too_much, summary: &summary };
        match (&attempt.too_much, json) {
            (_, true) => line(json_of(&attempt)?)?,
            (None, false) => line(format_args!("{speed:>10} {}", summary.row()))?,
            (Some(why), false) => line(format_args!("{speed:>10} {}  {why}", summary.row()))?,
        }
        let Some(why) = attempt.too_much else {
            held = Some(Held { last_speed_that_held: speed, spans_per_s: summary.spans_per_s() });
            speed *= 2.0;
            continue;
        };
        let held = held.ok_or_else(|| {
            LoadError::Flawed(format!(
                "already the first speed was too much ({why}); begin with a lower --speed"
            ))
        })?;
        return if json {
            line(json_of(&held)?)
        } else {
            let Held { last_speed_that_held, spans_per_s } = held;
            line(format_args!("the last speed that held: {last_speed_that_held}, {spans_per_s:.0} spans/s"))
        };
    }
}

fn json_of(value: &impl Serialize) -> Result<String, LoadError> {
    serde_json::to_string(value).map_err(|error| LoadError::Output(error.into()))
}

/// Whoever waits for the next speed sees this one at once.
fn line(text: impl std::fmt::Display) -> Result<(), LoadError> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(LoadError::Output)
}
