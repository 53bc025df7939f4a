//! `prefactor ping`: is the API there, and does it take the token?

use std::time::Instant;

use serde_json::json;

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::output::{Cell, Format, JsonArgs, Out};
use crate::runtime::block_on;

/// Ask whether the API is there and takes the token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor ping --url http://127.0.0.1:4010 --retries 0")]
pub(crate) struct PingArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: JsonArgs,
}

pub(crate) fn run(args: PingArgs) -> Result<(), Failure> {
    block_on(async {
        let client = args.client.client()?;
        let asked = Instant::now();
        let answer = client.ping().await?;
        let milliseconds = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        let url = client.config().api_url();
        let mut out = Out::new(args.output);
        if out.format() == Format::Json {
            return out
                .document(&json!({ "url": url.as_str(), "milliseconds": milliseconds, "answer": answer }));
        }
        let line = Cell::new(format!("{url} answers and takes the token ({milliseconds} ms)"));
        out.line(&out.paint(&line))?;
        out.flush()
    })
}
