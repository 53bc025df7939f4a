//! Axes: where a value stands, and which values are written there.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

#[derive(Clone)]
pub struct Axis {
    pub title: &'static str,
    pub label: fn(f64) -> String,
    /// Equal steps of what it gives are equally long.
    scale: fn(f64) -> f64,
    range: Range<f64>,
    /// The values that are written on it.
    ticks: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let [low, high, value] = [self.range.start, self.range.end, *value].map(self.scale);
        from + (f64::from(to - from) * (value - low) / (high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Axis {
    /// From zero to the highest value.
    pub fn linear(title: &'static str, values: &[f64]) -> Self {
        let highest = values.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let magnitude = 10_f64.powf((highest / 4.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = step.into_iter().find(|step| highest / step <= 5.0).unwrap_or(magnitude);
        let ticks = (0..=6).map(|number| f64::from(number) * step).filter(|tick| *tick < highest + step);
        let ticks: Vec<f64> = ticks.collect();
        let range = 0.0..ticks.last().copied().unwrap_or(highest);
        Self { title, label: short, scale: |value| value, range, ticks }
    }

    /// Each power of ten as wide as the next, with a little room around the values.
    pub fn logarithmic(title: &'static str, values: &[f64]) -> Self {
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let range = lowest / 1.25..highest * 1.25;
        let ticks = (0..10).map(|power| 10_f64.powi(power));
        let ticks = ticks.filter(|tick| range.contains(tick)).collect();
        Self { title, label: short, scale: f64::log10, range, ticks }
    }

    /// Shares of all, each nine as wide as the next.
    pub fn nines(title: &'static str) -> Self {
        Self {
            title,
            label: |share| format!("{} %", (share * 1e6).round() / 1e4),
            scale: |share| -(1.0 - share).log10(),
            range: 0.0..0.9999,
            ticks: vec![0.0, 0.5, 0.9, 0.99, 0.999, 0.9999],
        }
    }
}

/// `20 k` for 20,000.
fn short(value: f64) -> String {
    let (value, unit) = match value {
        _ if value >= 1e6 => (value / 1e6, " M"),
        _ if value >= 1e3 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    format!("{}{unit}", (value * 100.0).round() / 100.0)
}
