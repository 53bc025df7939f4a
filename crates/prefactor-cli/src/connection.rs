//! Where the API is and with which token: from flags, from the environment or from a profile.
//!
//! The sources are never mixed but by flags, so that no token travels to an address that it was not meant for.

use std::env;
use std::time::Duration;

use prefactor_http::{ApiToken, ApiUrl, ApiUrlError, HttpClientConfig, PrefactorClient, SdkEntry};

use crate::failure::Failure;
use crate::profiles::{DEFAULT_PROFILE, Profile, Profiles};
use crate::token_arg::TokenArg;

/// Flattened into the arguments of every command that talks to the API.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConnectionArgs {
    /// The API's address [env: PREFACTOR_API_URL] [default: https://app.prefactorai.com].
    #[arg(long, value_name = "URL", help_heading = HEADING)]
    url: Option<String>,

    /// The token [env: PREFACTOR_API_TOKEN]. Command lines can be seen by others: prefer a profile.
    #[arg(long, value_name = "TOKEN", help_heading = HEADING)]
    token: Option<TokenArg>,

    /// Address and token of this profile, whatever the environment says; see `prefactor profile --help`.
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    profile: Option<String>,

    /// Take http:// to other machines too: the token and all payloads then travel in the clear.
    #[arg(long, help_heading = HEADING)]
    insecure_http: bool,
}

/// For commands that send requests one by one.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ClientArgs {
    #[command(flatten)]
    connection: ConnectionArgs,

    /// How often a request is sent again when the API is busy or out of reach.
    #[arg(long, value_name = "NUMBER", help_heading = HEADING, default_value_t = 2)]
    retries: u32,

    /// How long a request may take.
    #[arg(long, value_name = "SECONDS", help_heading = HEADING, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

const HEADING: &str = "Connection";

/// A checked address and token.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) url: ApiUrl,
    pub(crate) token: ApiToken,
}

impl ClientArgs {
    /// The client that the commands use. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<PrefactorClient, Failure> {
        let Connection { url, token } = self.connection.connection()?;
        let mut config = HttpClientConfig::new(url, token)
            .with_max_retries(self.retries)
            .with_request_timeout(Duration::from_secs(self.timeout));
        if let Ok(entry) = SdkEntry::new("prefactor-cli", env!("CARGO_PKG_VERSION")) {
            config = config.with_sdk_entry(entry);
        }
        Ok(PrefactorClient::new(config)?)
    }
}

impl ConnectionArgs {
    /// Where and with which token.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let base = self.base(variable, Profiles::read)?;
        let insecure_http = self.insecure_http || base.insecure_http;
        let token = self.token.clone().or(base.token).ok_or_else(no_token)?;
        let url = match self.url.as_deref().or(base.url.as_deref()) {
            Some(url) => parse_url(url, insecure_http)?,
            None => ApiUrl::default(),
        };
        Ok(Connection { url, token: parse_token(&token)? })
    }

    /// What flags are laid over.
    fn base(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        profiles: impl FnOnce() -> Result<Profiles, Failure>,
    ) -> Result<Profile, Failure> {
        if let Some(name) = &self.profile {
            return profiles()?.named(name).cloned();
        }
        let url = variable(HttpClientConfig::API_URL_VARIABLE);
        let token = variable(HttpClientConfig::API_TOKEN_VARIABLE).map(TokenArg::from);
        let is_silent = url.is_none() && token.is_none();
        if is_silent && self.url.is_none() && self.token.is_none() {
            return Ok(profiles()?.find(DEFAULT_PROFILE).cloned().unwrap_or_default());
        }
        Ok(Profile { url, token, insecure_http: false })
    }
}

/// Checks an address; the error says what to do.
pub(crate) fn parse_url(url: &str, insecure_http: bool) -> Result<ApiUrl, Failure> {
    let parse = if insecure_http { ApiUrl::allowing_insecure_http } else { ApiUrl::new };
    parse(url).map_err(|error| {
        let failure = Failure::wrong_arguments(error.to_string());
        match error {
            ApiUrlError::Insecure => failure.hint("--insecure-http takes it nevertheless, in the clear"),
            _ => failure.hint(format!("an address looks like {} or http://127.0.0.1:4010", ApiUrl::DEFAULT)),
        }
    })
}

/// Checks a token, without repeating it.
pub(crate) fn parse_token(token: &TokenArg) -> Result<ApiToken, Failure> {
    ApiToken::new(token.reveal()).map_err(|error| Failure::wrong_arguments(error.to_string()))
}

fn no_token() -> Failure {
    Failure::wrong_arguments("there is no token")
        .hint("set PREFACTOR_API_TOKEN, or keep one: `prefactor profile set default --url URL --token-stdin`")
}

/// A variable that is empty counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> ConnectionArgs {
        ConnectionArgs { url: None, token: None, profile: None, insecure_http: false }
    }

    fn profile(url: &str, token: &str) -> Profile {
        Profile { url: Some(url.to_owned()), token: Some(token.to_owned().into()), insecure_http: false }
    }

    fn base(args: &ConnectionArgs, environment: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let variable = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let profiles = Profiles::of([
            ("default", profile("https://default.example", "default-token")),
            ("staging", profile("https://staging.example", "staging-token")),
        ]);
        let base = args.base(variable, || Ok(profiles)).unwrap();
        (base.url, base.token.map(|token| token.reveal().to_owned()))
    }

    fn pair(url: Option<&str>, token: Option<&str>) -> (Option<String>, Option<String>) {
        (url.map(str::to_owned), token.map(str::to_owned))
    }

    #[test]
    fn the_environment_counts_more_than_the_default_profile() {
        let environment =
            [("PREFACTOR_API_URL", "https://env.example"), ("PREFACTOR_API_TOKEN", "env-token")];

        assert_eq!(base(&args(), &environment), pair(Some("https://env.example"), Some("env-token")));
        assert_eq!(base(&args(), &[]), pair(Some("https://default.example"), Some("default-token")));
    }

    #[test]
    fn a_named_profile_counts_more_than_the_environment() {
        let args = ConnectionArgs { profile: Some("staging".into()), ..args() };

        let found = base(&args, &[("PREFACTOR_API_TOKEN", "env-token")]);

        assert_eq!(found, pair(Some("https://staging.example"), Some("staging-token")));
    }

    #[test]
    fn a_token_of_one_source_never_meets_the_address_of_another() {
        let with_url = ConnectionArgs { url: Some("https://flag.example".into()), ..args() };

        assert_eq!(base(&with_url, &[]), pair(None, None));
        let only_url = [("PREFACTOR_API_URL", "https://env.example")];
        assert_eq!(base(&args(), &only_url), pair(Some("https://env.example"), None));
    }
}
