//! Encoded JSON on its way to a request.

use std::fmt;
use std::ops::Deref;

/// JSON text, exactly as large as it must be. Its `Debug` shows the length alone: content appears in nobody's log.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Json(Box<[u8]>);

impl From<&[u8]> for Json {
    fn from(text: &[u8]) -> Self {
        Self(Box::from(text))
    }
}

impl Deref for Json {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of JSON", self.0.len())
    }
}
