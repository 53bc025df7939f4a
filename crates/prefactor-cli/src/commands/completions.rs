//! `prefactor completions`: what the shell offers on Tab.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::failure::Failure;

/// Print the completions for a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor completions bash >~/.local/share/bash-completion/completions/prefactor"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    // Into memory first: written straight to a pipe that closes, it would panic.
    let mut script = Vec::new();
    generate(args.shell, &mut Args::command(), "prefactor", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
