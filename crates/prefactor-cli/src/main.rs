//! The `prefactor` command.
//!
//! Exit codes: 0 when it did what was asked, 1 when that failed, 2 when it was asked wrongly.
#![expect(clippy::print_stderr, reason = "a command says on stderr why it failed")]

mod args;
mod commands;

use std::error::Error;
use std::process::ExitCode;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::read();
    let done = match args.command {
        Command::Serve(serve) => commands::serve::run(serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
