//! `prefactor agents`: the agents of the account.

mod change;
mod read;
mod view;

use clap::Subcommand;

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::output::{Out, OutputArgs};
use crate::runtime::block_on;
use crate::verbatim;

pub(crate) use read::each_agent;

/// List and manage agents. Needs an account-wide token.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor agents create 'Research agent' --external-identifier research --ids"
)]
pub(crate) struct AgentsArgs {
    #[command(subcommand)]
    action: AgentsAction,
}

#[derive(Debug, Subcommand)]
enum AgentsAction {
    List(read::ListArgs),
    Show(read::ShowArgs),
    Create(change::CreateArgs),
    Update(change::UpdateArgs),
    /// Take an agent out of service; `reinstate` brings it back.
    #[command(after_help = "Example: prefactor agents retire 013xrzp12g3nqk8n04hmasw9nf6yy093")]
    Retire(OneArgs),
    /// Bring an agent back into service.
    #[command(after_help = "Example: prefactor agents reinstate 013xrzp12g3nqk8n04hmasw9nf6yy093")]
    Reinstate(OneArgs),
    /// Remove an agent for good.
    #[command(after_help = "Example: prefactor agents delete 013xrzp12g3nqk8n04hmasw9nf6yy093")]
    Delete(DeleteArgs),
}

#[derive(Debug, clap::Args)]
struct OneArgs {
    /// The agent's id.
    agent: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Nothing is left to print.
#[derive(Debug, clap::Args)]
struct DeleteArgs {
    /// The agent's id.
    agent: String,
    #[command(flatten)]
    client: ClientArgs,
}

pub(crate) fn run(args: AgentsArgs) -> Result<(), Failure> {
    block_on(async {
        match args.action {
            AgentsAction::List(args) => read::list(args).await,
            AgentsAction::Show(args) => read::show(args).await,
            AgentsAction::Create(args) => change::create(args).await,
            AgentsAction::Update(args) => change::update(args).await,
            AgentsAction::Retire(args) => {
                let agent = verbatim::agents(&args.client.client()?).retire(&args.agent).await?;
                Out::new(args.output).one(&agent)
            }
            AgentsAction::Reinstate(args) => {
                let agent = verbatim::agents(&args.client.client()?).reinstate(&args.agent).await?;
                Out::new(args.output).one(&agent)
            }
            AgentsAction::Delete(args) => Ok(args.client.client()?.agents().delete(&args.agent).await?),
        }
    })
}
