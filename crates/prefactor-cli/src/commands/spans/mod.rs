//! `prefactor spans`: the steps of runs.

mod change;
mod list;
mod view;

use clap::Subcommand;

use crate::failure::Failure;
use crate::runtime::block_on;

/// List, create and finish spans, the steps of runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: SPAN=$(prefactor spans create $RUN agent:llm --payload '{\"model\": \"m\"}' --ids)
         prefactor spans finish $SPAN --result '{\"answer\": 42}'"
)]
pub(crate) struct SpansArgs {
    #[command(subcommand)]
    action: SpansAction,
}

#[derive(Debug, Subcommand)]
enum SpansAction {
    List(list::ListArgs),
    Create(Box<change::CreateArgs>),
    Finish(change::FinishArgs),
}

pub(crate) fn run(args: SpansArgs) -> Result<(), Failure> {
    block_on(async {
        match args.action {
            SpansAction::List(args) => list::list(args).await,
            SpansAction::Create(args) => change::create(*args).await,
            SpansAction::Finish(args) => change::finish(args).await,
        }
    })
}
