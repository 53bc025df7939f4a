//! Reading agents.

use std::ops::ControlFlow;

use prefactor_http::{Agent, ListAgentsQuery, PrefactorClient, ShowAgentQuery};

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::output::{Out, OutputArgs};
use crate::pages::{Limit, each_page};
use crate::verbatim::{self, Verbatim};

/// List the account's agents.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor agents list --json | jq -r 'select(.status == \"active\").name'")]
pub(super) struct ListArgs {
    /// How many at most.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Show an agent, by its id or by your own name for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor agents show --external-identifier research --counts")]
pub(super) struct ShowArgs {
    /// The agent's id.
    #[arg(required_unless_present = "external_identifier")]
    agent: Option<String>,
    /// Your own name for it.
    #[arg(long, value_name = "NAME", conflicts_with = "agent")]
    external_identifier: Option<String>,
    /// With the number of its runs.
    #[arg(long)]
    counts: bool,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn list(args: ListArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut limit = Limit::new(args.limit);
    let mut list = Out::new(args.output).list();
    let _ = each_agent(&client, limit.page_size(), async |agent| {
        list.push(&agent)?;
        Ok(limit.take())
    })
    .await?;
    list.end()
}

/// Every agent that the token may read, page by page.
pub(crate) async fn each_agent(
    client: &PrefactorClient,
    page_size: u64,
    mut visit: impl AsyncFnMut(Verbatim<Agent>) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    let fetch = async |offset| {
        verbatim::agents(client).list(ListAgentsQuery::new().offset(offset).page_size(page_size)).await
    };
    each_page(0, fetch, async |agents| {
        for agent in agents {
            if visit(agent).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
    .await
}

pub(super) async fn show(args: ShowArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut query = ShowAgentQuery::new();
    query.agent_id = args.agent;
    query.external_identifier = args.external_identifier;
    query.include_counts = args.counts.then_some(true);
    Out::new(args.output).one(&verbatim::agents(&client).show(query).await?)
}
