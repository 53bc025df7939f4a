//! What users type or pipe in: times and JSON.

use std::fmt::Display;
use std::fs;
use std::io;

use chrono::{DateTime, Utc};
use prefactor_http::Payload;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// A time on the command line.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| "a time is written as 2024-05-01T12:00:00Z or 2024-05-01T14:00:00.250+02:00".to_owned())
}

/// JSON on the command line: the text itself, `@FILE`, or `-` for stdin.
///
/// Read later than clap's own values, since clap would repeat a wrong payload as a whole.
#[derive(Debug, Clone)]
pub(crate) struct JsonArg(String);

impl From<String> for JsonArg {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl JsonArg {
    /// A JSON object. `name` is what the error calls it.
    pub(crate) fn payload(&self, name: &str) -> Result<Payload, Failure> {
        self.read(name, "a JSON object")
    }

    /// Whatever is read from a JSON object. `what` is what the error says it should be.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str, what: &str) -> Result<T, Failure> {
        let text = match self.0.strip_prefix('@') {
            Some(path) => file(path)?,
            None if self.0 == "-" => file("-")?,
            None => self.0.clone(),
        };
        let failure = |why: &dyn Display| {
            Failure::wrong_arguments(format!("{name} is not {what}: {why}"))
                .hint(format!("write {name} as '{{\"key\": \"value\"}}', @FILE, or - for stdin"))
        };
        // serde would take a list for a struct as well.
        let is_list = text.trim_start().starts_with('[');
        if is_list {
            Err(failure(&"it is a list"))
        } else {
            serde_json::from_str(&text).map_err(|error| failure(&error))
        }
    }
}

/// The text of a file, or of stdin for `-`.
pub(crate) fn file(path: &str) -> Result<String, Failure> {
    let text = if path == "-" { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
    let name = if path == "-" { "stdin" } else { path };
    text.map_err(|error| Failure::wrong_arguments(format!("{name} can't be read: {error}")))
}
