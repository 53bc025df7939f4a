use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// Where the API is: parsed once, so that no request can fail for the sake of its address.
///
/// A path prefix is kept; requests go to `<base>/api/v1/…` (API contract, Transport).
///
/// ```
/// use prefactor_http::ApiUrl;
///
/// let url = ApiUrl::new("https://proxy.example/prefactor/")?;
/// assert_eq!(url.as_str(), "https://proxy.example/prefactor");
/// assert_eq!(ApiUrl::default().as_str(), "https://app.prefactorai.com");
///
/// // A token travels in the clear over http: only this machine may be reached that way.
/// assert!(ApiUrl::new("http://127.0.0.1:4010").is_ok());
/// assert!(ApiUrl::new("http://api.example").is_err());
/// assert!(ApiUrl::allowing_insecure_http("http://api.example").is_ok());
/// # Ok::<(), prefactor_http::ApiUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// Why a text cannot be the API's address. Does not contain the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiUrlError {
    /// No absolute URL with a host.
    #[error("the api url is not an absolute url with a host")]
    Malformed,
    /// Neither `https` nor `http`.
    #[error("the api url must begin with https:// or http://")]
    Scheme,
    /// `http` to another machine, which would send the token in the clear.
    #[error("the api url must begin with https:// unless its host is this machine")]
    Insecure,
    /// A user name or a password in the URL; the token is the only credential.
    #[error("the api url must not contain a user name or a password")]
    Credentials,
    /// A query or a fragment, which could not be kept.
    #[error("the api url must not contain a query or a fragment")]
    Suffix,
}

impl ApiUrl {
    /// The hosted service.
    pub const DEFAULT: &str = "https://app.prefactorai.com";

    /// Parses the address. `http` is accepted for this machine only (`localhost`, `127.0.0.0/8`, `::1`).
    ///
    /// # Errors
    /// [`ApiUrlError`] says which part is not acceptable.
    pub fn new(url: &str) -> Result<Self, ApiUrlError> {
        let url = Self::allowing_insecure_http(url)?;
        if url.0.scheme() == "http" && !url.is_loopback() { Err(ApiUrlError::Insecure) } else { Ok(url) }
    }

    /// Like [`ApiUrl::new`], but takes `http` to any host: the token and all payloads then travel in the clear.
    ///
    /// # Errors
    /// [`ApiUrlError`] says which part is not acceptable.
    pub fn allowing_insecure_http(url: &str) -> Result<Self, ApiUrlError> {
        let mut url = Url::parse(url.trim()).map_err(|_| ApiUrlError::Malformed)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(ApiUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ApiUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ApiUrlError::Suffix);
        }
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&prefix);
        Ok(Self(url))
    }

    /// The address without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }

    /// Whether requests are encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of an endpoint, whose path is given from `/api/v1` on. `None` for a path that is not absolute, would lead
    /// out of the prefix, or holds a query or a fragment.
    pub(crate) fn join(&self, path: &str) -> Option<Url> {
        let misread = |character: char| character.is_control() || matches!(character, '?' | '#' | '\\');
        let leads_up =
            |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if !path.starts_with('/') || path.contains(misread) || path.split('/').any(leads_up) {
            return None;
        }
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        Some(url)
    }
}

impl Default for ApiUrl {
    fn default() -> Self {
        Self::new(Self::DEFAULT).expect("the default is a valid address")
    }
}

impl FromStr for ApiUrl {
    type Err = ApiUrlError;

    fn from_str(url: &str) -> Result<Self, ApiUrlError> {
        Self::new(url)
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_kept_and_slashes_do_not_double() {
        for base in ["https://h.example/a/b", "https://h.example/a/b/", "https://h.example/a/b//"] {
            let url = ApiUrl::new(base).unwrap();
            assert_eq!(url.join("/api/v1/bulk").unwrap().as_str(), "https://h.example/a/b/api/v1/bulk");
        }
        assert_eq!(
            ApiUrl::default().join("/api/v1/ping").unwrap().as_str(),
            "https://app.prefactorai.com/api/v1/ping"
        );
    }

    #[test]
    fn http_is_for_this_machine_only() {
        for good in ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9/x", "http://[::1]:80"] {
            assert!(ApiUrl::new(good).is_ok(), "{good}");
        }
        for bad in
            ["http://app.prefactorai.com", "http://10.0.0.1", "http://localhost.example", "http://[::2]"]
        {
            assert_eq!(ApiUrl::new(bad), Err(ApiUrlError::Insecure), "{bad}");
            assert!(ApiUrl::allowing_insecure_http(bad).is_ok(), "{bad}");
        }
    }

    #[test]
    fn what_could_not_be_kept_is_refused() {
        let refused = |url: &str| ApiUrl::new(url).unwrap_err();

        assert_eq!(refused("app.prefactorai.com"), ApiUrlError::Malformed);
        assert_eq!(refused("https://"), ApiUrlError::Malformed);
        assert_eq!(refused("ftp://h.example"), ApiUrlError::Scheme);
        assert_eq!(refused("https://user:pass@h.example"), ApiUrlError::Credentials);
        assert_eq!(refused("https://user@h.example"), ApiUrlError::Credentials);
        assert_eq!(refused("https://h.example?x=1"), ApiUrlError::Suffix);
        assert_eq!(refused("https://h.example/#x"), ApiUrlError::Suffix);
    }

    #[test]
    fn no_path_leads_out_of_the_prefix() {
        let url = ApiUrl::new("https://h.example/a").unwrap();

        for bad in [
            "api",
            "//x/../..",
            "/../b",
            "/x/../../b",
            "/%2e%2e/b",
            "/x?y",
            "/x#y",
            "/x\\..\\..",
            "/.\t./b",
            "",
        ] {
            assert_eq!(url.join(bad), None, "{bad}");
        }
        assert_eq!(url.join("//evil.example/x").unwrap().host_str(), Some("h.example"));
    }
}
