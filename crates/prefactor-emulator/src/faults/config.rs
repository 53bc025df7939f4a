//! The description of faults, the same in code and in JSON.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What goes wrong on purpose. Without a fault everything works.
///
/// In JSON each fault is an object under its name; what is left out has its default, and an unknown name is an error.
/// Every fault takes `probability` (1 when left out), `times` (how often it strikes before it is spent) and `path` (only
/// requests whose path contains this text).
///
/// ```
/// use prefactor_emulator::{Faults, RetryAfter, TooManyRequests};
///
/// let in_code = Faults::new()
///     .seed(7)
///     .too_many_requests(TooManyRequests::new().times(2).retry_after(RetryAfter::Seconds(1)));
/// let in_json = r#"{ "seed": 7, "too_many_requests": { "times": 2, "retry_after": { "seconds": 1 } } }"#;
///
/// assert_eq!(in_json.parse::<Faults>()?, in_code);
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub(super) seed: u64,
    pub(super) black_hole: bool,
    pub(super) max_body_bytes: Option<usize>,
    pub(super) latency: Option<Latency>,
    pub(super) drop_before: Option<DropBefore>,
    pub(super) too_many_requests: Option<TooManyRequests>,
    pub(super) server_error: Option<ServerError>,
    pub(super) html_body: Option<HtmlBody>,
    pub(super) drop_after: Option<DropAfter>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes runs repeatable: the same seed and the same requests in the same order meet the same faults.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Takes requests and never answers them. When this ends, the connections of those that wait are closed.
    #[must_use]
    pub fn black_hole(mut self) -> Self {
        self.black_hole = true;
        self
    }

    /// Answers 413 to every longer body.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// Works slowly.
    #[must_use]
    pub fn latency(mut self, fault: Latency) -> Self {
        self.latency = Some(fault);
        self
    }

    /// Closes connections instead of working.
    #[must_use]
    pub fn drop_before(mut self, fault: DropBefore) -> Self {
        self.drop_before = Some(fault);
        self
    }

    /// Does the work and closes connections instead of answering.
    #[must_use]
    pub fn drop_after(mut self, fault: DropAfter) -> Self {
        self.drop_after = Some(fault);
        self
    }

    /// Answers 429.
    #[must_use]
    pub fn too_many_requests(mut self, fault: TooManyRequests) -> Self {
        self.too_many_requests = Some(fault);
        self
    }

    /// Answers an error of the API.
    #[must_use]
    pub fn server_error(mut self, fault: ServerError) -> Self {
        self.server_error = Some(fault);
        self
    }

    /// Answers a page of a proxy in between.
    #[must_use]
    pub fn html_body(mut self, fault: HtmlBody) -> Self {
        self.html_body = Some(fault);
        self
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    ///
    /// It is not JSON, has a name or a type that is not known, or a value out of range.
    pub fn from_json(json: &[u8]) -> Result<Self, FaultsError> {
        let faults: Self = serde_json::from_slice(json).map_err(FaultsError::Json)?;
        faults.check()?;
        Ok(faults)
    }

    fn check(&self) -> Result<(), FaultsError> {
        let probabilities = [
            ("latency", self.latency.as_ref().map(|fault| fault.probability)),
            ("drop_before", self.drop_before.as_ref().map(|fault| fault.probability)),
            ("drop_after", self.drop_after.as_ref().map(|fault| fault.probability)),
            ("too_many_requests", self.too_many_requests.as_ref().map(|fault| fault.probability)),
            ("server_error", self.server_error.as_ref().map(|fault| fault.probability)),
            ("html_body", self.html_body.as_ref().map(|fault| fault.probability)),
        ];
        for (fault, probability) in probabilities {
            if let Some(found) = probability.filter(|found| !(0.0..=1.0).contains(found)) {
                return Err(FaultsError::Probability { fault, found });
            }
        }
        let statuses = [
            ("server_error", self.server_error.as_ref().map(|fault| fault.status)),
            ("html_body", self.html_body.as_ref().map(|fault| fault.status)),
        ];
        for (fault, status) in statuses {
            if let Some(found) = status.filter(|found| !(200..=599).contains(found)) {
                return Err(FaultsError::Status { fault, found });
            }
        }
        match &self.latency {
            Some(latency) if latency.max_ms < latency.min_ms => {
                Err(FaultsError::Latency { min_ms: latency.min_ms, max_ms: latency.max_ms })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(json: &str) -> Result<Self, FaultsError> {
        Self::from_json(json.as_bytes())
    }
}

/// Why a faults document is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FaultsError {
    /// Not JSON, or not of the known names and types.
    #[error("the faults document can't be read")]
    Json(#[source] serde_json::Error),
    /// A probability is a number from 0 to 1.
    #[error("the probability of {fault} must be from 0 to 1, not {found}")]
    Probability {
        /// The fault it was given for.
        fault: &'static str,
        /// What was given.
        found: f64,
    },
    /// A status is an HTTP status of a final answer.
    #[error("the status of {fault} must be from 200 to 599, not {found}")]
    Status {
        /// The fault it was given for.
        fault: &'static str,
        /// What was given.
        found: u16,
    },
    /// The longest latency is shorter than the shortest.
    #[error("the latency must not end ({max_ms} ms) before it begins ({min_ms} ms)")]
    Latency {
        /// The shortest, in milliseconds.
        min_ms: u64,
        /// The longest, in milliseconds.
        max_ms: u64,
    },
}

/// Whether a fault strikes: the part all faults share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trigger<'a> {
    pub(super) probability: f64,
    pub(super) times: Option<u64>,
    pub(super) path: Option<&'a str>,
}

// serde can't flatten a shared part and refuse unknown names at once, so each fault has the three fields itself.
macro_rules! fault {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(pub(super) $field: $kind,)*
            probability: f64,
            times: Option<u64>,
            path: Option<String>,
        }

        impl $name {
            /// Strikes every time.
            pub fn new() -> Self {
                Self::default()
            }

            /// Strikes with this probability; a number out of 0 to 1 counts as the nearer end, one that is none as 0.
            #[must_use]
            pub fn probability(mut self, probability: f64) -> Self {
                self.probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
                self
            }

            /// Strikes so many times and never again.
            #[must_use]
            pub fn times(mut self, times: u64) -> Self {
                self.times = Some(times);
                self
            }

            /// Strikes only requests whose path contains `text`.
            #[must_use]
            pub fn path(mut self, text: impl Into<String>) -> Self {
                self.path = Some(text.into());
                self
            }

            $($(#[$field_doc])*
            #[must_use]
            pub fn $field(mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            })*

            pub(super) fn trigger(&self) -> Trigger<'_> {
                Trigger { probability: self.probability, times: self.times, path: self.path.as_deref() }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* probability: 1.0, times: None, path: None }
            }
        }
    };
}

fault! {
    /// Answers 429 without doing anything.
    TooManyRequests {
        /// What the answer says about when to come back.
        retry_after: RetryAfter = RetryAfter::None,
    }
}

fault! {
    /// Answers an error envelope without doing anything.
    ServerError {
        /// The status of the answer; 500 when not set.
        status: u16 = 500,
    }
}

fault! {
    /// Answers an HTML page without doing anything, as proxies do.
    HtmlBody {
        /// The status of the answer; 502 when not set.
        status: u16 = 502,
    }
}

fault! {
    /// Waits before working.
    Latency {
        /// The shortest wait, in milliseconds.
        min_ms: u64 = 0,
        /// The longest wait, in milliseconds.
        max_ms: u64 = 0,
    }
}

fault! {
    /// Closes the connection without an answer; nothing was done.
    DropBefore {}
}

fault! {
    /// Closes the connection without an answer; the work was done.
    DropAfter {}
}

/// The `Retry-After` header of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// No header.
    #[default]
    None,
    /// So many seconds.
    Seconds(u64),
    /// An HTTP date so many seconds from now.
    HttpDate(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_is_written() {
        let faults = Faults::new()
            .seed(3)
            .black_hole()
            .max_body_bytes(100)
            .latency(Latency::new().min_ms(1).max_ms(2))
            .drop_before(DropBefore::new().probability(0.5))
            .drop_after(DropAfter::new().path("/bulk"))
            .too_many_requests(TooManyRequests::new().retry_after(RetryAfter::HttpDate(2)))
            .server_error(ServerError::new().status(503).times(1))
            .html_body(HtmlBody::new());

        let json = serde_json::to_string(&faults).unwrap();

        assert_eq!(json.parse::<Faults>().unwrap(), faults);
    }

    #[test]
    fn a_bad_document_is_told_what_is_wrong() {
        let message = |json: &str| {
            let error = json.parse::<Faults>().unwrap_err();
            match std::error::Error::source(&error) {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            }
        };

        assert!(message(r#"{"server_eror":{}}"#).contains("unknown field `server_eror`"));
        assert!(message(r#"{"server_error":{"state":500}}"#).contains("unknown field `state`"));
        assert!(message("{").contains("EOF"));
        assert_eq!(
            message(r#"{"drop_after":{"probability":50}}"#),
            "the probability of drop_after must be from 0 to 1, not 50"
        );
        assert_eq!(
            message(r#"{"html_body":{"status":99}}"#),
            "the status of html_body must be from 200 to 599, not 99"
        );
        assert_eq!(
            message(r#"{"latency":{"min_ms":5}}"#),
            "the latency must not end (0 ms) before it begins (5 ms)"
        );
    }
}
