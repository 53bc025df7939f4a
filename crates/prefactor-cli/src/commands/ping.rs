//! `prefactor ping`: is the API there, and does it take the token?

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::runtime::block_on;

/// Ask whether the API is there and takes the token.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor ping --url http://127.0.0.1:4010")]
pub(crate) struct PingArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: PingArgs) -> Result<(), Failure> {
    block_on(async {
        args.connection.client()?.ping().await?;
        Ok(())
    })
}
