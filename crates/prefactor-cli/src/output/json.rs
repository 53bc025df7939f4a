//! JSON for programs, harmless on a terminal.

use std::io::{self, Write};

use serde::Serialize;

use super::escape;

/// A document that stands alone, indented.
pub(super) fn document(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(out, "{}", escape::json(&text))
}

/// One document of many: a line.
pub(super) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    writeln!(out, "{}", escape::json(&text))
}
