//! Judging runs.

use prefactor_http::{IdempotencyKey, RecordQualityRequest};

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::input::JsonArg;
use crate::output::{Out, OutputArgs};
use crate::verbatim;

/// Record a judgement of a run's quality, or clear one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor instances quality 013xrzp12g3nqk8n04hmasw9nf6yy093 tone '{\"score\": 0.8}'"
)]
pub(super) struct QualityArgs {
    /// The run's id.
    instance: String,
    /// Which of the agent's quality schemas it follows.
    name: String,
    /// The judgement: a JSON object, @FILE, or - for stdin.
    #[arg(value_name = "JSON|@FILE|-", required_unless_present = "clear")]
    judgement: Option<JsonArg>,
    /// Clear an earlier judgement instead.
    #[arg(long, conflicts_with = "judgement")]
    clear: bool,
    /// Makes a repetition harmless [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn quality(args: QualityArgs) -> Result<(), Failure> {
    let judgement = args.judgement.map(|judgement| judgement.payload("the judgement")).transpose()?;
    let mut request = RecordQualityRequest::new(args.name, judgement);
    request.idempotency_key = args.idempotency_key;
    let run = verbatim::instances(&args.client.client()?).record_quality(&args.instance, request).await?;
    Out::new(args.output).one(&run)
}
