//! `prefactor instances`: runs of agents.

mod advance;
mod quality;
mod read;
mod register;
mod view;

use clap::Subcommand;

use crate::failure::Failure;
use crate::runtime::block_on;

pub(crate) use read::each_instance;
pub(crate) use view::spans_in_words;

/// List, show, register and end runs of agents.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: RUN=$(prefactor instances register --version v1.4.0 --ids)
         prefactor instances start $RUN && prefactor instances finish $RUN --status complete")]
pub(crate) struct InstancesArgs {
    #[command(subcommand)]
    action: InstancesAction,
}

#[derive(Debug, Subcommand)]
enum InstancesAction {
    List(read::ListArgs),
    Show(read::ShowArgs),
    Register(Box<register::RegisterArgs>),
    Start(advance::StartArgs),
    Finish(advance::FinishArgs),
    Terminate(advance::TerminateArgs),
    Quality(quality::QualityArgs),
}

pub(crate) fn run(args: InstancesArgs) -> Result<(), Failure> {
    block_on(async {
        match args.action {
            InstancesAction::List(args) => read::list(args).await,
            InstancesAction::Show(args) => read::show(args).await,
            InstancesAction::Register(args) => register::register(*args).await,
            InstancesAction::Start(args) => advance::start(args).await,
            InstancesAction::Finish(args) => advance::finish(args).await,
            InstancesAction::Terminate(args) => advance::terminate(args).await,
            InstancesAction::Quality(args) => quality::quality(args).await,
        }
    })
}
