//! The `prefactor` command.
//!
//! - `args` is the top of the command line; `commands` has a module per command, with its arguments.
//! - `connection` finds the API and the token: flags, environment, `profiles`.
//! - `input` reads what users write, `pages` what comes in pages, `verbatim` keeps what the API said, `output` prints for people and for programs.
//! - `failure` has the errors, and what each exit code promises.

mod args;
mod commands;
mod connection;
mod failure;
mod input;
mod output;
mod pages;
mod profiles;
mod runtime;
mod token_arg;
mod verbatim;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Ping(args) => commands::ping::run(args),
        Command::Agents(args) => commands::agents::run(args),
        Command::Instances(args) => commands::instances::run(args),
        Command::Spans(args) => commands::spans::run(args),
        Command::Bulk(args) => commands::bulk::run(&args),
        Command::Watch(args) => commands::watch::run(args),
        Command::Load(args) => commands::load::run(args),
        Command::Spool(args) => commands::spool::run(args),
        Command::Pfid(args) => commands::pfid::run(args),
        Command::Profile(args) => commands::profile::run(args),
        Command::Completions(args) => commands::completions::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                output::say(format_args!("error: {failure}"));
            }
            failure.exit_code()
        }
    }
}
