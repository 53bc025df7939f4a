//! Starting and ending runs.

use chrono::{DateTime, Utc};
use prefactor_http::{
    AgentInstance, FinishInstanceRequest, IdempotencyKey, InstanceStatus, PrefactorClient, PrefactorError,
    StartInstanceRequest, TerminateInstanceRequest,
};

use crate::commands::EndStatus;
use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::{Out, OutputArgs};
use crate::verbatim::{self, Verbatim};

/// Start a run. One that is active already is done: exit code 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor instances start 013xrzp12g3nqk8n04hmasw9nf6yy093")]
pub(super) struct StartArgs {
    /// The run's id.
    instance: String,
    /// When it started [default: the server's time].
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<DateTime<Utc>>,
    /// Makes a repetition harmless [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// End a run. One that has ended so already is done: exit code 0.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor instances finish 013xrzp12g3nqk8n04hmasw9nf6yy093 --status failed"
)]
pub(super) struct FinishArgs {
    /// The run's id.
    instance: String,
    /// How it ended.
    #[arg(long, value_enum, default_value_t = EndStatus::Complete)]
    status: EndStatus,
    /// When it ended [default: the server's time].
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<DateTime<Utc>>,
    /// Makes a repetition harmless [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// End a run as an operator: its agent is told to stop. Needs an account-wide token.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor instances terminate 013xrzp12g3nqk8n04hmasw9nf6yy093 --reason 'runs in circles'"
)]
pub(super) struct TerminateArgs {
    /// The run's id.
    instance: String,
    /// Why, for whoever finds the run ended.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn start(args: StartArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut request = StartInstanceRequest::new();
    request.timestamp = args.at;
    request.idempotency_key = args.idempotency_key;
    let started = verbatim::instances(&client).start(&args.instance, request).await;
    let run = or_already(&client, &args.instance, started, &InstanceStatus::Active).await?;
    Out::new(args.output).one(&run)
}

pub(super) async fn finish(args: FinishArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let mut request = FinishInstanceRequest::new().status(args.status);
    request.timestamp = args.at;
    request.idempotency_key = args.idempotency_key;
    let finished = verbatim::instances(&client).finish(&args.instance, request).await;
    let run = or_already(&client, &args.instance, finished, &args.status.of_instance()).await?;
    Out::new(args.output).one(&run)
}

pub(super) async fn terminate(args: TerminateArgs) -> Result<(), Failure> {
    let client = args.client.client()?;
    let request = TerminateInstanceRequest::new(args.reason);
    let terminated = verbatim::instances(&client).terminate(&args.instance, request).await;
    let run = or_already(&client, &args.instance, terminated, &InstanceStatus::Terminated).await?;
    Out::new(args.output).one(&run)
}

/// A run that is in the wanted state already is a success; one in another state is named in the refusal.
async fn or_already(
    client: &PrefactorClient,
    id: &str,
    answer: Result<Verbatim<AgentInstance>, PrefactorError>,
    wanted: &InstanceStatus,
) -> Result<Verbatim<AgentInstance>, Failure> {
    match answer {
        Err(error) if error.is_already_done() => {
            let run = verbatim::instances(client).get(id).await?;
            if run.status == *wanted {
                return Ok(run);
            }
            Err(Failure::from(error).hint(format!("the run is {}", run.status)))
        }
        answer => Ok(answer?),
    }
}
