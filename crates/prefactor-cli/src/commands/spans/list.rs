//! Listing spans, of one run or of every run, in the memory of one page.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use prefactor_http::{AgentSpan, ListSpansQuery, PrefactorClient};

use crate::commands::instances::each_instance;
use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::{List, Out, OutputArgs};
use crate::pages::{Limit, each_page};
use crate::verbatim::{self, Verbatim};

/// List the spans of a run, or of every run that the token may read. Needs an account-wide token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor spans list --all --ids | sort | uniq --repeated")]
pub(super) struct ListArgs {
    /// The run's id.
    #[arg(required_unless_present = "all")]
    instance: Option<String>,
    /// Of every run of every agent, page by page.
    #[arg(long, conflicts_with = "instance")]
    all: bool,
    /// Only spans that started at this time or later.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    since: Option<DateTime<Utc>>,
    /// Only spans that started before this time.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    until: Option<DateTime<Utc>>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn list(args: ListArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut limit = Limit::new(args.limit);
    let mut list = Out::new(args.output).list();
    let _ = match &args.instance {
        Some(run) => of_run(&client, &args, run, &mut list, &mut limit).await?,
        None => {
            each_instance(&client, async |run| of_run(&client, &args, &run.id, &mut list, &mut limit).await)
                .await?
        }
    };
    list.end()
}

async fn of_run(
    client: &PrefactorClient,
    args: &ListArgs,
    run: &str,
    list: &mut List<Verbatim<AgentSpan>>,
    limit: &mut Limit,
) -> Result<ControlFlow<()>, Failure> {
    let page_size = limit.page_size();
    let fetch = async |offset| {
        let mut query = ListSpansQuery::new(run).offset(offset).page_size(page_size);
        query.start_time = args.since;
        query.end_time = args.until;
        verbatim::spans(client).list(query).await
    };
    each_page(0, fetch, async |spans| {
        for span in spans {
            list.push(&span)?;
            if limit.take().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        list.flush()?;
        Ok(ControlFlow::Continue(()))
    })
    .await
}
