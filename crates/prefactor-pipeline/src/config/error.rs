//! Why a pipeline could not be built.

use std::io;

use prefactor_http::{ApiTokenError, ApiUrlError, PrefactorError};

use super::InvalidSampleRate;
use crate::log::UnknownLogLevel;
use crate::spool::{SpoolError, UnknownSpoolMode};

/// What is wrong with a configuration. No variant repeats a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no token.
    #[error("no api token: set PREFACTOR_API_TOKEN or call Builder::api_token")]
    MissingToken,
    /// The token can't be one.
    #[error("the api token is not usable")]
    ApiToken(#[from] ApiTokenError),
    /// The URL can't be used.
    #[error("the api url is not usable")]
    ApiUrl(#[from] ApiUrlError),
    /// `PREFACTOR_SAMPLE_RATE` or [`Builder::sample_rate`](super::Builder::sample_rate).
    #[error("PREFACTOR_SAMPLE_RATE is not usable")]
    SampleRate(#[from] InvalidSampleRate),
    /// `PREFACTOR_LOG_LEVEL`.
    #[error("PREFACTOR_LOG_LEVEL is not usable")]
    LogLevel(#[from] UnknownLogLevel),
    /// A variable that must be a whole number is none.
    #[error("{variable} must be a whole number of characters")]
    Length {
        /// The variable's name.
        variable: &'static str,
    },
    /// A variable that must be `true` or `false` is neither.
    #[error("{variable} must be true or false")]
    Switch {
        /// The variable's name.
        variable: &'static str,
    },
    /// A variable that must be a whole number is none.
    #[error("{variable} must be a whole number of {unit}")]
    Number {
        /// The variable's name.
        variable: &'static str,
        /// What it counts.
        unit: &'static str,
    },
    /// `PREFACTOR_SPOOL_MODE`.
    #[error("PREFACTOR_SPOOL_MODE is not usable")]
    SpoolMode(#[from] UnknownSpoolMode),
    /// The directory of the spool can't be used, or somebody uses it already.
    #[error("the spool could not be opened")]
    Spool(#[from] SpoolError),
    /// The HTTP client could not be built.
    #[error("the http client could not be built")]
    Client(#[from] PrefactorError),
    /// The pipeline's threads or its runtime could not be started.
    #[error("the pipeline's threads could not be started")]
    Thread(#[from] io::Error),
}
