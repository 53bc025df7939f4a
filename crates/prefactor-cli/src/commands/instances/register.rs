//! Announcing runs.

use prefactor_http::{
    AgentSchemaVersionForRegister, AgentVersionForRegister, IdempotencyKey, Purpose, RegisterInstanceRequest,
};
use prefactor_pfid::Pfid;

use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::input::JsonArg;
use crate::output::{Out, OutputArgs};
use crate::verbatim;

/// Announce a run, which is pending then.
///
/// With a token of a deployment --agent and --environment are left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: RUN=$(prefactor instances register --version v1.4.0 --purpose smoke_test --ids)"
)]
pub(super) struct RegisterArgs {
    /// The agent that runs.
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// The environment it runs in.
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Your own name for the agent's version, such as v1.4.0.
    #[arg(long, value_name = "NAME")]
    version: Option<String>,
    /// The name of the agent's version for people.
    #[arg(long, value_name = "NAME")]
    version_name: Option<String>,
    /// What its spans look like: an `agent_schema_version` as JSON, @FILE, or - for stdin.
    #[arg(long, value_name = "JSON|@FILE|-")]
    schemas: Option<JsonArg>,
    /// What the run is for: live, smoke_test or eval.
    #[arg(long, value_name = "PURPOSE", value_parser = ["live", "smoke_test", "eval"])]
    purpose: Option<String>,
    /// Your own name for the run, unique for the agent.
    #[arg(long, value_name = "NAME")]
    external_identifier: Option<String>,
    /// Its id, with the account's partition; see `prefactor pfid new`.
    #[arg(long, value_name = "ID")]
    id: Option<Pfid>,
    /// Makes a repetition harmless: the same key answers the same run [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn register(args: RegisterArgs) -> Result<(), Failure> {
    let mut request = RegisterInstanceRequest::new();
    request.agent_id = args.agent;
    request.environment_id = args.environment;
    if args.version.is_some() || args.version_name.is_some() {
        let mut version = AgentVersionForRegister::new();
        version.external_identifier = args.version;
        version.name = args.version_name;
        request.agent_version = Some(version);
    }
    if let Some(schemas) = &args.schemas {
        let schemas: AgentSchemaVersionForRegister = schemas.read("--schemas", "an agent_schema_version")?;
        request.agent_schema_version = Some(schemas);
    }
    request.purpose = args.purpose.map(Purpose::from);
    request.external_identifier = args.external_identifier;
    request.id = args.id;
    request.idempotency_key = args.idempotency_key;
    let instance = verbatim::instances(&args.client.client()?).register(request).await?;
    Out::new(args.output).one(&instance)
}
