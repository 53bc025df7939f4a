//! `prefactor spool`: what a pipeline has left on disk.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use clap::Subcommand;
use prefactor::spool::{self, SpoolStatus};
use prefactor::{Prefactor, Spool};
use serde_json::json;

use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};

/// Look into the spool of a pipeline, and deliver what is in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor spool status /var/lib/my-service/prefactor")]
pub(crate) struct SpoolArgs {
    #[command(subcommand)]
    action: SpoolAction,
}

#[derive(Debug, Subcommand)]
enum SpoolAction {
    Status(StatusArgs),
    Flush(FlushArgs),
    Export(ExportArgs),
}

/// Tell what waits in a spool. Changes nothing, and may be done while a pipeline uses it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor spool status /var/lib/my-service/prefactor --json")]
struct StatusArgs {
    /// The spool's directory.
    directory: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Deliver what waits in a spool that no pipeline uses.
///
/// Spans keep the ids and idempotency keys that they were made with: what had arrived before is not doubled.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor spool flush /var/lib/my-service/prefactor --deadline 300")]
struct FlushArgs {
    /// The spool's directory.
    directory: PathBuf,
    /// Seconds that it may take; what is left by then stays in the spool.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    deadline: u64,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Print what waits in a spool: a line of JSON for each operation, with the item that would be sent.
///
/// Changes nothing, and may be done while a pipeline uses it. Payloads are printed as they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor spool export /var/lib/my-service/prefactor > operations.jsonl")]
struct ExportArgs {
    /// The spool's directory.
    directory: PathBuf,
}

pub(crate) fn run(args: SpoolArgs) -> Result<(), Failure> {
    match args.action {
        SpoolAction::Status(args) => Ok(print(&look_into(&args.directory)?, args.json)?),
        SpoolAction::Flush(args) => flush(&args),
        SpoolAction::Export(args) => {
            look_into(&args.directory)?;
            spool::export(&args.directory, BufWriter::new(io::stdout().lock()))?;
            Ok(())
        }
    }
}

fn look_into(directory: &Path) -> Result<SpoolStatus, Failure> {
    spool::status(directory).map_err(|error| {
        Failure::new(Exit::NotFound, format!("there is no spool in {}: {error}", directory.display()))
    })
}

fn flush(args: &FlushArgs) -> Result<(), Failure> {
    let connection = args.connection.connection()?;
    look_into(&args.directory)?;
    let prefactor = Prefactor::builder()
        .api_url(connection.url)
        .api_token(connection.token)
        .spool(Spool::overflow(&args.directory))
        .build()
        .map_err(|error| Failure::of(&error))?;
    let report = prefactor.shutdown_blocking(Duration::from_secs(args.deadline));
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", report.ledger)?;
    let left = look_into(&args.directory)?.records;
    if left > 0 {
        return Err(Failure::new(Exit::TryAgain, format!("{left} operations are left in the spool")));
    }
    let undelivered = report.ledger.accepted.operations - report.ledger.delivered.operations;
    if undelivered > 0 {
        return Err(Failure::new(Exit::Failed, format!("{undelivered} operations were rejected or lost")));
    }
    Ok(())
}

fn print(status: &SpoolStatus, as_json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let oldest = status.oldest_at.and_then(|at| DateTime::from_timestamp_millis(i64::try_from(at).ok()?));
    let oldest = oldest.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
    if as_json {
        let status = json!({
            "records": status.records,
            "oldest_at": oldest,
            "files": status.files,
            "bytes": status.bytes,
            "in_use": status.in_use,
            "damaged": status.damaged,
        });
        return writeln!(stdout, "{status}");
    }
    writeln!(stdout, "operations waiting  {}", status.records)?;
    if let Some(oldest) = oldest {
        writeln!(stdout, "oldest since        {oldest}")?;
    }
    writeln!(stdout, "files               {}", status.files)?;
    writeln!(stdout, "bytes               {}", status.bytes)?;
    writeln!(stdout, "in use              {}", if status.in_use { "yes" } else { "no" })?;
    for file in &status.damaged {
        writeln!(stdout, "damaged             {}", file.display())?;
    }
    Ok(())
}
