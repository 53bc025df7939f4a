//! Lines in a frame, as SVG that is readable on white and on black.

use std::error::Error;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;

const SIZE: (u32, u32) = (720, 400);

/// Room at the right for the names of the lines.
const NAMES: u32 = 130;

/// The least distance of two names, in pixels.
const NAME_HEIGHT: i32 = 18;

/// Told apart by those who see few colours, and neither lost on white nor on black.
pub const BLUE: RGBColor = RGBColor(47, 129, 215);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const PURPLE: RGBColor = RGBColor(178, 102, 160);
const GREY: RGBColor = RGBColor(112, 124, 136);

/// A line, with its name at its end.
pub struct Line {
    pub name: String,
    pub colour: RGBColor,
    pub points: Vec<(f64, f64)>,
}

pub struct Chart {
    pub title: &'static str,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
}

impl Chart {
    /// Draws it.
    ///
    /// # Errors
    /// What can't be drawn.
    pub fn svg(&self) -> Result<String, Box<dyn Error>> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let named = self.lines.iter().any(|line| !line.name.is_empty());
            let text = |size: u32| ("sans-serif", size).into_font().color(&GREY);
            let mut chart = ChartBuilder::on(&root)
                .caption(self.title, text(17))
                .margin(12)
                .margin_right(if named { NAMES } else { 24 })
                .x_label_area_size(46)
                .y_label_area_size(66)
                .build_cartesian_2d(self.x.clone(), self.y.clone())?;
            chart
                .configure_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(GREY.mix(0.25))
                .axis_style(GREY)
                .label_style(text(13))
                .axis_desc_style(text(14))
                .x_desc(self.x.title)
                .y_desc(self.y.title)
                .x_label_formatter(&|tick| (self.x.label)(*tick))
                .y_label_formatter(&|tick| (self.y.label)(*tick))
                .draw()?;
            let mut ends = Vec::new();
            for line in &self.lines {
                let points = &line.points;
                chart.draw_series(LineSeries::new(points.iter().copied(), line.colour.stroke_width(2)))?;
                chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, line.colour.filled())))?;
                ends.extend(points.last().map(|end| (chart.backend_coord(end), line)));
            }
            // Names of lines that end close together move apart.
            ends.sort_by_key(|((_, y), _)| *y);
            let mut lowest = i32::MIN;
            for ((x, y), line) in ends {
                let y = y.max(lowest.saturating_add(NAME_HEIGHT));
                lowest = y;
                let style = ("sans-serif", 14)
                    .into_font()
                    .color(&line.colour)
                    .pos(Pos::new(HPos::Left, VPos::Center));
                root.draw(&Text::new(line.name.as_str(), (x + 9, y), style))?;
            }
            root.present()?;
        }
        Ok(svg)
    }
}
