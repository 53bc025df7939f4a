//! How much the pipeline writes to the log. It never installs a subscriber; its events go to the application's.

use std::str::FromStr;

/// The most detailed events that are emitted (`PREFACTOR_LOG_LEVEL`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing at all.
    Off,
    /// Something was lost or rejected, or needs a human.
    Error,
    /// Something is late, and nothing lost so far.
    Warn,
    /// And changes for the better.
    #[default]
    Info,
    /// And every failed attempt.
    Debug,
}

/// A level that is none of `off`, `error`, `warn`, `info`, `debug`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a log level is one of off, error, warn, info, debug")]
pub struct UnknownLogLevel;

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    /// Reads a level's name in upper or lower case, also by the names that the Python and TypeScript SDKs use.
    fn from_str(name: &str) -> Result<Self, UnknownLogLevel> {
        match name.to_ascii_lowercase().as_str() {
            "off" | "none" | "silent" => Ok(Self::Off),
            "error" | "critical" | "fatal" => Ok(Self::Error),
            "warn" | "warning" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" | "trace" => Ok(Self::Debug),
            _ => Err(UnknownLogLevel),
        }
    }
}
