//! Reading runs.

use std::ops::ControlFlow;

use prefactor_http::{AgentInstance, ListInstancesQuery, PrefactorClient};

use crate::commands::agents::each_agent;
use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::output::{Out, OutputArgs};
use crate::pages::{Limit, PAGE_SIZE, each_page};
use crate::verbatim::{self, Verbatim};

/// List runs, of one agent or of all of them. Needs an account-wide token.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor instances list --agent 013xrzp12g3nqk8n04hmasw9nf6yy093 --status failed"
)]
pub(super) struct ListArgs {
    /// Runs of this agent [default: of every agent that the token may read].
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only runs in this state.
    #[arg(long, value_name = "STATUS", value_parser = ["pending", "active", "complete", "failed", "cancelled", "terminated"])]
    status: Option<String>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Show a run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor instances show 013xrzp12g3nqk8n04hmasw9nf6yy093 --json | jq .span_counts"
)]
pub(super) struct ShowArgs {
    /// The run's id.
    instance: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn list(args: ListArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut limit = Limit::new(args.limit);
    let mut list = Out::new(args.output).list();
    let wanted =
        |run: &AgentInstance| args.status.as_ref().is_none_or(|status| run.status.as_str() == status);
    let visit = async |runs: Vec<Verbatim<AgentInstance>>| {
        for run in runs.iter().filter(|run| wanted(run)) {
            list.push(run)?;
            if limit.take().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        list.flush()?;
        Ok(ControlFlow::Continue(()))
    };
    let _ = match &args.agent {
        Some(agent) => each_page_of_agent(&client, agent, visit).await?,
        None => each_instance_page(&client, visit).await?,
    };
    list.end()
}

pub(super) async fn show(args: ShowArgs) -> Result<(), Failure> {
    let instance = verbatim::instances(&args.client.client()?).get(&args.instance).await?;
    Out::new(args.output).one(&instance)
}

/// Every run that the token may read.
pub(crate) async fn each_instance(
    client: &PrefactorClient,
    mut visit: impl AsyncFnMut(Verbatim<AgentInstance>) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    each_instance_page(client, async |runs| {
        for run in runs {
            if visit(run).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
    .await
}

/// The API lists runs by agent only.
async fn each_instance_page(
    client: &PrefactorClient,
    mut visit: impl AsyncFnMut(Vec<Verbatim<AgentInstance>>) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    each_agent(client, PAGE_SIZE, async |agent| each_page_of_agent(client, &agent.id, &mut visit).await).await
}

async fn each_page_of_agent(
    client: &PrefactorClient,
    agent: &str,
    visit: impl AsyncFnMut(Vec<Verbatim<AgentInstance>>) -> Result<ControlFlow<()>, Failure>,
) -> Result<ControlFlow<()>, Failure> {
    let fetch = async |offset| {
        let query = ListInstancesQuery::new(agent).offset(offset).page_size(PAGE_SIZE);
        verbatim::instances(client).list(query).await
    };
    each_page(0, fetch, visit).await
}
