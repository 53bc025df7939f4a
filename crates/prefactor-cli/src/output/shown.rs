//! What can be printed, and how it looks to people.

use std::fmt;

use serde::Serialize;

use super::colour::{self, Colour};
use super::{escape, time};

/// A text for people: harmless, and perhaps coloured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: escape::line(text.as_ref()).into_owned(), colour: None }
    }

    /// A status word in its colour.
    pub(crate) fn status(word: &str) -> Self {
        Self { colour: Colour::of_status(word), ..Self::new(word) }
    }

    pub(crate) fn faint(text: impl AsRef<str>) -> Self {
        Self { colour: Some(Colour::Faint), ..Self::new(text) }
    }

    pub(crate) fn time(at: Option<chrono::DateTime<chrono::Utc>>) -> Self {
        at.map_or_else(Self::absent, |at| Self::new(time::of_day(at)))
    }

    pub(crate) fn optional(text: Option<&str>) -> Self {
        text.map_or_else(Self::absent, Self::new)
    }

    pub(crate) fn absent() -> Self {
        Self::faint("-")
    }

    /// In characters of a terminal.
    pub(super) fn width(&self) -> usize {
        console::measure_text_width(&self.text)
    }

    pub(super) fn painted(&self, colours: bool) -> String {
        colour::paint(&self.text, self.colour.filter(|_| colours))
    }
}

/// Without colour.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A thing of the API as the commands print it.
pub(crate) trait Shown: Serialize {
    /// What one of them is called, in the plural.
    const PLURAL: &'static str;
    /// The heads of a table's columns.
    const COLUMNS: &'static [&'static str];

    fn id(&self) -> &str;

    /// Its row in a table: a cell for each column.
    fn row(&self) -> Vec<Cell>;

    /// Everything worth knowing when it stands alone.
    fn fields(&self) -> Vec<(&'static str, Cell)>;
}
