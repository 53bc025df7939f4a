//! Making and changing agents.

use prefactor_http::{CreateAgentRequest, IdempotencyKey, UpdateAgentRequest};
use prefactor_pfid::Pfid;

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::output::{Out, OutputArgs};
use crate::verbatim;

/// Create an agent.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: AGENT=$(prefactor agents create 'Research agent' --external-identifier research --ids)"
)]
pub(super) struct CreateArgs {
    /// Its name.
    name: String,
    /// What it does.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Your own name for it, which never changes.
    #[arg(long, value_name = "NAME")]
    external_identifier: Option<String>,
    /// Its id, with the account's partition; see `prefactor pfid new`.
    #[arg(long, value_name = "ID")]
    id: Option<Pfid>,
    #[command(flatten)]
    relations: Relations,
    /// Makes a repetition harmless: the same key answers the same agent [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Change an agent: what is left out stays as it is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor agents update 013xrzp12g3nqk8n04hmasw9nf6yy093 --name 'Research agent 2'",
    group = clap::ArgGroup::new("change").required(true).multiple(true)
        .args(["name", "description", "owner_person_id", "risk_profile_id", "team_id"])
)]
pub(super) struct UpdateArgs {
    /// The agent's id.
    agent: String,
    /// Its new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it does.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    relations: Relations,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
struct Relations {
    /// The person who answers for it.
    #[arg(long, value_name = "ID")]
    owner_person_id: Option<String>,
    /// How its risk is judged.
    #[arg(long, value_name = "ID")]
    risk_profile_id: Option<String>,
    /// The team it belongs to.
    #[arg(long, value_name = "ID")]
    team_id: Option<String>,
}

pub(super) async fn create(args: CreateArgs) -> Result<(), Failure> {
    let mut request = CreateAgentRequest::new(args.name);
    request.description = args.description;
    request.external_identifier = args.external_identifier;
    request.id = args.id;
    request.owner_person_id = args.relations.owner_person_id;
    request.risk_profile_id = args.relations.risk_profile_id;
    request.team_id = args.relations.team_id;
    request.idempotency_key = args.idempotency_key;
    let agent = verbatim::agents(&args.client.client()?).create(request).await?;
    Out::new(args.output).one(&agent)
}

pub(super) async fn update(args: UpdateArgs) -> Result<(), Failure> {
    let mut request = UpdateAgentRequest::new();
    request.name = args.name;
    request.description = args.description;
    request.owner_person_id = args.relations.owner_person_id;
    request.risk_profile_id = args.relations.risk_profile_id;
    request.team_id = args.relations.team_id;
    let agent = verbatim::agents(&args.client.client()?).update(&args.agent, request).await?;
    Out::new(args.output).one(&agent)
}
