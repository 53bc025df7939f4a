//! What a run has found: a table and lines for people, one object for programs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::goals::{Ratio, median};
use crate::plan::Measured;

/// Medians by measurement and figure.
type Medians<'a> = BTreeMap<&'a str, BTreeMap<&'a str, f64>>;

fn medians(measured: &Measured) -> Medians<'_> {
    let mut all = Medians::new();
    for (measurement, rounds) in measured {
        for figure in rounds.iter().flat_map(|figures| figures.keys()) {
            let values = rounds.iter().filter_map(|figures| figures.get(figure).copied());
            let median = median(values.collect());
            all.entry(measurement).or_default().extend(median.map(|median| (figure.as_str(), median)));
        }
    }
    all
}

/// Prints the table and the lines.
pub fn print(measured: &Measured, ratios: &[Ratio]) {
    println!("\n{:<42} {:<32} {:>14}", "measured", "", "median");
    for (measurement, figures) in medians(measured) {
        for (figure, median) in figures {
            println!("{measurement:<42} {figure:<32} {:>14}", number(median));
        }
    }
    println!();
    for Ratio { name, value, goal, holds } in ratios {
        let value = number(*value);
        match goal {
            Some(goal) => println!(
                "ratio {name} {value} goal {goal}{}",
                if *holds == Some(false) { " MISSED" } else { "" }
            ),
            None => println!("ratio {name} {value} goal none"),
        }
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

/// Writes medians, ratios and the figures of each round as JSON.
///
/// # Errors
/// The file could not be written.
pub fn write_json(file: &Path, measured: &Measured, ratios: &[Ratio]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        ratios: &'a [Ratio],
        medians: Medians<'a>,
        rounds: &'a Measured,
    }
    serde_json::to_writer_pretty(
        File::create(file)?,
        &Report { ratios, medians: medians(measured), rounds: measured },
    )?;
    Ok(())
}
