use std::fmt;
use std::str::FromStr;

use chrono::Utc;
use prefactor_pfid::thread_stem;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// A key by which the API recognises an operation that it has seen: a second request with it has no second effect (API
/// contract, Idempotency).
///
/// ```
/// use prefactor_http::IdempotencyKey;
///
/// let key = IdempotencyKey::new("order-4711-finish")?;
/// assert_eq!(key.as_str(), "order-4711-finish");
/// assert!(IdempotencyKey::new("short").is_err());
/// assert_ne!(IdempotencyKey::random(), IdempotencyKey::random());
/// # Ok::<(), prefactor_http::IdempotencyKeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

/// Why a text cannot be an idempotency key, or the prefix of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdempotencyKeyError {
    /// Too short or too long.
    #[error("an idempotency key has {min} to {max} characters, not {found}")]
    Length {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
        /// Characters found.
        found: usize,
    },
    /// Something that cannot be sent in an HTTP header.
    #[error("an idempotency key is made of visible ascii characters only")]
    Character,
}

impl IdempotencyKey {
    /// The least number of characters.
    pub const MIN_CHARACTERS: usize = 8;
    /// The greatest number of characters. The API's newest reference allows 128, the existing clients refuse more than 64.
    pub const MAX_CHARACTERS: usize = 64;
    /// Characters of a key made by [`IdempotencyKey::random`].
    const RANDOM_CHARACTERS: usize = 26;

    /// Checks a key.
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] when it has fewer than 8 or more than 64 characters or any that is not visible ASCII.
    pub fn new(key: impl Into<String>) -> Result<Self, IdempotencyKeyError> {
        checked(key.into(), Self::MIN_CHARACTERS, Self::MAX_CHARACTERS).map(Self)
    }

    /// Makes a key that was never used before: 26 characters of time and randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(random_text())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(key: &str) -> Result<Self, IdempotencyKeyError> {
        Self::new(key)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What generated keys begin with, so that their origin can be told from the server's records.
///
/// ```
/// use prefactor_http::IdempotencyKeyPrefix;
///
/// let key = IdempotencyKeyPrefix::new("billing")?.key();
/// assert!(key.as_str().starts_with("billing-"));
/// # Ok::<(), prefactor_http::IdempotencyKeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKeyPrefix(String);

impl IdempotencyKeyPrefix {
    /// The greatest number of characters: what a generated key and a hyphen leave.
    pub const MAX_CHARACTERS: usize = IdempotencyKey::MAX_CHARACTERS - IdempotencyKey::RANDOM_CHARACTERS - 1;

    /// Checks a prefix.
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] when it is empty, too long or has any character that is not visible ASCII.
    pub fn new(prefix: impl Into<String>) -> Result<Self, IdempotencyKeyError> {
        checked(prefix.into(), 1, Self::MAX_CHARACTERS).map(Self)
    }

    /// Makes a key that was never used before.
    #[must_use]
    pub fn key(&self) -> IdempotencyKey {
        IdempotencyKey(format!("{}-{}", self.0, random_text()))
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(text: String, min: usize, max: usize) -> Result<String, IdempotencyKeyError> {
    let found = text.chars().count();
    if !(min..=max).contains(&found) {
        Err(IdempotencyKeyError::Length { min, max, found })
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(IdempotencyKeyError::Character)
    } else {
        Ok(text)
    }
}

fn random_text() -> String {
    let unix_ms = u64::try_from(Utc::now().timestamp_millis()).unwrap_or_default();
    thread_stem(unix_ms).encode().into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_8_to_64_characters() {
        for (characters, good) in [(0, false), (7, false), (8, true), (64, true), (65, false)] {
            assert_eq!(IdempotencyKey::new("k".repeat(characters)).is_ok(), good, "{characters}");
        }
        assert_eq!(
            IdempotencyKey::new("kkk"),
            Err(IdempotencyKeyError::Length { min: 8, max: 64, found: 3 })
        );
    }

    #[test]
    fn keys_are_visible_ascii() {
        for bad in ["with space", "new\nline", "schlüssel"] {
            assert_eq!(IdempotencyKey::new(bad), Err(IdempotencyKeyError::Character));
        }
    }

    #[test]
    fn generated_keys_pass_their_own_check() {
        let longest = IdempotencyKeyPrefix::new("p".repeat(IdempotencyKeyPrefix::MAX_CHARACTERS)).unwrap();

        for key in [IdempotencyKey::random(), longest.key()] {
            assert_eq!(IdempotencyKey::new(key.as_str()), Ok(key));
        }
        assert!(IdempotencyKeyPrefix::new("p".repeat(IdempotencyKeyPrefix::MAX_CHARACTERS + 1)).is_err());
        assert!(IdempotencyKeyPrefix::new("").is_err());
    }
}
