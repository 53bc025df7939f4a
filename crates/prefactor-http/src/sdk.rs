use std::fmt;

use thiserror::Error;

/// One entry of the `X-Prefactor-SDK` header, which tells the API which layers a request came through.
///
/// ```
/// use prefactor_http::SdkEntry;
///
/// assert_eq!(SdkEntry::new("prefactor-tracing", "0.1.0")?.to_string(), "prefactor-tracing@0.1.0");
/// assert!(SdkEntry::new("two words", "1").is_err());
/// # Ok::<(), prefactor_http::SdkEntryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkEntry(String);

/// A name or a version that is empty, or that has a character which would split the entry or cannot be sent in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the name and the version of an sdk entry are visible ascii characters without '@'")]
pub struct SdkEntryError;

impl SdkEntry {
    /// Puts a name and a version together.
    ///
    /// # Errors
    /// [`SdkEntryError`] when one of them is empty or has a character other than visible ASCII without `@`.
    pub fn new(name: &str, version: &str) -> Result<Self, SdkEntryError> {
        let good =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        if good(name) && good(version) { Ok(Self(format!("{name}@{version}"))) } else { Err(SdkEntryError) }
    }

    /// This crate's own entry, the innermost one.
    pub(crate) fn own() -> Self {
        Self(concat!("prefactor-rs@", env!("CARGO_PKG_VERSION")).to_owned())
    }
}

impl fmt::Display for SdkEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_cannot_pose_as_two() {
        for (name, version) in
            [("", "1"), ("a", ""), ("a b", "1"), ("a@b", "1"), ("a", "1\r\nx: y"), ("ä", "1")]
        {
            assert_eq!(SdkEntry::new(name, version), Err(SdkEntryError));
        }
    }
}
