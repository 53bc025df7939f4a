//! How far a page knows a run, so that it is only told what is new.

use std::fmt;
use std::str::FromStr;

/// Opaque to the page, which sends back what it got with the last rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cursor {
    /// So many spans of the run were sent, in the order of their creation.
    pub(super) position: usize,
    /// The number of the last effect at that time: later finishes are unknown.
    pub(super) sequence: u64,
    /// So many spans of the run had finished: as long as it is the same, none of them needs a look.
    pub(super) finished: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.position, self.sequence, self.finished)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut part = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(());
        let cursor = Self {
            position: usize::try_from(part()?).map_err(|_| ())?,
            sequence: part()?,
            finished: part()?,
        };
        if parts.next().is_some() { Err(()) } else { Ok(cursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let cursor = Cursor { position: 3, sequence: 900, finished: 2 };

        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1-2", "1-2-3-4", "a-2-3", "-1-2-3"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }
}
