//! The top of the command line. What a command takes stands beside what it does, in `commands`.

use clap::{Parser, Subcommand};

use crate::commands::{
    agents, bulk, completions, instances, load, pfid, ping, profile, serve, spans, spool, watch,
};

/// Tools for Prefactor.
///
/// Address and token come from flags, from the environment (PREFACTOR_API_URL, PREFACTOR_API_TOKEN) or from a profile.
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
    Agents(agents::AgentsArgs),
    Instances(instances::InstancesArgs),
    Spans(spans::SpansArgs),
    Bulk(bulk::BulkArgs),
    Watch(watch::WatchArgs),
    Load(load::LoadArgs),
    Spool(spool::SpoolArgs),
    Pfid(pfid::PfidArgs),
    Profile(profile::ProfileArgs),
    Completions(completions::CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(name == "prefactor" || help.contains("prefactor"), "{name} has no example");
            command.get_subcommands().for_each(check);
        }
        check(&Args::command());
    }
}
