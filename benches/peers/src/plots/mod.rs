//! `--plots DIR`: what the numbers look like. Everything is measured anew, in one run.

mod axis;
mod chart;

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use axis::Axis;
use chart::{BLUE, Chart, GREEN, Line, PURPLE, VERMILION};

use crate::goals::median;
use crate::plan::{self, Measured, Measurement, SHORT_BURST};
use crate::scenario::SHARES;

const ROUNDS: usize = 3;

const LATENCY_SPANS: u64 = 200_000;

const PEERS: [(&str, &str, plotters::style::RGBColor); 3] = [
    ("ours", "prefactor", BLUE),
    ("opentelemetry", "OpenTelemetry", VERMILION),
    ("fastrace", "fastrace", GREEN),
];

const ITEMS: [u64; 6] = [5, 20, 100, 250, 500, 1_000];

const LANES: [(u64, plotters::style::RGBColor); 4] = [(1, BLUE), (2, VERMILION), (4, GREEN), (8, PURPLE)];

const INSTANCES: [u64; 5] = [1, 10, 100, 1_000, 10_000];

const INSTANCES_SPANS: u64 = 200_000;

const SPANS: [u64; 5] = [10_000, 50_000, 200_000, 1_000_000, 2_000_000];

/// Measures and draws.
///
/// # Errors
/// A process that did not do its part, or a file that can't be written.
pub fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let measured = plan::run(measurements(), ROUNDS, "")?;
    for (name, chart) in charts(&measured) {
        let svg = chart.svg().map_err(|error: Box<dyn Error>| io::Error::other(error.to_string()))?;
        let file = folder.join(name);
        fs::write(&file, svg)?;
        println!("{}", file.display());
    }
    Ok(())
}

fn latency(who: &str) -> String {
    format!("latency {who} 1 {SHORT_BURST} {LATENCY_SPANS}")
}

/// Some fifty requests on each lane, but neither too few spans to count nor too many to wait for.
fn throughput(server: &str, items: u64, lanes: u64) -> String {
    let spans = (items * lanes * 50).clamp(if server == "far" { 50 } else { 5_000 }, 200_000);
    format!("throughput {server} {items} {lanes} {spans}")
}

fn cost(instances: u64, spans: u64) -> String {
    format!("end-to-end ours {instances} {spans}")
}

fn measurements() -> Vec<Measurement> {
    let mut all: Vec<String> = PEERS.iter().map(|(who, ..)| latency(who)).collect();
    for (lanes, _) in LANES {
        for items in ITEMS {
            all.extend(["near", "far"].map(|server| throughput(server, items, lanes)));
        }
    }
    all.extend(INSTANCES.map(|instances| cost(instances, INSTANCES_SPANS)));
    all.extend(SPANS.map(|spans| cost(8, spans)));
    all.into_iter().map(Measurement::repeated).collect()
}

fn charts(measured: &Measured) -> Vec<(&'static str, Chart)> {
    let figure = |words: &str, name: &str| {
        let rounds = measured.get(words).into_iter().flatten();
        median(rounds.filter_map(|figures| figures.get(name).copied()).collect())
    };
    let latency = PEERS.map(|(who, name, colour)| {
        let points =
            SHARES.iter().filter_map(|share| Some((*share, figure(&latency(who), &share.to_string())?)));
        Line { name: name.to_owned(), colour, points: points.collect() }
    });
    let throughput = |server: &str| {
        LANES.map(|(lanes, colour)| {
            let at =
                |items: u64| Some((items as f64, figure(&throughput(server, items, lanes), "spans_per_s")?));
            let name = if lanes == 1 { "1 lane".to_owned() } else { format!("{lanes} lanes") };
            Line { name, colour, points: ITEMS.into_iter().filter_map(at).collect() }
        })
    };
    let cost = |by: &[u64], words: &dyn Fn(u64) -> String| {
        let points = by.iter().filter_map(|number| {
            Some((*number as f64, figure(&words(*number), "cpu_ns_per_span")? / 1_000.0))
        });
        [Line { name: String::new(), colour: BLUE, points: points.collect() }]
    };
    vec![
        (
            "caller-latency.svg",
            chart(
                "What a span takes its caller",
                Axis::nines("share of spans that take no longer"),
                |ns| Axis::logarithmic("nanoseconds", ns),
                latency,
            ),
        ),
        (
            "throughput.svg",
            chart(
                "Throughput by size of batches, to a server on the same machine",
                items_axis(),
                |spans| Axis::linear("spans/s", spans),
                throughput("near"),
            ),
        ),
        (
            "throughput-far.svg",
            chart(
                "Throughput by size of batches, to a server that takes 20 ms to answer",
                items_axis(),
                |spans| Axis::logarithmic("spans/s", spans),
                throughput("far"),
            ),
        ),
        (
            "cost-by-instances.svg",
            chart(
                "Cost of a span by number of instances, 200,000 spans",
                Axis::logarithmic("instances", &INSTANCES.map(|instances| instances as f64)),
                |us| Axis::linear("CPU time per span, µs", us),
                cost(&INSTANCES, &|instances| self::cost(instances, INSTANCES_SPANS)),
            ),
        ),
        (
            "cost-by-spans.svg",
            chart(
                "Cost of a span by number of spans, 8 instances",
                Axis::logarithmic("spans", &SPANS.map(|spans| spans as f64)),
                |us| Axis::linear("CPU time per span, µs", us),
                cost(&SPANS, &|spans| self::cost(8, spans)),
            ),
        ),
    ]
}

fn items_axis() -> Axis {
    Axis::logarithmic("items in a request, at most", &ITEMS.map(|items| items as f64))
}

/// A chart whose vertical axis fits the values of its lines.
fn chart<const N: usize>(
    title: &'static str,
    x: Axis,
    y: impl FnOnce(&[f64]) -> Axis,
    lines: [Line; N],
) -> Chart {
    let values: Vec<f64> = lines.iter().flat_map(|line| line.points.iter().map(|(_, y)| *y)).collect();
    Chart { title, x, y: y(&values), lines: lines.into() }
}
