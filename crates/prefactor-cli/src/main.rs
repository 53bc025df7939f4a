//! The `prefactor` command.
//!
//! `args` is the top of the command line, `commands` has a module per command with its arguments, `connection` finds
//! the API and the token, `failure` has the errors and what each exit code promises.
#![expect(clippy::print_stderr, reason = "a command says on stderr why it failed")]

mod args;
mod commands;
mod connection;
mod failure;
mod runtime;
mod token_arg;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Ping(args) => commands::ping::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("error: {failure}");
            }
            failure.exit_code()
        }
    }
}
