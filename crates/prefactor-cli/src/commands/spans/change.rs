//! Making and ending spans.

use chrono::{DateTime, Utc};
use prefactor_http::{
    AgentSpan, ApiResponse, CreateSpanRequest, FinishSpanRequest, IdempotencyKey, Payload, SpanStatus,
};
use prefactor_pfid::Pfid;

use crate::commands::EndStatus;
use crate::connection::ClientArgs;
use crate::failure::Failure;
use crate::input::{self, JsonArg};
use crate::output::{Out, OutputArgs, escape, say};
use crate::verbatim::{self, Verbatim};

/// Create a span. It may be finished at once: with its --status, --result and both times.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor spans create $RUN agent:llm --payload '{\"model\": \"m\"}' --status complete \\
           --result '{\"answer\": 42}' --started-at 2024-05-01T12:00:00Z --finished-at 2024-05-01T12:00:02Z"
)]
pub(super) struct CreateArgs {
    /// The run's id.
    instance: String,
    /// The name of its type, such as agent:llm.
    schema: String,
    /// What goes in: a JSON object, @FILE, or - for stdin [default: {}].
    #[arg(long, value_name = "JSON|@FILE|-")]
    payload: Option<JsonArg>,
    /// What came out: a JSON object, @FILE, or - for stdin.
    #[arg(long, value_name = "JSON|@FILE|-")]
    result: Option<JsonArg>,
    /// Where it is in its life.
    #[arg(long, value_name = "STATUS", default_value = "active", value_parser = ["pending", "active", "complete", "failed", "cancelled"])]
    status: String,
    /// The span it is part of.
    #[arg(long, value_name = "ID")]
    parent: Option<String>,
    /// When it started [default: the server's time].
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    started_at: Option<DateTime<Utc>>,
    /// When it finished.
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    finished_at: Option<DateTime<Utc>>,
    /// Store `{"$sensitive": …}` values in the payloads apart.
    #[arg(long)]
    sensitive_encoding: bool,
    /// Its id, with the account's partition; see `prefactor pfid new`.
    #[arg(long, value_name = "ID")]
    id: Option<Pfid>,
    /// Makes a repetition harmless: the same key answers the same span [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// End a span.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor spans finish $SPAN --status failed --result '{\"error\": \"timeout\"}'"
)]
pub(super) struct FinishArgs {
    /// The span's id.
    span: String,
    /// How it ended.
    #[arg(long, value_enum, default_value_t = EndStatus::Complete)]
    status: EndStatus,
    /// What came out: a JSON object, @FILE, or - for stdin.
    #[arg(long, value_name = "JSON|@FILE|-")]
    result: Option<JsonArg>,
    /// When it ended [default: the server's time].
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<DateTime<Utc>>,
    /// Store `{"$sensitive": …}` values in the result apart.
    #[arg(long)]
    sensitive_encoding: bool,
    /// Makes a repetition harmless [default: a new key].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn create(args: CreateArgs) -> Result<(), Failure> {
    let payload = args.payload.map_or(Ok(Payload::default()), |payload| payload.payload("--payload"))?;
    let mut request =
        CreateSpanRequest::new(args.instance, args.schema, SpanStatus::from(args.status), payload);
    request.result_payload = args.result.map(|result| result.payload("--result")).transpose()?;
    request.parent_span_id = args.parent;
    request.started_at = args.started_at;
    request.finished_at = args.finished_at;
    request.sensitive_encoding = args.sensitive_encoding.then_some(true);
    request.id = args.id;
    request.idempotency_key = args.idempotency_key;
    print(args.output, verbatim::spans(&args.client.client()?).create(request).await?)
}

pub(super) async fn finish(args: FinishArgs) -> Result<(), Failure> {
    let mut request = FinishSpanRequest::new().status(args.status);
    request.result_payload = args.result.map(|result| result.payload("--result")).transpose()?;
    request.timestamp = args.at;
    request.sensitive_encoding = args.sensitive_encoding.then_some(true);
    request.idempotency_key = args.idempotency_key;
    print(args.output, verbatim::spans(&args.client.client()?).finish(&args.span, request).await?)
}

/// The order to stop goes to stderr: stdout is the span's.
fn print(output: OutputArgs, answer: ApiResponse<Verbatim<AgentSpan>>) -> Result<(), Failure> {
    if let Some(control) = answer.control.filter(|control| control.terminate) {
        let reason = control.reason.unwrap_or_else(|| "no reason is given".to_owned());
        say(format_args!("note: an operator has ended this run: {}", escape::line(&reason)));
    }
    Out::new(output).one(&answer.details)
}
