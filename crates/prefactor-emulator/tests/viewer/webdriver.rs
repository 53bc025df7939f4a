//! The few commands of the W3C's WebDriver protocol that the tests need: JSON over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use crate::account::LIMIT;

/// How the protocol names an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a chromedriver is started that ends at once.
const STARTS: usize = 10;

/// The keys that are no characters, as the protocol writes them.
pub(crate) mod key {
    pub(crate) const ENTER: char = '\u{E007}';
    pub(crate) const ESCAPE: char = '\u{E00C}';
    pub(crate) const LEFT: char = '\u{E012}';
    pub(crate) const UP: char = '\u{E013}';
    pub(crate) const RIGHT: char = '\u{E014}';
    pub(crate) const DOWN: char = '\u{E015}';
}

/// A chromedriver of our own.
pub(crate) struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// Starts one on a port of its choice; nothing where it is not installed.
    ///
    /// It takes a free port of `::1` and gives up when that one is in use on `127.0.0.1`, where the other
    /// tests have theirs. Another start gets another port.
    pub(crate) fn start() -> Option<Self> {
        let mut said = String::new();
        for _ in 0..STARTS {
            let mut driver = Self { process: spawn()?, port: 0 };
            said.clear();
            for line in BufReader::new(driver.process.stdout.take()?).lines().map_while(Result::ok) {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    driver.port = port.trim_end_matches('.').parse().expect("a port");
                    return Some(driver);
                }
                said = said + &line + "\n";
            }
        }
        panic!("chromedriver did not start {STARTS} times; at last it said:\n{said}");
    }
}

fn spawn() -> Option<Child> {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser with one window. Dropping it ends the browser.
pub(crate) struct Session {
    client: reqwest::Client,
    port: u16,
    path: String,
}

impl Session {
    pub(crate) async fn start(driver: &Driver, arguments: &[&str]) -> Self {
        let client = reqwest::Client::builder().timeout(LIMIT).build().expect("a client");
        let mut session = Self { client, port: driver.port, path: String::new() };
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = session.post("/session", body).await;
        session.path = format!("/session/{}", answer["sessionId"].as_str().expect("an id"));
        session
    }

    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    pub(crate) async fn refresh(&self) {
        self.post("/refresh", json!({})).await;
    }

    /// What a script returns.
    pub(crate) async fn execute(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// What a script gives to the function that is its only argument.
    pub(crate) async fn execute_async(&self, script: &str) -> Value {
        self.post("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// Clicks on the element a script returns.
    pub(crate) async fn click(&self, script: &str) {
        let element = self.element(script).await;
        self.post(&format!("{element}/click"), json!({})).await;
    }

    /// Empties the field a script returns and types into it.
    pub(crate) async fn fill(&self, script: &str, text: &str) {
        let element = self.element(script).await;
        self.post(&format!("{element}/click"), json!({})).await;
        self.post(&format!("{element}/clear"), json!({})).await;
        self.post(&format!("{element}/value"), json!({ "text": text })).await;
    }

    /// Presses keys one after another, wherever the focus is.
    pub(crate) async fn press(&self, keys: &[char]) {
        let actions: Vec<_> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        self.post("/actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }))
            .await;
    }

    /// Chromium's own commands, for what no page can ask.
    pub(crate) async fn chromium(&self, command: &str, parameters: Value) {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    /// What the console has got since it was last asked.
    pub(crate) async fn messages(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().expect("a log").iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    async fn element(&self, script: &str) -> String {
        let value = self.execute(script).await;
        format!("/element/{}", value[ELEMENT].as_str().unwrap_or_else(|| panic!("{script} is {value}")))
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}{}{path}", self.port, self.path);
        let answer = self.client.request(Method::POST, url).json(&body).send().await.expect("an answer");
        let mut answer: Value = answer.json().await.expect("JSON");
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path} {body}: {}", value["message"]);
        value
    }
}

/// A driver that is killed leaves its browser behind, so the browser goes first: also in a test that fails, where
/// nothing can be awaited.
impl Drop for Session {
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return };
        let _ = stream.set_read_timeout(Some(LIMIT));
        let request = format!("DELETE {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", self.path);
        let _ = stream.write_all(request.as_bytes());
        // The driver answers when the browser has ended, and keeps the connection.
        let _ = stream.read(&mut [0; 1024]);
    }
}
