//! How a load went: one object, as a table or as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use prefactor::{Ledger, Traffic};
use serde::Serialize;

use super::callers::Felt;
use super::usage;

#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Operations: two per span, and three per run (register, start, finish).
    accepted: u64,
    delivered: u64,
    rejected: u64,
    rejected_by_reason: BTreeMap<&'static str, u64>,
    lost: u64,
    lost_by_reason: BTreeMap<&'static str, u64>,
    /// Left on disk for the next pipeline with this spool.
    spooled: u64,
    in_flight: u64,
    /// What is still taken of the pipeline's budget.
    held_bytes: u64,
    spans: u64,
    seconds: f64,
    spans_per_s: f64,
    /// What the two calls for a span took their caller.
    caller_ns: CallerTimes,
    /// How long after its time a span began, where the schedule has times.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_ms: Option<Times>,
    /// From the call that finished a span to the API's answer.
    finish_to_delivered_ms: Times,
    requests: u64,
    retries: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_rss_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct CallerTimes {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

#[derive(Debug, Serialize)]
struct Times {
    p50: f64,
    p99: f64,
}

impl Times {
    /// Of a histogram in units that a millisecond has so many of.
    fn of(histogram: &Histogram<u64>, units: f64) -> Self {
        let milliseconds = |quantile| histogram.value_at_quantile(quantile) as f64 / units;
        Self { p50: milliseconds(0.5), p99: milliseconds(0.99) }
    }
}

impl Summary {
    pub(crate) fn new(
        ledger: &Ledger,
        held_bytes: u64,
        traffic: Traffic,
        spans: u64,
        took: Duration,
        Felt { calls, late }: &Felt,
        delivery_us: &Histogram<u64>,
    ) -> Self {
        Self {
            accepted: ledger.accepted.operations,
            delivered: ledger.delivered.operations,
            rejected: ledger.rejected_total().operations,
            rejected_by_reason: ledger
                .rejected
                .iter()
                .map(|(reason, tally)| (reason.as_str(), tally.operations))
                .collect(),
            lost: ledger.lost_total().operations,
            lost_by_reason: ledger
                .lost
                .iter()
                .map(|(reason, tally)| (reason.as_str(), tally.operations))
                .collect(),
            spooled: ledger.spooled.operations,
            in_flight: ledger.in_flight().operations,
            held_bytes,
            spans,
            seconds: took.as_secs_f64(),
            spans_per_s: spans as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE),
            caller_ns: CallerTimes {
                p50: calls.value_at_quantile(0.5),
                p99: calls.value_at_quantile(0.99),
                p999: calls.value_at_quantile(0.999),
                max: calls.max(),
            },
            late_ms: (!late.is_empty()).then(|| Times::of(late, 1e6)),
            finish_to_delivered_ms: Times::of(delivery_us, 1e3),
            requests: traffic.requests,
            retries: traffic.retries,
            bytes: traffic.bytes,
            peak_rss_bytes: usage::peak_rss_bytes(),
            cpu_seconds: usage::cpu_seconds(),
        }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn flaw(&self, allow_loss: bool) -> Option<String> {
        let known = self.delivered + self.rejected + self.lost + self.spooled + self.in_flight;
        if known != self.accepted {
            return Some(format!("the ledger does not add up: accepted {}, known {known}", self.accepted));
        }
        if self.in_flight > 0 {
            return Some(format!(
                "{} operations were on their way when the time to deliver (--drain) was over",
                self.in_flight
            ));
        }
        if self.rejected > 0 {
            return Some(format!("{} operations were rejected", self.rejected));
        }
        (self.lost > 0 && !allow_loss).then(|| format!("{} operations were lost", self.lost))
    }
}

/// A load as one of several at rising speeds.
impl Summary {
    /// Why this was too much, if it was: callers may come so late.
    pub(crate) fn overload(&self, latest: Duration) -> Option<String> {
        const LONGEST_WAIT_MS: f64 = 1_000.0;
        let late_ms = self.late_ms.as_ref().map_or(0.0, |late| late.p99);
        let waited_ms = self.finish_to_delivered_ms.p99;
        if self.lost > 0 {
            Some(format!("{} operations were lost", self.lost))
        } else if self.in_flight > 0 {
            Some(format!("{} operations were not delivered in time (--drain)", self.in_flight))
        } else if late_ms > latest.as_secs_f64() * 1_000.0 {
            Some(format!("callers came {late_ms:.0} ms late"))
        } else {
            (waited_ms > LONGEST_WAIT_MS).then(|| format!("spans waited {waited_ms:.0} ms"))
        }
    }

    pub(crate) fn spans_per_s(&self) -> f64 {
        self.spans_per_s
    }

    pub(crate) const ROW_HEADING: &str =
        "    spans/s  caller ns p50         p99  late ms p99  delivered ms p99";

    /// The most important of it on a line.
    pub(crate) fn row(&self) -> String {
        format!(
            "{:>11.0} {:>14} {:>11} {:>12.1} {:>17.1}",
            self.spans_per_s,
            self.caller_ns.p50,
            self.caller_ns.p99,
            self.late_ms.as_ref().map_or(0.0, |late| late.p99),
            self.finish_to_delivered_ms.p99
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "spans               {:>14}", self.spans)?;
        writeln!(f, "seconds             {:>14.3}", self.seconds)?;
        writeln!(f, "spans/s             {:>14.0}", self.spans_per_s)?;
        writeln!(f, "operations accepted {:>14}", self.accepted)?;
        writeln!(f, "  delivered         {:>14}", self.delivered)?;
        writeln!(f, "  rejected          {:>14}", self.rejected)?;
        for (reason, operations) in &self.rejected_by_reason {
            writeln!(f, "    {reason:<16}{operations:>14}")?;
        }
        writeln!(f, "  lost              {:>14}", self.lost)?;
        for (reason, operations) in &self.lost_by_reason {
            writeln!(f, "    {reason:<16}{operations:>14}")?;
        }
        if self.spooled > 0 {
            writeln!(f, "  spooled           {:>14}", self.spooled)?;
        }
        let CallerTimes { p50, p99, p999, max } = self.caller_ns;
        writeln!(f, "caller ns per span  {:>14}  p50", p50)?;
        writeln!(f, "                    {:>14}  p99", p99)?;
        writeln!(f, "                    {:>14}  p99.9", p999)?;
        writeln!(f, "                    {:>14}  max", max)?;
        if let Some(Times { p50, p99 }) = self.late_ms {
            writeln!(f, "late                {p50:>14.1}  p50, ms")?;
            writeln!(f, "                    {p99:>14.1}  p99, ms")?;
        }
        writeln!(f, "finish to delivered {:>14.1}  p50, ms", self.finish_to_delivered_ms.p50)?;
        writeln!(f, "                    {:>14.1}  p99, ms", self.finish_to_delivered_ms.p99)?;
        writeln!(f, "requests            {:>14}", self.requests)?;
        writeln!(f, "  retries           {:>14}", self.retries)?;
        writeln!(f, "bytes sent          {:>14}", self.bytes)?;
        if let Some(bytes) = self.peak_rss_bytes {
            writeln!(f, "peak memory, bytes  {bytes:>14}")?;
        }
        if let Some(seconds) = self.cpu_seconds {
            writeln!(f, "cpu seconds         {seconds:>14.2}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(value: u64) -> Histogram<u64> {
        let mut times = Histogram::new(3).expect("3 digits are valid");
        times.record(value).expect("room for any value");
        times
    }

    #[test]
    fn it_is_too_much_when_callers_are_late_or_spans_wait() {
        let overload = |late_ms: u64, waited_ms: u64| {
            let felt = Felt { calls: histogram(300), late: histogram(late_ms * 1_000_000) };
            let delivery_us = histogram(waited_ms * 1_000);
            let (ledger, traffic) = (Ledger::default(), Traffic::default());
            Summary::new(&ledger, 0, traffic, 1, Duration::from_secs(5), &felt, &delivery_us)
                .overload(Duration::from_secs(1))
        };

        assert_eq!(overload(900, 900), None);
        assert!(overload(1_100, 900).is_some_and(|why| why.starts_with("callers came 1")));
        assert!(overload(900, 1_100).is_some_and(|why| why.starts_with("spans waited 1")));
    }
}
