//! Replays recorded runs of a software-engineering agent (SWE-agent's `.traj` files): one instance per file, and per
//! step one `agent:llm` span with one `agent:tool` span below it.
//!
//! `cargo run --example replay_agent_run -- [--url URL --token TOKEN] FILE…`
//!
//! Without `--url` the runs go to an emulator inside this process.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its reader")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use prefactor::{AgentVersion, Health, Instance, Prefactor};
use prefactor_emulator::Emulator;
use serde::{Deserialize, Serialize};

/// A recorded run, as far as it is replayed.
#[derive(Debug, Deserialize)]
pub(crate) struct Trajectory {
    /// What the agent did, in order.
    pub(crate) trajectory: Vec<Step>,
}

/// One turn of the agent.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    /// What the model thought.
    pub(crate) thought: String,
    /// What it wrote, word for word.
    pub(crate) response: String,
    /// The command in it.
    pub(crate) action: String,
    /// What the command printed.
    pub(crate) observation: String,
}

#[derive(Serialize)]
struct Turn {
    step: usize,
}

#[derive(Serialize)]
struct Written<'a> {
    thought: &'a str,
    response: &'a str,
}

#[derive(Serialize)]
struct Command<'a> {
    action: &'a str,
}

#[derive(Serialize)]
struct Printed<'a> {
    observation: &'a str,
}

/// Reads a recorded run.
pub(crate) fn read(file: &Path) -> Result<Trajectory, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("can't read {}: {error}", file.display()))?;
    let run = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no recorded run: {error}", file.display()))?;
    Ok(run)
}

/// Reports a recorded run as if it happened now; tells the number of its spans.
pub(crate) fn replay(run: &Instance, recorded: &Trajectory) -> usize {
    for (index, step) in recorded.trajectory.iter().enumerate() {
        let llm = run.span("agent:llm", &Turn { step: index });
        let tool = llm.child("agent:tool", &Command { action: &step.action });
        tool.complete(&Printed { observation: &step.observation });
        llm.complete(&Written { thought: &step.thought, response: &step.response });
    }
    run.finish();
    2 * recorded.trajectory.len()
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
