//! `prefactor pfid`: ids, offline.

use chrono::DateTime;
use clap::Subcommand;
use prefactor_pfid::{Partition, Pfid, generate};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Cell, Format, Out, Shown};

/// Make and take apart ids, without the API.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor pfid inspect 013xrzp12g3nqk8n04hmasw9nf6yy093")]
pub(crate) struct PfidArgs {
    #[command(subcommand)]
    action: PfidAction,
}

#[derive(Debug, Subcommand)]
enum PfidAction {
    New(NewArgs),
    Inspect(InspectArgs),
}

/// Make ids of this moment, one per line.
///
/// Every id of an account has the account's partition, and the API refuses others: take it from an id with --like.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: prefactor pfid new --like 013xrzp12g3nqk8n04hmasw9nf6yy093 -n 3")]
struct NewArgs {
    /// The account's partition, 0 to 1073741823 [default: 0].
    #[arg(long, value_name = "NUMBER", value_parser = partition)]
    partition: Option<Partition>,
    /// The partition of this id.
    #[arg(long, value_name = "ID", conflicts_with = "partition")]
    like: Option<Pfid>,
    /// How many.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 1)]
    count: u64,
    /// Print JSON, one document per line.
    #[arg(long)]
    json: bool,
}

/// Show what ids say: their time, partition and random part.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor pfid inspect 013xrzp12g3nqk8n04hmasw9nf6yy093 --json | jq .partition"
)]
struct InspectArgs {
    /// The ids.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Pfid>,
    /// Print JSON, one document per line.
    #[arg(long)]
    json: bool,
}

fn partition(text: &str) -> Result<Partition, String> {
    let number: u32 = text.parse().map_err(|_| "a partition is a number from 0 to 1073741823".to_owned())?;
    Partition::new(number).map_err(|error| error.to_string())
}

pub(crate) fn run(args: PfidArgs) -> Result<(), Failure> {
    match args.action {
        PfidAction::New(args) => new(&args),
        PfidAction::Inspect(args) => inspect(&args),
    }
}

fn new(args: &NewArgs) -> Result<(), Failure> {
    let like = args.like.map(Pfid::partition);
    let partition = match args.partition.or(like) {
        Some(partition) => partition,
        None => Partition::new(0).map_err(|error| Failure::of(&error))?,
    };
    let mut list = Out::new(if args.json { Format::Json } else { Format::Ids }).list();
    for _ in 0..args.count {
        list.push(&Parts::of(generate(partition)))?;
    }
    list.end()
}

fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    let mut out = Out::new(if args.json { Format::Json } else { Format::Human });
    for (place, id) in args.ids.iter().enumerate() {
        let parts = Parts::of(*id);
        if args.json {
            out.json_line(&parts)?;
            continue;
        }
        if place > 0 {
            out.line("")?;
        }
        out.one(&parts)?;
    }
    out.flush()
}

/// An id taken apart.
#[derive(Debug, Serialize)]
struct Parts {
    id: String,
    /// `None` for a time that no calendar has.
    time: Option<String>,
    unix_ms: u64,
    partition: u32,
    /// In hexadecimal.
    random: String,
}

impl Parts {
    fn of(id: Pfid) -> Self {
        let unix_ms = id.timestamp_ms();
        let time = i64::try_from(unix_ms).ok().and_then(DateTime::from_timestamp_millis);
        Self {
            id: id.to_string(),
            time: time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
            unix_ms,
            partition: id.partition().get(),
            random: id.random().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl Shown for Parts {
    const PLURAL: &'static str = "ids";
    const COLUMNS: &'static [&'static str] = &["ID", "TIME", "PARTITION", "RANDOM"];

    fn id(&self) -> &str {
        &self.id
    }

    fn row(&self) -> Vec<Cell> {
        self.fields().into_iter().map(|(_, cell)| cell).collect()
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("id", Cell::new(&self.id)),
            ("time", Cell::optional(self.time.as_deref())),
            ("partition", Cell::new(self.partition.to_string())),
            ("random", Cell::new(&self.random)),
        ]
    }
}
