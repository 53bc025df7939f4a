//! What the spans of a load hold: texts of a given length, or those of recorded runs.

use std::io;
use std::path::{Path, PathBuf};

use prefactor::Instance;
use serde::Serialize;

use super::LoadError;
use super::recording::{Step, Trajectory};

#[derive(Debug)]
pub(crate) enum Content {
    Made {
        prompt: String,
        text: String,
    },
    /// The steps of recorded runs, in turns.
    Recorded(Vec<Step>),
}

/// A payload as an agent's call of a model would have it: five fields, one of them as long as it takes.
#[derive(Serialize)]
struct Payload<'a> {
    model: &'a str,
    temperature: f64,
    step: u64,
    stream: bool,
    prompt: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    tokens: u64,
    text: &'a str,
}

impl Content {
    /// Payloads of about so many bytes; results have a third of it.
    pub(crate) fn made(bytes: usize) -> Self {
        Self::Made {
            prompt: "p".repeat(bytes.saturating_sub(70)),
            text: "t".repeat((bytes / 3).saturating_sub(20)),
        }
    }

    /// Reads a recorded run, or all of a folder.
    pub(crate) fn recorded(from: &Path) -> Result<Self, LoadError> {
        let unreadable = |file: &Path, source| LoadError::Recording { file: file.to_owned(), source };
        let mut steps = Vec::new();
        for file in recordings(from).map_err(|source| unreadable(from, source))? {
            steps.extend(Trajectory::read(&file).map_err(|source| unreadable(&file, source))?.trajectory);
        }
        if steps.is_empty() {
            return Err(LoadError::NoRecording { from: from.to_owned() });
        }
        Ok(Self::Recorded(steps))
    }

    /// Spans that are made at once.
    pub(crate) fn spans_at_once(&self) -> u64 {
        match self {
            Self::Made { .. } => 1,
            Self::Recorded(_) => Step::SPANS,
        }
    }

    /// Makes the spans of this number, and finishes them.
    pub(crate) fn report(&self, run: &Instance, number: u64) {
        match self {
            Self::Made { prompt, text } => {
                let payload = Payload { model: "m-1", temperature: 0.7, step: number, stream: false, prompt };
                run.root_span("agent:llm", &payload).complete(&Answer { tokens: number, text });
            }
            Self::Recorded(steps) => steps[number as usize % steps.len()].report(run, number),
        }
    }
}

/// The file itself, or what a folder has of recorded runs, always in the same order.
fn recordings(from: &Path) -> io::Result<Vec<PathBuf>> {
    if !from.is_dir() {
        return Ok(vec![from.to_owned()]);
    }
    let mut files = from
        .read_dir()?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "traj"));
    files.sort();
    Ok(files)
}
