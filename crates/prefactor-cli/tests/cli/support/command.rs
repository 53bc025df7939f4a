//! The built command and what it said, in bounded time.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long a test waits for what must come.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The command, without anything of whoever runs the tests.
pub(crate) fn prefactor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prefactor"));
    for name in ["PREFACTOR_API_URL", "PREFACTOR_API_TOKEN", "NO_COLOR", "XDG_CONFIG_HOME", "HOME", "APPDATA"]
    {
        command.env_remove(name);
    }
    command.env("PREFACTOR_CONFIG", "/no/such/profiles.json");
    command
}

/// What a command said before it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// What a command that did what was asked printed.
    #[track_caller]
    pub(crate) fn output(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert!(self.stderr.is_empty(), "{self:?}");
        &self.stdout
    }

    /// One JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.output()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A JSON document per line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// The error of a command that failed so and printed nothing.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        &self.stderr
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    run_with(command, "")
}

/// Runs it with this on stdin.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    // It may end without reading: then there is nobody to write to.
    thread::spawn(move || stdin.write_all(input.as_bytes()));
    let stdout = whole(child.stdout.take().expect("its output"));
    let stderr = whole(child.stderr.take().expect("its errors"));
    let said = (stdout.recv_timeout(LIMIT), stderr.recv_timeout(LIMIT));
    let (Ok(stdout), Ok(stderr)) = said else {
        kill(&mut child);
        panic!("{command:?} goes on and on");
    };
    Said { code: child.wait().expect("its end").code(), stdout, stderr }
}

fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn whole(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, text) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}

/// Read on a thread of their own, so that waiting for one can be given up.
pub(crate) fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
