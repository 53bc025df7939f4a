//! The top of the command line. What a command takes stands beside what it does, in `commands`.

use clap::{Parser, Subcommand};

use crate::commands::{ping, serve};

/// Tools for Prefactor.
#[derive(Debug, Parser)]
#[command(name = "prefactor", version, about, after_help = crate::failure::EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(serve::ServeArgs),
    Ping(ping::PingArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Args::command().debug_assert();
    }
}
