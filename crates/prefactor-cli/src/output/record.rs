//! One thing as lines of `name  value`.

use std::io::{self, Write};

use super::Cell;

pub(super) fn write(out: &mut impl Write, fields: &[(&'static str, Cell)], colours: bool) -> io::Result<()> {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in fields {
        writeln!(out, "{name:width$}  {}", value.painted(colours))?;
    }
    Ok(())
}
