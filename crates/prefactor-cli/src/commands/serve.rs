//! `prefactor serve`: the emulator as a process.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use prefactor_emulator::{
    DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN, Emulator, EmulatorBuilder, Faults, StartError,
};
use thiserror::Error;

use crate::failure::{Failure, chain};
use crate::token_arg::TokenArg;

/// Serve a Prefactor API on this machine, until Ctrl-C or SIGTERM.
///
/// The first line on stdout is `listening on http://ADDRESS`. Faults can be changed while it runs, with
/// `PUT /__faults` and `DELETE /__faults`, which take no token: keep it on the loopback interface.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  prefactor serve --listen 127.0.0.1:4010 --token my-token
  prefactor serve --db runs.db
  prefactor serve --faults '{ \"rate_limit\": { \"requests_per_s\": 20 } }'
  prefactor serve --faults '{ \"seed\": 7, \"server_error\": { \"status\": 503, \"probability\": 0.1 } }'")]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,

    /// The deployment-scoped token clients must send [default: emulator-token].
    #[arg(long, value_name = "TOKEN", env = "PREFACTOR_API_TOKEN", hide_env_values = true)]
    token: Option<TokenArg>,

    /// The account-wide token, for lists, terminations and agents [default: emulator-account-token].
    #[arg(long, value_name = "TOKEN")]
    account_token: Option<TokenArg>,

    /// The faults in force from the start: a JSON document, or the path of a file that holds one.
    #[arg(long, value_name = "JSON|FILE", value_parser = read_faults)]
    faults: Option<Box<Faults>>,

    /// Keep everything in this file, and go on from it at the next start; without it, it forgets.
    ///
    /// What was answered with success survives a crash of the process, idempotency keys included. The file is made if
    /// there is none, and used by one process at a time.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// Forget the spans of finished runs, but for the last N runs; the counts stay. For loads that go on for long.
    #[arg(long, value_name = "N", conflicts_with = "db")]
    keep_finished: Option<usize>,
}

#[derive(Debug, Error)]
enum ServeError {
    #[error("the runtime could not be started")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the signals that stop it can't be listened to")]
    Signals(#[source] io::Error),
    #[error("nobody reads where it listens")]
    Announce(#[source] io::Error),
}

pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    let token = sendable("--token", args.token.as_ref(), DEFAULT_TOKEN)?;
    let account_token = sendable("--account-token", args.account_token.as_ref(), DEFAULT_ACCOUNT_TOKEN)?;
    let faults = args.faults.map_or_else(Faults::new, |faults| *faults);
    let mut emulator =
        Emulator::builder().listen(&args.listen).token(token).account_token(account_token).faults(faults);
    if let Some(file) = args.db {
        emulator = emulator.database(file);
    }
    if let Some(runs) = args.keep_finished {
        emulator = emulator.keep_finished(runs);
    }
    serve(emulator).map_err(|error| failure(&error))
}

fn failure(error: &ServeError) -> Failure {
    let ServeError::Start(StartError::Listen { source, .. }) = error else { return Failure::of(error) };
    match source.kind() {
        io::ErrorKind::InvalidInput => {
            Failure::wrong_arguments(chain(error)).hint("an address looks like 127.0.0.1:4010")
        }
        io::ErrorKind::AddrInUse => Failure::of(error)
            .hint("stop what listens there, or name another port; 127.0.0.1:0 takes a free one"),
        _ => Failure::of(error),
    }
}

fn serve(emulator: EmulatorBuilder) -> Result<(), ServeError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    runtime.block_on(serve_until_stopped(emulator))
}

/// What a header can't hold no client can send.
fn sendable<'a>(name: &str, token: Option<&'a TokenArg>, default: &'a str) -> Result<&'a str, Failure> {
    let token = token.map_or(default, TokenArg::reveal);
    if !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(token)
    } else {
        Err(Failure::wrong_arguments(format!("the value of {name} must be made of visible ASCII characters")))
    }
}

fn read_faults(text: &str) -> Result<Box<Faults>, String> {
    let parsed = if text.trim_start().starts_with('{') {
        text.parse()
    } else {
        let json = fs::read(text)
            .map_err(|error| format!("it is no JSON object, and no file that can be read: {error}"))?;
        Faults::from_json(&json)
    };
    parsed.map(Box::new).map_err(|error| chain(&error))
}

async fn serve_until_stopped(emulator: EmulatorBuilder) -> Result<(), ServeError> {
    // Before the port is announced: who reads the line may send the signal at once.
    let stop = StopSignals::listen().map_err(ServeError::Signals)?;
    let emulator = emulator.start().await?;
    announce(emulator.url()).map_err(ServeError::Announce)?;
    stop.wait().await;
    emulator.shutdown().await;
    Ok(())
}

/// Flushed, for a pipe would keep it: scripts wait for this line.
fn announce(url: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {url}")?;
    stdout.flush()
}

#[cfg(unix)]
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct StopSignals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl StopSignals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn wait(mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[test]
    fn the_help_names_the_real_default_tokens() {
        let help = Args::command().find_subcommand_mut("serve").unwrap().render_long_help().to_string();

        assert!(help.contains(&format!("[default: {DEFAULT_TOKEN}]")), "{help}");
        assert!(help.contains(&format!("[default: {DEFAULT_ACCOUNT_TOKEN}]")), "{help}");
    }
}
