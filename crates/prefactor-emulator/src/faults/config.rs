//! The description of faults, the same in code and in JSON.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::FaultsError;
use super::kinds::{DropAfter, DropBefore, HtmlBody, Latency, ServerError, TooManyRequests};
use super::rate::RateLimit;
use super::runs::{IgnoredIds, TerminateRun};
use crate::policy::Policy;
use crate::read::Record;
use crate::rules::CancelRule;

/// What goes wrong on purpose. Without a fault everything works.
///
/// In JSON each fault is an object under its name; what is left out has its default, and an unknown name is an error.
/// The faults of single requests take `probability` (1 when left out), `times` (how often it strikes before it is spent) and `path` (only
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
///
/// Each of them in JSON, as `prefactor serve --faults` and `PUT /__faults` take it:
///
/// ```
/// # use prefactor_emulator::Faults;
/// for json in [
///     r#"{ "black_hole": true }"#,
///     r#"{ "max_body_bytes": 1000000 }"#,
///     r#"{ "max_items": 100 }"#,
///     r#"{ "rate_limit": { "requests_per_s": 20, "requests_burst": 40, "items_per_s": 1000, "items_burst": 2000 } }"#,
///     r#"{ "latency": { "min_ms": 20, "max_ms": 80 } }"#,
///     r#"{ "latency": { "distribution": { "exponential": { "mean_ms": 50 } }, "path": "/bulk" } }"#,
///     r#"{ "drop_before": { "probability": 0.05 } }"#,
///     r#"{ "drop_after": { "times": 1, "path": "/bulk" } }"#,
///     r#"{ "too_many_requests": { "times": 3, "retry_after": { "http_date": 2 } } }"#,
///     r#"{ "server_error": { "status": 503, "probability": 0.1 } }"#,
///     r#"{ "html_body": { "status": 502 } }"#,
///     r#"{ "ignored_ids": { "instances": true, "spans": true } }"#,
///     r#"{ "seed": 7, "terminate_run": { "after_spans": 10, "probability": 0.2, "reason": "enough" } }"#,
/// ] {
///     json.parse::<Faults>()?;
/// }
/// # Ok::<(), prefactor_emulator::FaultsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub(super) seed: u64,
    pub(super) black_hole: bool,
    pub(super) max_body_bytes: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) ignored_ids: Option<IgnoredIds>,
    pub(super) terminate_run: Option<TerminateRun>,
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

    /// Answers 400 to every bulk request of more items; nothing of it is done.
    ///
    /// ```
    /// # use prefactor_emulator::Faults;
    /// assert_eq!(r#"{ "max_items": 100 }"#.parse::<Faults>()?, Faults::new().max_items(100));
    /// # Ok::<(), prefactor_emulator::FaultsError>(())
    /// ```
    #[must_use]
    pub fn max_items(mut self, items: usize) -> Self {
        self.max_items = Some(items);
        self
    }

    /// Answers 429 to what goes beyond a rate.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Gives ids of its own to what clients name themselves.
    #[must_use]
    pub fn ignored_ids(mut self, ignored: IgnoredIds) -> Self {
        self.ignored_ids = Some(ignored);
        self
    }

    /// Ends runs while they go on.
    #[must_use]
    pub fn terminate_run(mut self, fault: TerminateRun) -> Self {
        self.terminate_run = Some(fault);
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
        let Record(faults): Record<Self> = serde_json::from_slice(json).map_err(FaultsError::Json)?;
        faults.check()?;
        Ok(faults)
    }

    /// The part that bends the rules for what is done, rather than keeping it from being done.
    pub(crate) fn policy(&self, cancel: CancelRule) -> Policy {
        Policy {
            cancel,
            ignored_ids: self.ignored_ids.unwrap_or_default(),
            // On its own the seed bends nothing.
            seed: if self.terminate_run.is_some() { self.seed } else { 0 },
            terminate_run: self.terminate_run.clone(),
        }
    }

    fn check(&self) -> Result<(), FaultsError> {
        let probabilities = [
            ("latency", self.latency.as_ref().map(|fault| fault.probability)),
            ("drop_before", self.drop_before.as_ref().map(|fault| fault.probability)),
            ("drop_after", self.drop_after.as_ref().map(|fault| fault.probability)),
            ("too_many_requests", self.too_many_requests.as_ref().map(|fault| fault.probability)),
            ("server_error", self.server_error.as_ref().map(|fault| fault.probability)),
            ("html_body", self.html_body.as_ref().map(|fault| fault.probability)),
            ("terminate_run", self.terminate_run.as_ref().map(|fault| fault.probability)),
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
        let number = self.latency.as_ref().and_then(|latency| latency.distribution.wrong());
        if let Some((name, found)) = number.or_else(|| self.rate_limit.as_ref().and_then(RateLimit::wrong)) {
            return Err(FaultsError::Number { name, found });
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

#[cfg(test)]
mod tests {
    use super::super::distribution::Distribution;
    use super::super::kinds::RetryAfter;
    use super::*;

    #[test]
    fn a_document_is_read_as_it_is_written() {
        let faults = Faults::new()
            .seed(3)
            .black_hole()
            .max_body_bytes(100)
            .latency(
                Latency::new().min_ms(1).max_ms(2).distribution(Distribution::Exponential { mean_ms: 3.0 }),
            )
            .drop_before(DropBefore::new().probability(0.5))
            .drop_after(DropAfter::new().path("/bulk"))
            .too_many_requests(TooManyRequests::new().retry_after(RetryAfter::HttpDate(2)))
            .server_error(ServerError::new().status(503).times(1))
            .html_body(HtmlBody::new())
            .max_items(5)
            .rate_limit(RateLimit::new().requests_per_s(0.5).items_burst(2.0))
            .ignored_ids(IgnoredIds::new().instances(true))
            .terminate_run(TerminateRun::new().after_spans(7).reason("enough"));

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
        for no_object in ["[7]", "7", "null"] {
            assert!(message(no_object).contains("expected an object"), "{no_object}");
        }
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
        assert_eq!(message(r#"{"rate_limit":{"items_per_s":0}}"#), "rate_limit.items_per_s must not be 0");
        assert_eq!(
            message(r#"{"latency":{"distribution":{"exponential":{"mean_ms":-1}}}}"#),
            "latency.distribution.exponential.mean_ms must not be -1"
        );
        assert!(message(r#"{"latency":{"distribution":"gauss"}}"#).contains("unknown variant `gauss`"));
        assert!(message(r#"{"terminate_run":{"probability":7}}"#).contains("from 0 to 1"));
    }
}
