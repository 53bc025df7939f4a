//! Recorded runs of a software-engineering agent (SWE-agent's `.traj` files), and how a step of one is reported.
//!
//! The example `replay_agent_run` is made of the same file.

use std::fs;
use std::io;
use std::path::Path;

use prefactor::Instance;
use serde::{Deserialize, Serialize};

/// A recorded run, as far as it is reported.
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
    step: u64,
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

impl Trajectory {
    /// Reads a recorded run.
    ///
    /// # Errors
    /// The file can't be read, or is no recorded run.
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }
}

impl Step {
    /// The spans of a step.
    pub(crate) const SPANS: u64 = 2;

    /// Reports the step as if it happened now: an `agent:llm` span and its `agent:tool` child.
    pub(crate) fn report(&self, run: &Instance, step: u64) {
        let llm = run.root_span("agent:llm", &Turn { step });
        let tool = llm.child("agent:tool", &Command { action: &self.action });
        tool.complete(&Printed { observation: &self.observation });
        llm.complete(&Written { thought: &self.thought, response: &self.response });
    }
}
