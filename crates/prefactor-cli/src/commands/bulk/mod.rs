//! `prefactor bulk`: many operations in one request.

mod items;
mod outcome;

use prefactor_http::BulkRequest;

use crate::connection::ClientArgs;
use crate::failure::{Exit, Failure};
use crate::input;
use crate::output::{Format, JsonArgs, Out};
use crate::runtime::block_on;

/// Send many operations in one request, in order.
///
/// The input is JSON: an array of items, `{"items": […]}`, or one item per line. An item has a `_type`, such as
/// agent_spans/create, an `idempotency_key` (made up if it is left out) and the operation's parameters; those of
/// agent_spans/create stand under `details`. The API may stop at the first item that fails: the rest is reported as
/// not_processed. Exit code 1 when an item was not done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: echo '{\"_type\": \"agents/list\"}' | prefactor bulk -")]
pub(crate) struct BulkArgs {
    /// The file, or - for stdin.
    #[arg(value_name = "FILE|-")]
    input: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: JsonArgs,
}

pub(crate) fn run(args: &BulkArgs) -> Result<(), Failure> {
    let items = items::parse(&input::file(&args.input)?)?;
    let request =
        BulkRequest::new(items).map_err(|error| Failure::wrong_arguments(crate::failure::chain(&error)))?;
    block_on(async {
        let response = args.client.client()?.bulk().execute(&request).await?;
        let out = Out::new(args.output);
        let is_for_people = out.format() == Format::Human;
        let mut list = out.list();
        let mut failed = 0;
        for (index, item) in request.items().iter().enumerate() {
            let outcome = outcome::Outcome::new(index, item, response.output(item));
            failed += usize::from(!outcome.is_done());
            list.push(&outcome)?;
        }
        list.end()?;
        match failed {
            0 => Ok(()),
            _ if is_for_people => {
                let all = request.items().len();
                Err(Failure::new(Exit::Failed, format!("{failed} of {all} items were not done")))
            }
            _ => Err(Failure::told(Exit::Failed)),
        }
    })
}
