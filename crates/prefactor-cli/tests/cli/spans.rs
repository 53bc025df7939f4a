use std::collections::HashSet;
use std::fmt::Write;

use crate::support::{Api, RUN, SPAN, masked};

#[test]
fn a_span_is_created_and_finished() {
    let api = Api::start();
    api.active_run();
    api.active_span();

    let finished = api.done(&[
        "spans",
        "finish",
        SPAN,
        "--status",
        "failed",
        "--result",
        r#"{"error": "timeout"}"#,
        "--at",
        "2024-05-01T12:00:03.500Z",
    ]);

    insta::assert_snapshot!(masked(&finished), @r#"
    id        01hwv2xc00002byh0000000000000spn
    type      agent:llm
    status    failed
    instance  01hwv2xc00002byh00000000000000rn
    parent    -
    started   2024-05-01 12:00:01
    finished  2024-05-01 12:00:03
    duration  2.5 s
    payload   {"model":"m"}
    result    {"error":"timeout"}
    "#);
    insta::assert_snapshot!(masked(&api.done(&["spans", "list", RUN])), @r"
    ID                                STATUS  STARTED              DURATION  TYPE
    01hwv2xc00002byh0000000000000spn  failed  2024-05-01 12:00:01  2.5 s     agent:llm
    ");
}

#[test]
fn a_span_is_created_finished_below_its_parent() {
    let api = Api::start();
    api.active_run();
    api.active_span();

    let child = api.run_with(
        &[
            "spans",
            "create",
            RUN,
            "agent:tool",
            "--parent",
            SPAN,
            "--status",
            "complete",
            "--payload",
            "-",
            "--result",
            r#"{"hits": 3}"#,
            "--started-at",
            "2024-05-01T12:00:01Z",
            "--finished-at",
            "2024-05-01T14:00:02+02:00",
            "--json",
        ],
        r#"{"query": "sky"}"#,
    );

    let child = child.json();
    assert_eq!(child["parent_span_id"], SPAN);
    assert_eq!(child["payload"]["query"], "sky");
    assert_eq!(child["result_payload"]["hits"], 3);
    assert_eq!(child["status"], "complete");
}

#[test]
fn the_order_to_stop_stands_beside_the_span() {
    let api = Api::start();
    api.active_run();
    api.active_span();
    api.emulator.terminate(RUN, "runs\nin circles").unwrap();

    let said = api.run(&["spans", "finish", SPAN, "--ids"]);

    assert_eq!(said.stdout.trim_end(), SPAN);
    assert_eq!(said.stderr, "note: an operator has ended this run: runs\\nin circles\n");
    assert_eq!(said.code, Some(0));
}

/// More than a page, in two runs of two agents.
fn many_spans(api: &Api) -> usize {
    api.active_run();
    let other = api.done(&["agents", "create", "Other", "--ids"]);
    let run = api.done(&["instances", "register", "--agent", &other, "--version", "v1", "--ids"]);
    let mut items = String::new();
    for number in 0..350 {
        let run = if number % 7 == 0 { &run } else { RUN };
        let fields = format!(
            r#""agent_instance_id": "{run}", "schema_name": "s", "status": "active", "payload": {{}}"#
        );
        let _ = writeln!(items, r#"{{"_type": "agent_spans/create", "details": {{{fields}}}}}"#);
    }
    let sent = api.run_with(&["bulk", "-", "--json"], &items);
    assert_eq!(sent.output().lines().count(), 350);
    350
}

#[test]
fn every_span_of_every_run_is_listed_once() {
    let api = Api::start();
    let number = many_spans(&api);

    let listed = api.run(&["spans", "list", "--all", "--ids"]);

    let ids: Vec<&str> = listed.output().lines().collect();
    assert_eq!(ids.len(), number);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), number);
    let pages = api.emulator.journal().iter().filter(|request| request.path == "/api/v1/agent_spans").count();
    assert_eq!(pages, 3 + 1, "pages of 100");
    assert_eq!(api.run(&["spans", "list", RUN, "--limit", "150", "--json"]).json_lines().len(), 150);
}

#[test]
fn spans_are_listed_by_the_time_of_their_start() {
    let api = Api::start();
    api.active_run();
    api.active_span();
    let listed = |args: &[&str]| api.done(&[&["spans", "list", RUN, "--ids"], args].concat());

    assert_eq!(listed(&["--since", "2024-05-01T12:00:01Z"]), SPAN);
    assert_eq!(listed(&["--since", "2024-05-01T12:00:02Z"]), "");
    assert_eq!(listed(&["--until", "2024-05-01T12:00:02Z"]), SPAN);
    assert_eq!(listed(&["--until", "2024-05-01T12:00:01Z"]), "");
}

#[test]
fn an_empty_list_says_so_to_people_only() {
    let api = Api::start();
    api.active_run();

    let for_people = api.run(&["spans", "list", RUN]);
    let for_programs = api.run(&["spans", "list", RUN, "--json"]);

    assert_eq!((for_people.stdout.as_str(), for_people.stderr.as_str()), ("", "no spans\n"));
    assert_eq!(for_programs.output(), "");
}

#[test]
fn bad_input_is_told_before_anything_is_sent() {
    let api = Api::start();
    for (args, explanation) in [
        (&["list"][..], "required"),
        (&["list", RUN, "--all"], "cannot be used with"),
        (&["list", RUN, "--limit", "0"], "0 is not in 1.."),
        (&["list", RUN, "--since", "yesterday"], "a time is written as"),
        (&["create", RUN, "s", "--payload", "{"], "--payload is not a JSON object: EOF"),
        (&["create", RUN, "s", "--result", "3"], "--result is not a JSON object"),
        (
            &["create", RUN, "s", "--status", "odd"],
            "[possible values: pending, active, complete, failed, cancelled]",
        ),
        (&["finish", "a b"], "\"a b\" is not an id"),
    ] {
        let said = api.run(&[&["spans"], args].concat());
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
    assert!(api.emulator.journal().is_empty());
}

#[test]
fn what_the_api_refuses_is_told() {
    let api = Api::start();
    api.active_run();
    api.active_span();
    api.done(&["spans", "finish", SPAN]);

    assert!(api.run(&["spans", "finish", SPAN]).error(5).contains("invalid_action"));
    assert!(
        api.run(&["spans", "list", RUN, "--token", api.emulator.token()]).error(3).contains("account-wide")
    );
    assert!(api.run(&["spans", "create", SPAN, "s"]).error(4).contains("not_found"));
}
