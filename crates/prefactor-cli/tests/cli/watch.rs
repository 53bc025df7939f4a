use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::Value;

use crate::support::{Api, LIMIT, RUN, SPAN, lines_of, masked};

/// A running `prefactor watch`; it is killed when the test ends early.
struct Watch {
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    fn start(api: &Api, args: &[&str]) -> Self {
        let args = [&["watch", RUN, "--interval", "0.1"], args].concat();
        let mut child = api.prefactor(&args).stdout(Stdio::piped()).spawn().expect("the command runs");
        let lines = lines_of(child.stdout.take().expect("its output"));
        Self { child, lines }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line in time")
    }

    #[track_caller]
    fn ended(mut self) -> Option<i32> {
        assert!(self.lines.recv_timeout(LIMIT).is_err(), "no more lines");
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_change_is_a_line_until_the_run_ends() {
    let api = Api::start();
    api.active_run();
    let watch = Watch::start(&api, &[]);
    let mut lines = vec![watch.line()];

    api.active_span();
    lines.push(watch.line());
    api.done(&["spans", "finish", SPAN, "--status", "failed", "--at", "2024-05-01T12:00:03Z"]);
    lines.push(watch.line());
    api.done(&["instances", "finish", RUN, "--at", "2024-05-01T12:01:00Z"]);
    lines.push(watch.line());

    assert_eq!(watch.ended(), Some(0));
    insta::assert_snapshot!(masked(&lines.join("\n")), @r"
    2024-05-01 12:00:00 run 01hwv2xc00002byh00000000000000rn active
    2024-05-01 12:00:01 span 01hwv2xc00002byh0000000000000spn agent:llm active
    2024-05-01 12:00:03 span 01hwv2xc00002byh0000000000000spn agent:llm failed 2.0 s
    2024-05-01 12:01:00 run 01hwv2xc00002byh00000000000000rn complete 1 min 0 s
    ");
}

#[test]
fn programs_get_a_document_per_change() {
    let api = Api::start();
    api.active_run();
    let watch = Watch::start(&api, &["--json"]);
    let read = |line: String| serde_json::from_str::<Value>(&line).unwrap();

    let started = read(watch.line());
    api.active_span();
    let span = read(watch.line());
    api.emulator.terminate(RUN, "enough").unwrap();
    let ended = read(watch.line());

    assert_eq!((&started["event"], &started["instance"]["status"]), (&"run".into(), &"active".into()));
    assert_eq!((&span["event"], &span["span"]["payload"]["model"]), (&"span".into(), &"m".into()));
    assert_eq!(ended["instance"]["termination_reason"], "enough");
    assert_eq!(watch.ended(), Some(0));
}

#[test]
fn the_exit_status_tells_how_the_run_ended_if_that_is_asked_for() {
    let api = Api::start();
    api.active_run();
    api.done(&["instances", "finish", RUN, "--status", "failed"]);

    assert_eq!(api.run(&["watch", RUN]).code, Some(0));
    assert_eq!(api.run(&["watch", RUN, "--exit-status"]).code, Some(1));
}

#[test]
fn a_deployments_token_sees_the_run_without_its_spans() {
    let api = Api::start();
    api.active_run();
    api.active_span();
    api.done(&["instances", "finish", RUN, "--at", "2024-05-01T12:01:00Z"]);

    let said = api.run(&["watch", RUN, "--token", api.emulator.token()]);

    insta::assert_snapshot!(masked(said.output()), @r"
    the spans are hidden: they need an account-wide token
    2024-05-01 12:01:00 run 01hwv2xc00002byh00000000000000rn complete 1 min 0 s
    ");
}

#[test]
fn more_spans_than_a_page_are_all_seen() {
    let api = Api::start();
    api.active_run();
    let item = format!(
        r#"{{"_type": "agent_spans/create", "details": {{"agent_instance_id": "{RUN}", "schema_name": "s", "status": "active", "payload": {{}}}}}}"#
    );
    api.run_with(&["bulk", "-", "--json"], &format!("{item}\n").repeat(250)).output();
    api.done(&["instances", "finish", RUN]);

    let said = api.run(&["watch", RUN]);

    assert_eq!(said.output().lines().filter(|line| line.contains(" span ")).count(), 250);
}

#[test]
fn bad_input_is_told() {
    let api = Api::start();

    assert!(api.run(&["watch", RUN]).error(4).contains("not_found"));
    for interval in ["0", "nan", "soon"] {
        assert!(api.run(&["watch", RUN, "--interval", interval]).error(2).contains("0.1 to 3600 seconds"));
    }
}
