//! What `prefactor load` takes.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::connection::ConnectionArgs;

/// Make load through the real pipeline, and measure what its callers feel.
///
/// Threads of callers begin and finish spans of many runs; the pipeline delivers them to the API. At the end the ledger
/// must add up and nothing may be lost, or the command fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  prefactor serve --listen 127.0.0.1:4010 --token t &
  prefactor load --url http://127.0.0.1:4010 --token t --spans 1000000 --instances 1000
  prefactor load --url http://127.0.0.1:4010 --token t --rate 20000 --duration 60s --json
  prefactor load --url http://127.0.0.1:4010 --token t --rate 20000 --duration 30m --spans-per-run 1000 --every 60s
  prefactor load --url http://127.0.0.1:4010 --token t --arrivals requests.csv --speed 100
  prefactor load --url http://127.0.0.1:4010 --token t --arrivals requests.csv --payloads runs/ --until-saturated
  prefactor load --url http://127.0.0.1:4010 --token t --spool /tmp/spool --synced-log ids.txt

Exit codes: 0 all delivered, 1 something was lost, rejected, late or did not add up; the others as everywhere.")]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// Spans to make, each with a start and a finish [default: 100000, or no end with --duration].
    #[arg(long, value_name = "N", conflicts_with = "arrivals")]
    pub(crate) spans: Option<u64>,

    /// Runs that the spans belong to, in turns.
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) instances: u32,

    /// Threads that make spans.
    #[arg(long, value_name = "T", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) threads: u32,

    /// Finish a run after so many spans and begin another in its place [default: a run goes on to the end].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) spans_per_run: Option<u64>,

    /// Bytes of each payload, roughly; results have a third of it.
    #[arg(long, value_name = "B", default_value_t = 300, conflicts_with = "payloads", value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    pub(crate) payload_bytes: u32,

    /// Take payloads and results from recorded agent runs: a SWE-agent trajectory, or a folder of them (`*.traj`). Each
    /// step makes two spans, a model's call and the tool's call below it.
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) payloads: Option<PathBuf>,

    /// Spans per second of all threads together; `max` goes as fast as there is room in the pipeline.
    #[arg(long, value_name = "R|max", default_value = "max")]
    pub(crate) rate: Rate,

    /// The longest time to make spans for, such as 500ms, 90s or 30m.
    #[arg(long, value_name = "D", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,

    /// Make a span, or a recorded step, at each of these times: a CSV file whose first column is a time in milliseconds.
    #[arg(long, value_name = "FILE", conflicts_with = "rate")]
    pub(crate) arrivals: Option<PathBuf>,

    /// How many times faster than recorded the arrivals come.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "arrivals", value_parser = parse_speed)]
    pub(crate) speed: f64,

    /// Double the speed until it is too much: spans are lost, callers fall behind by a fifth of the duration, or a
    /// hundredth of the spans waits for more than a second. Each speed has a pipeline of its own for the time of
    /// --duration [default: 5s], and begins the recording again where it ends.
    #[arg(long, requires = "arrivals", conflicts_with_all = ["spool", "allow_loss"])]
    pub(crate) until_saturated: bool,

    /// The pipeline's byte budget.
    #[arg(long, value_name = "BYTES")]
    pub(crate) memory_budget: Option<u64>,

    /// Write everything to a spool in this directory before it is sent, and deliver what is in there first. The API
    /// need not be there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,

    /// Append the id of each span to this file, a line each, once the disk keeps its start and its finish.
    #[arg(long, value_name = "FILE", requires = "spool")]
    pub(crate) synced_log: Option<PathBuf>,

    /// Requests in flight at the same time.
    #[arg(long, value_name = "N")]
    pub(crate) lanes: Option<NonZeroUsize>,

    /// Items of one request.
    #[arg(long, value_name = "N")]
    pub(crate) batch_items: Option<NonZeroUsize>,

    /// Requests per second [default: no limit].
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_second: Option<NonZeroU32>,

    /// How long the pipeline may take for the rest once all spans are made.
    #[arg(long, value_name = "D", default_value = "60s", value_parser = parse_duration)]
    pub(crate) drain: Duration,

    /// Losing spans is no failure: for load beyond what the server takes.
    #[arg(long)]
    pub(crate) allow_loss: bool,

    /// Print a line on how it goes every so often: the ledger, and what the process has of memory, threads and open files.
    #[arg(long, value_name = "D", value_parser = parse_duration, conflicts_with = "until_saturated")]
    pub(crate) every: Option<Duration>,

    /// Print one JSON object instead of a table, and no progress; with --every also one for each line, with
    /// --until-saturated one for each speed and one for the result.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Spans per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    Max,
    PerSecond(f64),
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(rate) if rate > 0.0 && rate <= 1e9 => Ok(Self::PerSecond(rate)),
            _ => Err("a rate is `max` or a number of spans per second above 0"),
        }
    }
}

fn parse_speed(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|speed| *speed > 0.0 && *speed <= 1e9).ok_or("a speed is a number above 0")
}

fn parse_duration(text: &str) -> Result<Duration, &'static str> {
    const USAGE: &str = "a duration is a number with a unit: ms, s, m or h";
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').ok_or(USAGE)?;
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(USAGE),
    };
    let number: f64 = number.parse().map_err(|_| USAGE)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1_800)));
        for wrong in ["", "5", "s", "5 s", "1d", "-1s", "1.2.3s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_above_zero() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("0.5".parse(), Ok(Rate::PerSecond(0.5)));
        for wrong in ["0", "-1", "fast", "NaN", "inf"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }
}
