//! Rows in columns, printed in portions: a list of any length takes the memory of one portion.

use std::io::{self, Write};

use super::Cell;

#[derive(Debug)]
pub(super) struct Table {
    columns: &'static [&'static str],
    /// They only grow, so that later portions stay below earlier ones as far as possible.
    widths: Vec<usize>,
    rows: Vec<Vec<Cell>>,
    has_head: bool,
}

impl Table {
    /// Rows of a portion.
    const PORTION: usize = 100;

    pub(super) fn new(columns: &'static [&'static str]) -> Self {
        let widths = columns.iter().map(|title| title.len()).collect();
        Self { columns, widths, rows: Vec::new(), has_head: false }
    }

    pub(super) fn push(&mut self, row: Vec<Cell>, out: &mut impl Write, colours: bool) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() == Self::PORTION { self.print(out, colours) } else { Ok(()) }
    }

    pub(super) fn print(&mut self, out: &mut impl Write, colours: bool) -> io::Result<()> {
        for row in &self.rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        if !self.has_head && !self.rows.is_empty() {
            self.has_head = true;
            let head: Vec<Cell> = self.columns.iter().map(Cell::faint).collect();
            print_row(&head, &self.widths, out, colours)?;
        }
        for row in self.rows.drain(..) {
            print_row(&row, &self.widths, out, colours)?;
        }
        Ok(())
    }
}

/// The last cell of a row is not filled up: no line ends in blanks.
fn print_row(row: &[Cell], widths: &[usize], out: &mut impl Write, colours: bool) -> io::Result<()> {
    let last = row.iter().rposition(|cell| cell.width() > 0).unwrap_or_default();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate().take(last + 1) {
        let blanks = if column == last { 0 } else { width - cell.width() + 2 };
        write!(out, "{}{:blanks$}", cell.painted(colours), "")?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::colour;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(&["NAME", "STATUS"]);
        let mut out = Vec::new();
        for (name, status) in [("日本", "active"), ("a", "failed"), ("line\nbreak", "complete")] {
            table.push(vec![Cell::new(name), Cell::status(status)], &mut out, false).unwrap();
        }

        table.print(&mut out, false).unwrap();

        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        NAME         STATUS
        日本         active
        a            failed
        line\nbreak  complete
        ");
    }

    #[test]
    fn colours_do_not_shift_columns() {
        let mut table = Table::new(&["STATUS", "ID"]);
        let mut out = Vec::new();
        table.push(vec![Cell::status("failed"), Cell::new("i")], &mut out, true).unwrap();
        table.print(&mut out, true).unwrap();

        let text = String::from_utf8(out).unwrap();

        assert_eq!(text, "\x1b[2mSTATUS\x1b[0m  \x1b[2mID\x1b[0m\n\x1b[31mfailed\x1b[0m  i\n");
        assert_eq!(colour::paint("x", None), "x");
    }
}
