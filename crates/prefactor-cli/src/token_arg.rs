//! A token as it was given.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Never shown. Any text is one to clap, whose error for a wrong value would repeat it: it is checked later.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TokenArg(String);

impl TokenArg {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for TokenArg {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for TokenArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenArg(hidden)")
    }
}
