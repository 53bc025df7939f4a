//! Where the API is and with which token: from flags, from the environment or from a profile.

use std::env;

use prefactor_http::{ApiToken, ApiUrl, HttpClientConfig, PrefactorClient, SdkEntry};

use crate::failure::Failure;
use crate::token_arg::TokenArg;

/// Flattened into the arguments of every command that talks to the API.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// The API's address [env: PREFACTOR_API_URL] [default: https://app.prefactorai.com].
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// The token [env: PREFACTOR_API_TOKEN]. Other users of this machine can see it here; not there, nor in a profile.
    #[arg(long, value_name = "TOKEN")]
    token: Option<TokenArg>,

    /// Take http:// to other machines too: the token and all payloads then travel in the clear.
    #[arg(long)]
    insecure_http: bool,
}

/// A checked address and token.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) url: ApiUrl,
    pub(crate) token: ApiToken,
}

impl ConnectionArgs {
    /// Where and with which token.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let url = self.url.clone().or_else(|| variable(HttpClientConfig::API_URL_VARIABLE));
        let token = self
            .token
            .as_ref()
            .map(|token| token.reveal().to_owned())
            .or_else(|| variable(HttpClientConfig::API_TOKEN_VARIABLE))
            .ok_or_else(|| Failure::wrong_arguments("there is no token"))?;
        let parse = if self.insecure_http { ApiUrl::allowing_insecure_http } else { ApiUrl::new };
        let url = url
            .map_or(Ok(ApiUrl::default()), |url| parse(&url))
            .map_err(|error| Failure::wrong_arguments(error.to_string()))?;
        let token = ApiToken::new(&token).map_err(|error| Failure::wrong_arguments(error.to_string()))?;
        Ok(Connection { url, token })
    }

    /// The client that the commands use. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<PrefactorClient, Failure> {
        self.connection()?.client()
    }
}

impl Connection {
    pub(crate) fn client(self) -> Result<PrefactorClient, Failure> {
        let mut config = HttpClientConfig::new(self.url, self.token);
        if let Ok(entry) = SdkEntry::new("prefactor-cli", env!("CARGO_PKG_VERSION")) {
            config = config.with_sdk_entry(entry);
        }
        Ok(PrefactorClient::new(config)?)
    }
}

/// A variable that is empty counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}
