use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;

use crate::support::{Api, RUN, prefactor, run};

#[test]
fn a_reader_that_has_enough_ends_the_command_quietly() {
    let mut command = prefactor();
    let mut child = command
        .args(["pfid", "new", "-n", "100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("its output"));
    stdout.read_line(&mut line).expect("a line");

    drop(stdout);

    let ended = child.wait_with_output().expect("its end");
    assert_eq!(line.trim_end().len(), 32);
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn no_colours_leave_a_terminal() {
    let api = Api::start();
    api.active_run();

    assert!(!api.run(&["instances", "list"]).output().contains('\x1b'));
    assert!(!api.run(&["instances", "show", RUN]).output().contains('\x1b'));
}

#[test]
fn texts_of_others_have_no_control_characters() {
    let api = Api::start();
    let evil = "\u{1b}[2J\u{9b}31m\r\nerror: \u{202e}all is lost";
    let id = api.done(&["agents", "create", evil, "--ids"]);

    for args in [
        &["agents", "show", &id][..],
        &["agents", "list"],
        &["agents", "list", "--json"],
        &["agents", "show", &id, "--json"],
    ] {
        let said = api.run(args);
        let harmful =
            |character: char| (character.is_control() && character != '\n') || character == '\u{202e}';
        assert!(!said.output().contains(harmful), "{said:?}");
        assert!(!said.output().lines().any(|line| line.starts_with("error")), "{said:?}");
    }
    assert_eq!(api.run(&["agents", "show", &id, "--json"]).json()["name"], evil);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();

    let ended = prefactor().args(["pfid", "new"]).stdout(full).output().unwrap();

    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).starts_with("error: the output can't be written: "));
}

#[test]
fn json_and_ids_exclude_each_other() {
    let said = run(prefactor().args(["agents", "list", "--json", "--ids"]));

    assert!(said.error(2).contains("cannot be used with"));
}

/// The address of an API that gives this one answer, to whatever it is asked.
fn answering(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 10_000]);
        let length = body.len();
        let _ =
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    });
    format!("http://{address}")
}

#[test]
fn programs_get_fields_that_are_newer_than_we_are() {
    let agent = r#"{
        "type": "agent", "id": "a1", "name": "A", "status": "active", "mood": {"today": "sunny"},
        "available_actions": {"update": true, "retire": true, "reinstate": false, "delete": false, "sing": true}
    }"#;
    let show = answering(format!(r#"{{"status": "success", "details": {agent}}}"#));
    let list = answering(format!(r#"{{"status": "success", "summaries": [{agent}, {agent}]}}"#));
    let asked = |url: &str, args: &[&str]| {
        run(prefactor().args(["agents"]).args(args).args(["--json", "--token", "t", "--url", url]))
    };

    let shown = asked(&show, &["show", "a1"]).json();
    let listed = asked(&list, &["list"]);

    let agent: serde_json::Value = serde_json::from_str(agent).expect("json");
    assert_eq!(shown, agent);
    assert_eq!(listed.output().lines().count(), 2, "a line for each: {listed:?}");
    assert_eq!(listed.json_lines(), [agent.clone(), agent]);
}
