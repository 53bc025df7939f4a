//! What is measured, how often, in which order.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::scenario::Figures;

/// How thoroughly.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub rounds: usize,
    pub caller_spans: u64,
    pub end_to_end_spans: u64,
    pub long_spans: u64,
    pub tight_loop_spans: u64,
    pub queued_spans: u64,
    pub idle_seconds: u64,
}

impl Extent {
    pub const QUICK: Self = Self {
        rounds: 5,
        caller_spans: 100_000,
        end_to_end_spans: 200_000,
        long_spans: 5_000_000,
        tight_loop_spans: 1_000_000,
        queued_spans: 100_000,
        idle_seconds: 10,
    };

    pub const FULL: Self =
        Self { rounds: 11, caller_spans: 300_000, end_to_end_spans: 1_000_000, ..Self::QUICK };
}

/// Where a process has its memory from, which is decided when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allocator {
    System,
    /// The system's, and it counts.
    Counting,
    Mimalloc,
}

impl Allocator {
    /// The program that has it.
    fn program(self, peers: &Path) -> Command {
        let sibling = |name: &str| Command::new(sibling(peers, name));
        match self {
            Self::System => {
                let mut command = Command::new(peers);
                command.arg("measure");
                command
            }
            Self::Counting => sibling("peers-memory"),
            Self::Mimalloc => sibling("peers-mimalloc"),
        }
    }
}

/// One thing to measure, in a process of its own.
pub struct Measurement {
    /// What it is called everywhere, and what the process is told to do.
    words: String,
    allocator: Allocator,
    /// In each round, or once.
    repeated: bool,
}

impl Measurement {
    /// One of each round.
    pub fn repeated(words: String) -> Self {
        Self { words, allocator: Allocator::System, repeated: true }
    }
}

/// Spans that a caller makes before everything is delivered. How long a burst is changes what a span of OpenTelemetry's takes.
pub const BURSTS: [u64; 3] = [SHORT_BURST, 10_000, 100_000];

/// As many as fastrace has room for: its queue takes 10,240 commands of a thread, and a span with properties is some four.
pub const SHORT_BURST: u64 = 1_000;

/// The words of a measurement of callers.
pub fn caller(who: &str, threads: u8, burst: u64, spans: u64) -> String {
    format!("caller {who} {threads} {burst} {spans}")
}

/// All that was measured: the figures of each round, by measurement.
pub type Measured = BTreeMap<String, Vec<Figures>>;

/// What the ratios are made of.
pub fn comparison(extent: &Extent) -> Vec<Measurement> {
    use Allocator::{Counting, Mimalloc, System};

    let Extent {
        caller_spans,
        end_to_end_spans,
        long_spans,
        tight_loop_spans,
        queued_spans,
        idle_seconds,
        ..
    } = *extent;
    let mut all = Vec::new();
    let mut add = |repeated, allocator, words: String| all.push(Measurement { words, allocator, repeated });
    for threads in [1, 2] {
        for burst in BURSTS {
            for who in ["ours", "opentelemetry"] {
                add(true, System, caller(who, threads, burst, caller_spans));
            }
        }
        for who in ["fastrace", "fastrace-children"] {
            add(true, System, caller(who, threads, SHORT_BURST, caller_spans));
        }
    }
    for who in ["ours", "opentelemetry", "ceiling"] {
        add(true, System, format!("end-to-end {who} 8 {end_to_end_spans}"));
    }
    for connections in [1, 2, 4] {
        add(true, System, format!("end-to-end wire {connections} {end_to_end_spans}"));
    }
    add(true, System, format!("end-to-end ours 10000 {end_to_end_spans}"));
    for instances in [8, 10_000] {
        add(true, Mimalloc, format!("end-to-end ours-on-mimalloc {instances} {end_to_end_spans}"));
    }
    add(true, System, "end-to-end ours 8 50000".to_owned());
    add(false, System, format!("end-to-end ours 8 {long_spans}"));
    for who in ["ours", "opentelemetry"] {
        add(false, System, format!("tight-loop {who} {tight_loop_spans}"));
        add(false, System, format!("tight-loop-with-room {who} {tight_loop_spans}"));
        add(false, Counting, format!("memory-per-span {who} {queued_spans}"));
    }
    add(false, Counting, "memory-per-instance ours 10000".to_owned());
    add(false, System, format!("idle ours 1000 {idle_seconds}"));
    all
}

/// Measures everything whose words contain `only`, interleaved: what changes on the machine meanwhile changes for all.
///
/// # Errors
/// A process that could not be started or did not do its part.
pub fn run(mut all: Vec<Measurement>, rounds: usize, only: &str) -> io::Result<Measured> {
    let sink = Sink::start()?;
    all.retain(|measurement| measurement.words.contains(only));
    if all.is_empty() {
        return Err(io::Error::other(format!("the name of no measurement contains {only:?}")));
    }
    let mut measured = Measured::new();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for measurement in &all {
            if measurement.repeated || round == 0 {
                let figures = sink.measure(measurement)?;
                measured.entry(measurement.words.clone()).or_default().push(figures);
            }
        }
        // The next round goes the other way: nobody always comes after the same one.
        all.reverse();
    }
    Ok(measured)
}

/// The server's process, which ends with it.
struct Sink {
    process: Child,
    address: String,
}

impl Sink {
    fn start() -> io::Result<Self> {
        let mut process =
            Command::new(std::env::current_exe()?).arg("sink").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        Ok(Self { process, address: address.trim().to_owned() })
    }

    fn measure(&self, measurement: &Measurement) -> io::Result<Figures> {
        let output = measurement
            .allocator
            .program(&std::env::current_exe()?)
            .arg(&self.address)
            .args(measurement.words.split(' '))
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("`{}` ended with {}", measurement.words, output.status)));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn sibling(of: &Path, name: &str) -> PathBuf {
    of.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
