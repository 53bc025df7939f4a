//! `prefactor serve` as a process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use super::{LIMIT, lines_of, prefactor};

const PROMISE: &str = "listening on http://";

/// A running `prefactor serve`; it is killed when the test ends early.
pub(crate) struct Server {
    child: Child,
    /// Its lines as they come; the end says that it has ended.
    lines: Receiver<String>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the command runs");
        let lines = lines_of(child.stdout.take().expect("its output"));
        let mut server = Self { child, lines, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let line = server.lines.recv_timeout(LIMIT).expect("a line in time");
        let address = line.strip_prefix(PROMISE).expect("the promised line");
        server.address = address.parse().expect("an address");
        server
    }

    pub(crate) fn serve(args: &[&str]) -> Self {
        Self::start(prefactor().arg("serve").args(args))
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: emulator\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// What it has counted so far.
    pub(crate) fn counts(&self) -> Value {
        let answer = self.get("/__health", "");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Sends a signal by name; returns its exit code, after a look that it had printed nothing else.
    #[cfg(unix)]
    pub(crate) fn stop(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
        assert_eq!(self.lines.recv_timeout(LIMIT), Err(mpsc::RecvTimeoutError::Disconnected));
        self.child.wait().expect("its end").code()
    }
}

impl Server {
    /// Ends it without a chance to do anything more: kill -9 on Unix.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        let status = self.child.wait().expect("its end");
        assert_eq!(status.code().filter(|code| *code == 0), None, "it ended by itself");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
