use crate::support::{Api, RUN, masked};

#[test]
fn a_run_is_registered_started_judged_and_finished() {
    let api = Api::start();
    api.active_run();
    api.done(&["instances", "quality", RUN, "tone", r#"{"score": 0.8}"#]);

    let finished =
        api.done(&["instances", "finish", RUN, "--status", "failed", "--at", "2024-05-01T12:01:30Z"]);

    insta::assert_snapshot!(masked(&finished), @r#"
    id                   01hwv2xc00002byh00000000000000rn
    status               failed
    agent                <id>----------------------------
    version              <id>----------------------------
    environment          <id>----------------------------
    external identifier  -
    registered           <time>
    started              2024-05-01 12:00:00
    finished             2024-05-01 12:01:30
    duration             1 min 30 s
    spans                0
    quality              tone {"score":0.8}
    "#);
    assert_eq!(api.done(&["instances", "show", RUN]), finished);
    insta::assert_snapshot!(masked(&api.done(&["instances", "list"])), @r"
    ID                                STATUS  STARTED              DURATION    SPANS  FAILED
    01hwv2xc00002byh00000000000000rn  failed  2024-05-01 12:00:00  1 min 30 s  0      0
    ");
}

#[test]
fn a_deployments_token_registers_without_an_agent() {
    let api = Api::start();
    let token = api.emulator.token();

    let id = api.done(&["instances", "register", "--token", token, "--version", "v1", "--ids"]);

    assert_eq!(api.emulator.instance(&id).unwrap().agent_id, api.emulator.agent_id());
}

#[test]
fn schemas_come_as_text_from_a_file_or_from_stdin() {
    let api = Api::start();
    let schemas = r#"{"external_identifier": "1", "span_schemas": {"agent:llm": {"type": "object"}}}"#;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("schemas.json");
    std::fs::write(&file, schemas).unwrap();
    let token = api.emulator.token();

    for source in [schemas, &format!("@{}", file.display()), "-"] {
        let args =
            ["instances", "register", "--token", token, "--version", "v", "--schemas", source, "--ids"];
        let id = api.run_with(&args, schemas).output().trim_end().to_owned();

        let known = api.emulator.instance(id).unwrap().agent_schema_version.unwrap();
        assert_eq!(known["span_schemas"]["agent:llm"]["type"], "object", "{source}");
    }
}

#[test]
fn what_is_so_already_is_done_and_what_is_otherwise_is_refused() {
    let api = Api::start();
    api.active_run();

    let again = api.run(&["instances", "start", RUN, "--json"]).json();
    assert_eq!(again["status"], "active");
    api.done(&["instances", "finish", RUN]);
    api.done(&["instances", "finish", RUN]);
    let otherwise = api.run(&["instances", "finish", RUN, "--status", "failed"]);

    assert!(otherwise.error(5).ends_with("hint: the run is complete\n"));
}

#[test]
fn an_operator_terminates_a_run_and_says_why() {
    let api = Api::start();
    api.active_run();
    let terminate = ["instances", "terminate", RUN, "--reason", "runs in circles", "--json"];

    let by_deployment = api.run(&[&terminate[..], &["--token", api.emulator.token()]].concat());
    assert!(by_deployment.error(3).contains("account-wide token"));
    let terminated = api.run(&terminate).json();

    assert_eq!(terminated["status"], "terminated");
    assert_eq!(terminated["termination_reason"], "runs in circles");
}

#[test]
fn a_judgement_is_cleared() {
    let api = Api::start();
    api.active_run();
    api.done(&["instances", "quality", RUN, "tone", r#"{"score": 0.8}"#]);

    let cleared = api.run(&["instances", "quality", RUN, "tone", "--clear", "--json"]).json();

    assert_eq!(cleared["quality_payloads"].as_object().map(|judgements| judgements.len()), Some(0));
}

#[test]
fn runs_are_listed_over_all_agents_and_by_status() {
    let api = Api::start();
    api.active_run();
    let other = api.done(&["agents", "create", "Other", "--ids"]);
    for _ in 0..3 {
        api.done(&["instances", "register", "--agent", &other, "--version", "v1"]);
    }
    let listed = |args: &[&str]| {
        let args = [&["instances", "list", "--ids"], args].concat();
        api.run(&args).output().lines().count()
    };

    assert_eq!(listed(&[]), 4);
    assert_eq!(listed(&["--agent", &other]), 3);
    assert_eq!(listed(&["--status", "active"]), 1);
    assert_eq!(listed(&["--limit", "2"]), 2);
}

#[test]
fn bad_input_is_told_before_anything_is_sent() {
    let api = Api::start();
    for (args, explanation) in [
        (&["quality", RUN, "tone", "[1]"][..], "the judgement is not a JSON object"),
        (&["quality", RUN, "tone"], "required"),
        (&["quality", RUN, "tone", "{}", "--clear"], "cannot be used with"),
        (&["register", "--schemas", "{\"span_schemas\": 3}"], "--schemas is not an agent_schema_version"),
        (&["register", "--schemas", "@/no/such/file"], "/no/such/file can't be read"),
        (&["register", "--purpose", "fun"], "[possible values: live, smoke_test, eval]"),
        (&["register", "--id", "run"], "a pfid has 32 characters, not 3"),
        (&["register", "--idempotency-key", "short"], "8 to 64 characters"),
        (&["start", "../agent"], "\"../agent\" is not an id"),
        (&["start", RUN, "--at", "noon"], "a time is written as 2024-05-01T12:00:00Z"),
        (&["list", "--status", "odd"], "[possible values: pending, active, complete"),
        (&["register", "--schemas", "[]"], "--schemas is not an agent_schema_version: it is a list"),
        (&["finish", RUN, "--status", "terminated"], "[possible values: complete, failed, cancelled]"),
        (&["terminate", RUN], "--reason"),
    ] {
        let said = api.run(&[&["instances"], args].concat());
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
    assert!(api.emulator.journal().is_empty());
    assert!(api.run(&["instances", "start", RUN]).error(4).contains("not_found"));
}
