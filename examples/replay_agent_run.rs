//! Replays recorded runs of a software-engineering agent (SWE-agent's `.traj` files): one instance per file, and per
//! step one `agent:llm` span with one `agent:tool` span below it.
//!
//! `cargo run --example replay_agent_run -- [--url URL --token TOKEN] FILE…`
//!
//! Without `--url` the runs go to an emulator inside this process.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use prefactor::{AgentVersion, Health, Instance, Prefactor};
use prefactor_emulator::Emulator;

/// How a recorded run is read and a step of it reported, as `prefactor load --payloads` does it too.
#[path = "../crates/prefactor-cli/src/commands/load/recording.rs"]
mod recording;

pub(crate) use recording::{Step, Trajectory};

/// Reports a recorded run as if it happened now; tells the number of its spans.
pub(crate) fn replay(run: &Instance, recorded: &Trajectory) -> u64 {
    for (number, step) in (0..).zip(&recorded.trajectory) {
        step.report(run, number);
    }
    run.finish();
    Step::SPANS * recorded.trajectory.len() as u64
}

/// Reads a recorded run.
pub(crate) fn read(file: &Path) -> Result<Trajectory, String> {
    Trajectory::read(file)
        .map_err(|error| format!("can't read a recorded run in {}: {error}", file.display()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let Arguments { url, token, files } = Arguments::parse(words.into_iter())?;
    let recorded = files.iter().map(|file| read(Path::new(file))).collect::<Result<Vec<_>, _>>()?;
    let emulator = if url.is_none() { Some(Emulator::start().await?) } else { None };
    let (url, token) = match &emulator {
        Some(emulator) => (emulator.url().to_owned(), emulator.token().to_owned()),
        None => (url.unwrap_or_default(), token.unwrap_or_default()),
    };
    // Recorded texts are kept in full, however long they are.
    let prefactor = Prefactor::builder()
        .api_url(url.parse()?)
        .api_token(token.parse()?)
        .max_output_length(usize::MAX)
        .max_input_length(usize::MAX)
        .build()?;

    let runs = recorded.iter().map(|recorded| {
        let run = prefactor.instance(AgentVersion::new("swe-agent", "recorded")).start();
        let spans = replay(&run, recorded);
        (run, spans)
    });
    let runs: Vec<_> = runs.collect();
    let mut report = prefactor.flush(Duration::from_secs(5)).await;
    if !report.complete {
        eprintln!("{}", what_it_waits_for(prefactor.health()));
        report = prefactor.shutdown(Duration::from_secs(55)).await;
    }

    for (run, spans) in runs {
        let id = run.id().map_or_else(|| "unregistered".to_owned(), |id| id.to_string());
        println!("instance={id} spans={spans}");
    }
    println!("{}", report.ledger);
    if report.ledger.delivered != report.ledger.accepted {
        return Err("not everything was delivered".into());
    }
    Ok(())
}

fn what_it_waits_for(health: Health) -> &'static str {
    match health {
        Health::Unauthorized => "the api refuses the token; trying for another minute",
        Health::Unreachable => "the api can't be reached; trying for another minute",
        _ => "not everything is delivered yet; waiting for another minute",
    }
}

const USAGE: &str = "\
usage: replay_agent_run [--url URL --token TOKEN] FILE…

Reports recorded runs of a software-engineering agent (SWE-agent's .traj files), one instance per file.
Without --url and --token they go to an emulator inside this process.";

#[derive(Debug)]
struct Arguments {
    url: Option<String>,
    token: Option<String>,
    files: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { url: None, token: None, files: Vec::new() };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--url" => arguments.url = Some(value()?),
                "--token" => arguments.token = Some(value()?),
                option if option.starts_with("--") => {
                    return Err(format!("unknown option {option}\n{USAGE}"));
                }
                _ => arguments.files.push(word),
            }
        }
        if arguments.url.is_some() != arguments.token.is_some() {
            return Err(format!("--url and --token go together\n{USAGE}"));
        }
        if arguments.files.is_empty() {
            return Err(format!("no file given\n{USAGE}"));
        }
        Ok(arguments)
    }
}
