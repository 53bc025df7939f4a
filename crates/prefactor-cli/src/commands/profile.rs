//! `prefactor profile`: addresses and tokens kept in a file.

use std::io;

use clap::Subcommand;
use serde::Serialize;

use crate::connection::{parse_token, parse_url};
use crate::failure::Failure;
use crate::output::{Cell, Out, OutputArgs, Shown};
use crate::profiles::{Profile, Profiles};
use crate::token_arg::TokenArg;

/// Keep addresses and tokens under names.
///
/// They are kept in ~/.config/prefactor/profiles.json (on Windows %APPDATA%\prefactor\profiles.json; PREFACTOR_CONFIG names
/// another file), which only you may read. A command takes the profile that --profile names; without that the
/// environment counts, and if that is silent the profile `default`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor profile set staging --url https://app.prefactorai.com --token-stdin <token.txt
         prefactor ping --profile staging"
)]
pub(crate) struct ProfileArgs {
    #[command(subcommand)]
    action: ProfileAction,
}

#[derive(Debug, Subcommand)]
enum ProfileAction {
    /// Make a profile, or change one: what is left out stays as it is.
    #[command(
        after_help = "Example: prefactor profile set default --url http://127.0.0.1:4010 --token-stdin <token.txt"
    )]
    Set(SetArgs),
    /// List the profiles, without their tokens.
    #[command(after_help = "Example: prefactor profile list --json")]
    List(OutputArgs),
    /// Forget a profile.
    #[command(after_help = "Example: prefactor profile remove staging")]
    Remove {
        /// Which one.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// What to call it; `default` is the one that counts when nothing else is said.
    name: String,
    /// The API's address.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The token. Other users of the machine can read command lines: prefer --token-stdin.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_stdin")]
    token: Option<TokenArg>,
    /// Read the token from stdin.
    #[arg(long)]
    token_stdin: bool,
    /// Take http:// to other machines too: the token and all payloads then travel in the clear.
    #[arg(long)]
    insecure_http: bool,
}

pub(crate) fn run(args: ProfileArgs) -> Result<(), Failure> {
    let mut profiles = Profiles::read()?;
    match args.action {
        ProfileAction::Set(args) => {
            let profile = changed(profiles.find(&args.name).cloned().unwrap_or_default(), &args)?;
            profiles.set(&args.name, profile);
            profiles.save()
        }
        ProfileAction::Remove { name } => {
            profiles.remove(&name)?;
            profiles.save()
        }
        ProfileAction::List(output) => list(&profiles, output),
    }
}

fn changed(mut profile: Profile, args: &SetArgs) -> Result<Profile, Failure> {
    profile.insecure_http |= args.insecure_http;
    if let Some(url) = &args.url {
        profile.url = Some(url.clone());
    }
    // Also an address that was there before: it may have needed --insecure-http ever since.
    if let Some(url) = &profile.url {
        profile.url = Some(parse_url(url, profile.insecure_http)?.to_string());
    }
    let token = if args.token_stdin { Some(token_of_stdin()?) } else { args.token.clone() };
    if let Some(token) = token {
        parse_token(&token)?;
        profile.token = Some(TokenArg::from(token.reveal().trim().to_owned()));
    }
    match profile.token {
        Some(_) => Ok(profile),
        None => Err(Failure::wrong_arguments("a new profile needs a token")
            .hint("pipe it in: `prefactor profile set NAME --url URL --token-stdin <token.txt`")),
    }
}

fn token_of_stdin() -> Result<TokenArg, Failure> {
    io::read_to_string(io::stdin())
        .map(TokenArg::from)
        .map_err(|error| Failure::wrong_arguments(format!("stdin can't be read: {error}")))
}

fn list(profiles: &Profiles, output: OutputArgs) -> Result<(), Failure> {
    let file = profiles.path().display().to_string();
    let mut list = Out::new(output).list();
    for (name, profile) in profiles.all() {
        list.push(&Entry {
            name,
            url: profile.url.as_deref().unwrap_or(prefactor_http::ApiUrl::DEFAULT),
            has_token: profile.token.is_some(),
            file: &file,
        })?;
    }
    list.end()
}

/// A profile without its secret.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    url: &'a str,
    has_token: bool,
    file: &'a str,
}

impl Shown for Entry<'_> {
    const PLURAL: &'static str = "profiles";
    const COLUMNS: &'static [&'static str] = &["NAME", "URL", "TOKEN"];

    fn id(&self) -> &str {
        self.name
    }

    fn row(&self) -> Vec<Cell> {
        let token = if self.has_token { Cell::new("set") } else { Cell::absent() };
        vec![Cell::new(self.name), Cell::new(self.url), token]
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![("name", Cell::new(self.name)), ("url", Cell::new(self.url))]
    }
}
