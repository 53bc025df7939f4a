//! `prefactor watch`: a run while it goes on.

mod follow;
mod lines;
mod screen;

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use prefactor_http::InstanceStatus;

use crate::connection::ClientArgs;
use crate::failure::{Exit, Failure};
use crate::output::{Format, JsonArgs, Out};
use crate::runtime::block_on;
use crate::verbatim;
use follow::{Change, Run};

/// Watch a run until it ends: its spans as a tree, or a line per change where stdout is no terminal.
///
/// The spans need an account-wide token; with that of a deployment only the run itself is shown. With --json each change is
/// one document on a line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: prefactor watch 013xrzp12g3nqk8n04hmasw9nf6yy093 --exit-status && echo well done"
)]
pub(crate) struct WatchArgs {
    /// The run's id.
    instance: String,
    /// How often to look.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
    /// Exit with 1 when the run ends as anything but complete.
    #[arg(long)]
    exit_status: bool,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    output: JsonArgs,
}

fn interval(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("an interval is 0.1 to 3600 seconds".to_owned()),
    }
}

pub(crate) fn run(args: WatchArgs) -> Result<(), Failure> {
    block_on(async {
        let client = args.client.client()?;
        let mut run = Run::new(verbatim::instances(&client).get(&args.instance).await?);
        let mut view = View::new(Out::new(args.output));
        loop {
            let changes = run.look(&client).await?;
            view.show(&run, &changes)?;
            if run.has_ended() {
                break;
            }
            tokio::time::sleep(args.interval).await;
        }
        match run.instance().status {
            InstanceStatus::Complete => Ok(()),
            _ if args.exit_status => Err(Failure::told(Exit::Failed)),
            _ => Ok(()),
        }
    })
}

/// How changes are shown.
#[derive(Debug)]
enum View {
    /// On a terminal: the tree is drawn again in its place.
    Screen(screen::Screen),
    /// Anywhere else: what was printed stays.
    Lines(Out),
}

impl View {
    fn new(out: Out) -> Self {
        let can_move = io::stdout().is_terminal() && env::var("TERM").as_deref() != Ok("dumb");
        if can_move && out.format() == Format::Human {
            Self::Screen(screen::Screen::new(out))
        } else {
            Self::Lines(out)
        }
    }

    fn show(&mut self, run: &Run, changes: &[Change]) -> Result<(), Failure> {
        match self {
            Self::Screen(screen) => screen.draw(run),
            Self::Lines(out) => lines::print(out, run, changes),
        }
    }
}
