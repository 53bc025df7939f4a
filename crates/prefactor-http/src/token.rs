use std::fmt;
use std::str::FromStr;

use reqwest::header::HeaderValue;
use thiserror::Error;

/// The bearer token that authenticates every request.
///
/// It never shows: there is no `Display`, `Debug` prints a placeholder, and errors do not repeat what was given.
///
/// ```
/// use prefactor_http::ApiToken;
///
/// let token = ApiToken::new("s3cret")?;
/// assert_eq!(format!("{token:?}"), "ApiToken([redacted])");
/// assert!(ApiToken::new("  ").is_err());
/// # Ok::<(), prefactor_http::ApiTokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

/// Why a text cannot be a token. Does not contain the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiTokenError {
    /// Nothing but white space.
    #[error("the api token is empty")]
    Empty,
    /// Something that cannot be sent in an HTTP header.
    #[error("the api token contains a space, a control character or a character beyond ascii")]
    Character,
}

/// Stands where a token stood.
pub(crate) const REDACTED: &str = "[redacted]";

impl ApiToken {
    /// Checks a token. White space around it, as a file or a shell leaves it, is dropped.
    ///
    /// # Errors
    /// [`ApiTokenError`] when nothing is left or when it cannot be sent in a header.
    pub fn new(token: &str) -> Result<Self, ApiTokenError> {
        match token.trim() {
            "" => Err(ApiTokenError::Empty),
            token if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(token.to_owned())),
            _ => Err(ApiTokenError::Character),
        }
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))
            .expect("a checked token is a valid header value");
        value.set_sensitive(true);
        value
    }

    /// Takes the token out of a text that a server or a proxy has sent, which may echo the request.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(&self.0, REDACTED)
    }
}

impl FromStr for ApiToken {
    type Err = ApiTokenError;

    fn from_str(token: &str) -> Result<Self, ApiTokenError> {
        Self::new(token)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({REDACTED})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows() {
        let token = ApiToken::new("tok-123").unwrap();

        assert!(!format!("{token:?} {:?}", token.authorization()).contains("tok-123"));
        assert_eq!(token.redact("you sent Bearer tok-123!"), "you sent Bearer [redacted]!");
    }

    #[test]
    fn surrounding_white_space_is_dropped() {
        assert_eq!(ApiToken::new(" tok\n"), ApiToken::new("tok"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_repeating_it() {
        for bad in ["", " \n"] {
            assert_eq!(ApiToken::new(bad), Err(ApiTokenError::Empty));
        }
        for bad in ["tok\r\nX-Evil: 1", "tok en", "tök", "tok\0"] {
            let error = ApiToken::new(bad).unwrap_err();
            assert_eq!(error, ApiTokenError::Character);
            assert!(!error.to_string().contains("tok\r") && !error.to_string().contains("tök"));
        }
    }
}
