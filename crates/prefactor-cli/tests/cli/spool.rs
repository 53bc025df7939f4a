use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use prefactor_emulator::{DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{LIMIT, Server, lines_of, prefactor, run};

/// A server with a file, a directory for a spool, and what the loads wrote of themselves.
struct Stage {
    folder: TempDir,
    server: Option<Server>,
    address: String,
}

impl Stage {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut stage = Self { folder, server: None, address: "127.0.0.1:0".to_owned() };
        stage.start_server();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_server(&mut self) {
        let server = Server::start(
            prefactor().args(["serve", "--listen", &self.address, "--db"]).arg(self.path("server.db")),
        );
        self.address = server.address.to_string();
        self.server = Some(server);
    }

    fn kill_server(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = prefactor();
        command.args(args).args(["--url", &format!("http://{}", self.address), "--token"]);
        command
    }

    /// A load that never ends by itself.
    fn load(&self, log: &Path) -> Load {
        let mut command = self.command(&[
            "load",
            "--json",
            "--batch-items",
            "50",
            "--instances",
            "5",
            "--rate",
            "3000",
            "--duration",
            "10m",
        ]);
        command.args([DEFAULT_TOKEN, "--spool"]).arg(self.path("spool")).arg("--synced-log").arg(log);
        // A killed writer frees the directory with its process, at once.
        Load(command.stdout(Stdio::null()).spawn().expect("the command runs"))
    }

    fn spool(&self, action: &str) -> Command {
        let mut command = prefactor();
        command.args(["spool", action]).arg(self.path("spool"));
        command
    }

    fn flush(&self) -> Command {
        let mut command = self.spool("flush");
        command.args([
            "--url",
            &format!("http://{}", self.address),
            "--token",
            DEFAULT_TOKEN,
            "--deadline",
            "600",
        ]);
        command
    }

    /// The status of every span on the server, by its id.
    fn spans(&self) -> HashMap<String, String> {
        let mut command = self.command(&["spans", "list", "--all", "--json"]);
        let mut child =
            command.arg(DEFAULT_ACCOUNT_TOKEN).stdout(Stdio::piped()).spawn().expect("the command runs");
        let lines = lines_of(child.stdout.take().expect("its output"));
        let mut spans = HashMap::new();
        while let Ok(line) = lines.recv_timeout(10 * LIMIT) {
            let span: Value = serde_json::from_str(&line).expect("a span");
            let [id, status] = ["id", "status"].map(|member| span[member].as_str().expect(member).to_owned());
            assert!(spans.insert(id, status).is_none(), "an id stands twice");
        }
        assert!(child.wait().expect("its end").success());
        spans
    }
}

struct Load(Child);

impl Load {
    fn kill(mut self) {
        self.0.kill().expect("it runs");
        let status = self.0.wait().expect("its end");
        assert_eq!(status.code(), None, "it ended by itself");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ids(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    // The last line may be cut short.
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    text[..end].lines().map(str::to_owned).collect()
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < LIMIT, "{what} in time");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Rounds of killing: a few, or as many as `PREFACTOR_KILL_ROUNDS` says.
fn rounds() -> u32 {
    std::env::var("PREFACTOR_KILL_ROUNDS").map_or(5, |rounds| rounds.parse().expect("a number of rounds"))
}

#[test]
fn every_span_that_was_synced_before_a_kill_is_on_the_server_once() {
    let mut stage = Stage::new();
    let seed = std::process::id();
    let mut synced = Vec::new();
    for round in 0..rounds() {
        let random = (seed ^ round).wrapping_mul(2_654_435_761) >> 16;
        let log = stage.path(&format!("synced-{round}"));
        let load = stage.load(&log);
        let lines = 1 + (random % 1_500) as usize;
        if random.is_multiple_of(3) {
            wait_for("half of the spans", || ids(&log).len() >= lines / 2);
            stage.kill_server();
        }
        wait_for("the spans", || ids(&log).len() >= lines);
        load.kill();
        if stage.server.is_none() {
            stage.start_server();
        }
        synced.extend(ids(&log));
    }

    // What had landed unseen is refused one by one, since a bulk stops at each refusal: that takes its time.
    let flushed = stage.flush().output().expect("the command runs");
    let status = run(stage.spool("status").arg("--json")).json();
    // Once more, so that what is read comes from the file alone.
    stage.kill_server();
    stage.start_server();
    let spans = stage.spans();

    assert!(flushed.status.success(), "{flushed:?}");
    assert_eq!(status["records"], 0, "{status}");
    assert_eq!(status["damaged"], Value::Array(Vec::new()));
    let missing = synced.iter().filter(|id| !spans.contains_key(*id)).count();
    assert_eq!(missing, 0, "of {} synced spans", synced.len());
    let open = synced.iter().filter(|id| spans[*id] != "complete").count();
    assert_eq!(open, 0, "of {} synced spans are not complete", synced.len());
    println!("{} rounds, {} spans synced, {} on the server, each once", rounds(), synced.len(), spans.len());
}

#[test]
fn a_spool_is_looked_into_and_delivered_by_hand() {
    let mut stage = Stage::new();
    let log = stage.path("synced");
    stage.kill_server();
    let load = stage.load(&log);
    // Without a server nobody tells the account's partition, and so no id is complete: it is the spool that tells.
    let status = |stage: &Stage| run(stage.spool("status").arg("--json"));
    let records = |stage: &Stage| {
        let said = status(stage);
        if said.code == Some(0) { said.json()["records"].as_u64().expect("a number") } else { 0 }
    };
    wait_for("some records", || records(&stage) > 50);
    assert_eq!(status(&stage).json()["in_use"], true);
    assert!(run(&mut stage.flush()).error(1).contains("used by another process"));
    load.kill();

    let before = status(&stage).json();
    let exported = run(&mut stage.spool("export"));
    stage.start_server();
    let flushed = run(&mut stage.flush());

    assert_eq!(before["in_use"], false);
    assert!(before["oldest_at"].is_string() && before["bytes"].as_u64() > Some(0), "{before}");
    let lines = exported.json_lines();
    assert_eq!(lines.len() as u64, before["records"], "{before}");
    let of_type = |kind: &str| lines.iter().filter(|line| line["item"]["_type"] == kind).count();
    assert_eq!((of_type("agent_instances/register"), of_type("agent_instances/start")), (5, 5));
    let creates = of_type("agent_spans/create");
    assert!(lines.iter().all(|line| line["has_id"] == false));
    assert!(creates > 0 && lines.iter().all(|line| line["at"].is_string()));
    // A span that ended before its create was written has one record for its two calls.
    let whole = lines.iter().filter(|line| line["item"]["details"]["status"] == "complete").count();
    assert!(flushed.output().contains(&format!("delivered={}", lines.len() + whole)), "{flushed:?}");
    assert_eq!(stage.spans().len(), creates);
    let table = run(&mut stage.spool("status"));
    assert!(table.output().contains("operations waiting  0"), "{table:?}");
}

#[test]
fn a_directory_without_a_spool_is_named() {
    let folder = TempDir::new().expect("a folder");
    let missing = folder.path().join("no-spool");
    for action in ["status", "export"] {
        let said = run(prefactor().args(["spool", action]).arg(&missing));
        assert!(said.error(4).contains("no-spool"), "{said:?}");
    }
    assert!(!missing.exists(), "looking makes no directory");
}
