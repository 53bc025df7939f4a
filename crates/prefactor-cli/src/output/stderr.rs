//! What goes beside the output: errors and notes.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on stderr. Unlike `eprintln!` it does not panic when nobody reads.
pub(crate) fn say(text: impl Display) {
    // Where else should it be said that stderr is closed?
    let _ = writeln!(io::stderr().lock(), "{text}");
}
