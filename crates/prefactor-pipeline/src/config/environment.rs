//! The environment variables of the API contract (Transport), which all SDKs of this API share.

use std::str::FromStr;
use std::time::Duration;

use prefactor_http::{ApiToken, ApiUrl, StatusCodes};

use super::builder::Settings;
use super::{BuildError, SampleRate};
use crate::clock::FOREVER;
use crate::spool::{Spool, SpoolMode, SyncPolicy};

/// Looks a variable up; one that is empty counts as not set.
pub(super) struct Environment<F>(pub(super) F);

impl Environment<fn(&str) -> Option<String>> {
    pub(super) fn of_process() -> Self {
        Self(|name| std::env::var(name).ok())
    }
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(&self, name: &str) -> Result<Option<T>, T::Err> {
        self.get(name).map(|value| value.parse()).transpose()
    }

    fn switch(&self, name: &'static str) -> Result<Option<bool>, BuildError> {
        match self.get(name).map(|value| value.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true" | "1" | "yes" | "on") => Ok(Some(true)),
            Some("false" | "0" | "no" | "off") => Ok(Some(false)),
            Some(_) => Err(BuildError::Switch { variable: name }),
        }
    }

    fn length(&self, name: &'static str) -> Result<Option<usize>, BuildError> {
        self.parse(name).map_err(|_| BuildError::Length { variable: name })
    }

    fn number(&self, variable: &'static str, unit: &'static str) -> Result<Option<u64>, BuildError> {
        self.parse(variable).map_err(|_| BuildError::Number { variable, unit })
    }

    fn apply_spool(&self, settings: &mut Settings) -> Result<(), BuildError> {
        let mode: Option<SpoolMode> = self.parse("PREFACTOR_SPOOL_MODE")?;
        let max_bytes = self.number("PREFACTOR_SPOOL_MAX_BYTES", "bytes")?;
        let sync = self.number("PREFACTOR_SPOOL_SYNC_MS", "milliseconds")?;
        let max_age = self.number("PREFACTOR_SPOOL_MAX_AGE", "seconds")?;
        if let Some(directory) = self.get("PREFACTOR_SPOOL_DIR") {
            settings.spool = Some(Spool::new(directory.into(), mode.unwrap_or(SpoolMode::Overflow)));
        }
        let Some(spool) = &mut settings.spool else { return Ok(()) };
        spool.mode = mode.unwrap_or(spool.mode);
        spool.max_bytes = max_bytes.unwrap_or(spool.max_bytes);
        spool.sync = match sync {
            None => spool.sync,
            Some(0) => SyncPolicy::EveryBatch,
            Some(millis) => SyncPolicy::Every(Duration::from_millis(millis)),
        };
        spool.max_age = max_age.map_or(spool.max_age, |age| Duration::from_secs(age).min(FOREVER));
        Ok(())
    }

    /// Puts what the environment says over the settings.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<(), BuildError> {
        if let Some(url) = self.get("PREFACTOR_API_URL") {
            settings.api_url = ApiUrl::new(&url)?;
        }
        if let Some(token) = self.get("PREFACTOR_API_TOKEN") {
            settings.api_token = Some(ApiToken::new(&token)?);
        }
        settings.agent_id = self.get("PREFACTOR_AGENT_ID").or(settings.agent_id.take());
        settings.agent_name = self.get("PREFACTOR_AGENT_NAME").or(settings.agent_name.take());
        settings.agent_identifier =
            self.get("PREFACTOR_AGENT_IDENTIFIER").or(settings.agent_identifier.take());
        settings.sample_rate =
            self.parse::<SampleRate>("PREFACTOR_SAMPLE_RATE")?.unwrap_or(settings.sample_rate);
        let encoder = &mut settings.encoder;
        encoder.capture_inputs = self.switch("PREFACTOR_CAPTURE_INPUTS")?.unwrap_or(encoder.capture_inputs);
        encoder.capture_outputs =
            self.switch("PREFACTOR_CAPTURE_OUTPUTS")?.unwrap_or(encoder.capture_outputs);
        encoder.max_input_length =
            self.length("PREFACTOR_MAX_INPUT_LENGTH")?.unwrap_or(encoder.max_input_length);
        encoder.max_output_length =
            self.length("PREFACTOR_MAX_OUTPUT_LENGTH")?.unwrap_or(encoder.max_output_length);
        if let Some(codes) = self.get("PREFACTOR_RETRY_ON_STATUS_CODES") {
            settings.retry_on = StatusCodes::from_list(&codes).unwrap_or(settings.retry_on);
        }
        self.apply_spool(settings)?;
        settings.log_level = self.parse("PREFACTOR_LOG_LEVEL")?.unwrap_or(settings.log_level);
        Ok(())
    }
}
