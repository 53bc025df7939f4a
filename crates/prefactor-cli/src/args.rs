//! What the command takes.

use std::fmt;
use std::fs;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use prefactor_emulator::{DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN, Faults};

/// Tools for Prefactor.
#[derive(Debug, Parser)]
#[command(
    name = "prefactor",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a Prefactor API in memory, until Ctrl-C or SIGTERM.
    ///
    /// The first line on stdout is `listening on http://ADDRESS`. Faults can be changed while it runs, with
    /// `PUT /__faults` and `DELETE /__faults`, which take no token: keep it on the loopback interface.
    Serve(ServeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// The deployment-scoped token clients must send [default: emulator-token].
    #[arg(long, value_name = "TOKEN", env = "PREFACTOR_API_TOKEN", hide_env_values = true)]
    token: Option<Token>,

    /// The account-wide token, for lists, terminations and agents [default: emulator-account-token].
    #[arg(long, value_name = "TOKEN")]
    account_token: Option<Token>,

    /// The faults in force from the start: a JSON document, or the path of a file that holds one.
    #[arg(long, value_name = "JSON|FILE", value_parser = read_faults)]
    pub(crate) faults: Option<Faults>,
}

impl Args {
    /// Reads the command line; ends the process when it makes no sense.
    pub(crate) fn read() -> Self {
        let args = Self::parse();
        let Command::Serve(serve) = &args.command;
        if let Some(name) = serve.unsendable_token() {
            let message = format!("the value of {name} must be made of visible ASCII characters");
            Self::command().error(ErrorKind::ValueValidation, message).exit();
        }
        args
    }
}

impl ServeArgs {
    fn unsendable_token(&self) -> Option<&'static str> {
        let tokens = [("--token", &self.token), ("--account-token", &self.account_token)];
        tokens
            .into_iter()
            .find(|(_, token)| token.as_ref().is_some_and(|token| !token.is_sendable()))
            .map(|(name, _)| name)
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_ref().map_or(DEFAULT_TOKEN, |token| &token.0)
    }

    pub(crate) fn account_token(&self) -> &str {
        self.account_token.as_ref().map_or(DEFAULT_ACCOUNT_TOKEN, |token| &token.0)
    }
}

/// A token: never shown. Any text is one to clap, whose error for a wrong value would repeat it.
#[derive(Clone)]
struct Token(String);

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Token {
    /// What a header can't hold no client can send.
    fn is_sendable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

fn read_faults(text: &str) -> Result<Faults, String> {
    let parsed = if text.trim_start().starts_with('{') {
        text.parse()
    } else {
        let json = fs::read(text).map_err(|error| format!("{text} can't be read: {error}"))?;
        Faults::from_json(&json)
    };
    parsed.map_err(|error| crate::chain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_names_the_real_default_tokens() {
        let help = Args::command().find_subcommand_mut("serve").unwrap().render_long_help().to_string();

        assert!(help.contains(&format!("[default: {DEFAULT_TOKEN}]")), "{help}");
        assert!(help.contains(&format!("[default: {DEFAULT_ACCOUNT_TOKEN}]")), "{help}");
    }
}
