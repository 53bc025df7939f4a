//! What comes out of a spool.

use std::fmt;

/// A record that was appended. Its `Debug` shows the length of the body alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the order of all records, and its name in acknowledgements.
    pub sequence: u64,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub at: u64,
    /// What was appended.
    pub body: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, at, body } = self;
        f.debug_struct("Record")
            .field("sequence", sequence)
            .field("at", at)
            .field("body", &body.len())
            .finish()
    }
}
