use std::net::TcpListener;
use std::path::Path;

use prefactor_emulator::{Faults, ServerError};
use serde_json::{Value, json};

use crate::support::{Api, Said, prefactor, run};

fn load_at(url: &str, token: &str, args: &[&str]) -> Said {
    run(prefactor().args(["load", "--url", url, "--token", token]).args(args))
}

fn load(api: &Api, args: &[&str]) -> Said {
    load_at(api.emulator.url(), api.emulator.token(), args)
}

/// A fault of the bulk requests alone: the look before the load succeeds.
fn refusing(status: u16) -> Api {
    Api::with_faults(Faults::new().server_error(ServerError::new().status(status).path("/bulk")))
}

/// A file of arrival times in a folder of its own.
fn arrivals(text: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("arrivals.csv");
    std::fs::write(&file, text).expect("a file");
    let name = file.to_str().expect("a name").to_owned();
    (folder, name)
}

#[test]
fn all_is_delivered_and_one_object_says_how() {
    let api = Api::start();

    let said = load(&api, &["--spans", "2000", "--instances", "7", "--threads", "3", "--json"]).json();

    let operations = 2 * 2_000 + 3 * 7;
    assert_eq!((&said["accepted"], &said["delivered"]), (&operations.into(), &operations.into()));
    assert_eq!(said["spans"], 2_000);
    for none in ["rejected", "lost", "in_flight"] {
        assert_eq!(said[none], 0, "{none}");
    }
    assert_eq!(
        (said["lost_by_reason"].to_string(), said["rejected_by_reason"].to_string()),
        ("{}".into(), "{}".into())
    );
    let number = |pointer: &str| said.pointer(pointer).and_then(Value::as_f64).expect(pointer);
    for some in ["/seconds", "/spans_per_s", "/finish_to_delivered_ms/p50", "/requests", "/bytes"] {
        assert!(number(some) > 0.0, "{some}: {said}");
    }
    assert_eq!(number("/retries"), 0.0);
    let callers = ["p50", "p99", "p999", "max"].map(|quantile| number(&format!("/caller_ns/{quantile}")));
    assert!(callers[0] > 0.0 && callers.is_sorted(), "{said}");
    assert!(number("/finish_to_delivered_ms/p50") <= number("/finish_to_delivered_ms/p99"));
    if cfg!(target_os = "linux") {
        assert!(number("/peak_rss_bytes") > 1e6 && number("/cpu_seconds") >= 0.0, "{said}");
    }
    let runs = api.emulator.instances();
    assert_eq!((runs.len(), api.emulator.span_count()), (7, 2_000));
    assert!(runs.iter().all(|run| run.status.to_string() == "complete"));
}

#[test]
fn people_get_a_table() {
    let api = Api::start();

    let said = load(&api, &["--spans", "10", "--instances", "1"]);

    let words: Vec<Vec<&str>> = said.output().lines().map(|line| line.split_whitespace().collect()).collect();
    for line in
        [&["spans", "10"][..], &["operations", "accepted", "23"], &["delivered", "23"], &["lost", "0"]]
    {
        assert!(words.iter().any(|words| words == line), "{line:?}: {said:?}");
    }
}

#[test]
fn spans_arrive_as_recorded_sped_up() {
    let api = Api::start();
    let times: String = (0..50).map(|number| format!("{},x\n", 7_000 + number * 200)).collect();
    let (_folder, file) = arrivals(format!("timestamp_ms,what\n{times}"));

    let said = load(&api, &["--arrivals", &file, "--speed", "100", "--instances", "3", "--json"]).json();

    assert_eq!((said["spans"].as_u64(), api.emulator.span_count()), (Some(50), 50));
    assert!(said["seconds"].as_f64() >= Some(0.098), "{said}");
}

/// A recorded run whose steps hold these texts, each everywhere.
fn recorded(texts: &[&str]) -> String {
    let step = |text: &&str| json!({ "thought": text, "response": text, "action": text, "observation": text, "state": 1 });
    json!({ "trajectory": texts.iter().map(step).collect::<Vec<_>>(), "info": {} }).to_string()
}

#[test]
fn payloads_come_from_recorded_runs_in_turns() {
    let api = Api::start();
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("b.traj", &recorded(&["third"]));
    write("a.traj", &recorded(&["first", "se\"cond\n"]));
    write("notes.txt", "no run");
    let name = folder.path().to_str().expect("a name");

    let one_thread = ["--payloads", name, "--instances", "1", "--threads", "1", "--json"];
    let said = load(&api, &[&one_thread[..], &["--spans", "7"]].concat()).json();
    let from_a_file = load(&api, &["--payloads", &format!("{name}/b.traj"), "--spans", "2", "--json"]).json();

    assert_eq!((said["spans"].as_u64(), said["accepted"].as_u64()), (Some(8), Some(2 * 8 + 3)));
    assert_eq!(from_a_file["spans"], 2);
    let run = &api.emulator.instances()[0];
    let spans = api.emulator.spans(run.id);
    assert_eq!(spans.len(), 8);
    for (number, text) in ["first", "se\"cond\n", "third", "first"].into_iter().enumerate() {
        let llm = spans.iter().find(|span| span.payload == json!({ "step": number })).expect("a call");
        let tool = spans.iter().find(|span| span.parent_span_id == Some(llm.id)).expect("its tool");
        assert_eq!(llm.result_payload, Some(json!({ "thought": text, "response": text })));
        assert_eq!(
            (&tool.payload, &tool.result_payload),
            (&json!({ "action": text }), &Some(json!({ "observation": text })))
        );
    }
}

#[test]
fn recorded_payloads_arrive_at_recorded_times() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.exists() {
        println!("skipped: no recordings in {}", data.display());
        return;
    }
    let api = Api::start();
    let name = |file: &str| data.join(file).to_str().expect("a name").to_owned();
    let (times, runs) = (name("llm-arrivals.csv"), name("agent-runs"));

    let args =
        ["--arrivals", &times, "--payloads", &runs, "--speed", "5000", "--duration", "200ms", "--json"];
    let said = load(&api, &args).json();

    // As many arrivals as were recorded in the first 1,000 seconds, unless callers are too slow.
    let text = std::fs::read_to_string(&times).expect("arrival times");
    let time = |line: &str| line.split(',').next().and_then(|time| time.parse::<f64>().ok());
    let due = text.lines().filter_map(time).filter(|time| *time < 1_000_000.0).count() as u64;
    let spans = said["spans"].as_u64().expect("a number");
    assert!(0 < spans && spans <= 2 * due, "{said}");
    assert_eq!(said["delivered"], said["accepted"]);
    assert_eq!(api.emulator.span_count() as u64, spans);
}

#[test]
fn payloads_that_can_not_be_read_are_told_with_their_file() {
    let api = Api::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.traj");
    let (file, folder) = (file.to_str().expect("a name"), folder.path().to_str().expect("a name"));
    let step_without_action = r#"{"trajectory":[{"thought":"","response":"","observation":""}]}"#;

    let empty_folder = load(&api, &["--payloads", folder]);
    for (text, explanation) in [
        (&b"no json"[..], "line 1 column 2"),
        (b"{}", "missing field `trajectory`"),
        (step_without_action.as_bytes(), "missing field `action`"),
        (b"{\"trajectory\":[]}", "there are no steps"),
        (b"{\"trajectory\":[\xff]}", "line 1 column 16"),
        (b"", "EOF"),
    ] {
        std::fs::write(file, text).expect("a file");
        for from in [file, folder] {
            let said = load(&api, &["--payloads", from]);
            let error = said.error(2);
            assert!(error.contains(explanation) && error.contains(folder), "{said:?}");
        }
    }

    assert!(empty_folder.error(2).contains("*.traj"), "{empty_folder:?}");
    assert!(load(&api, &["--payloads", "/no/such"]).error(2).contains("from /no/such: No such file"));
    assert_eq!(api.emulator.span_count(), 0);
}

/// Two arrivals, and more than the budget holds at once: in three seconds they come at twice the speed only.
fn a_search(api: &Api, more: &[&str]) -> Said {
    let (_folder, file) = arrivals(format!("0\n1000\n{}", "3500\n".repeat(500)));
    let args = ["--arrivals", &file, "--until-saturated", "--memory-budget", "20000", "--duration", "3s"];
    let args = [&args[..], &["--instances", "1", "--threads", "1"], more].concat();
    load(api, &args)
}

#[test]
fn the_speed_rises_until_it_is_too_much() {
    let api = Api::start();

    let said = a_search(&api, &["--json"]);

    let lines = said.json_lines();
    let [first, second, result] = lines.as_slice() else { panic!("{said:?}") };
    assert_eq!((first["speed"].as_f64(), &first["too_much"]), (Some(1.0), &Value::Null));
    assert_eq!((first["spans"].as_u64(), first["delivered"].as_u64()), (Some(2), Some(2 * 2 + 3)));
    assert_eq!(second["speed"].as_f64(), Some(2.0));
    assert!(second["too_much"].as_str().is_some_and(|why| why.ends_with("operations were lost")), "{said:?}");
    assert_eq!(result["last_speed_that_held"].as_f64(), Some(1.0));
}

#[test]
fn people_get_a_line_for_each_speed() {
    let api = Api::start();

    let said = a_search(&api, &[]);

    let lines: Vec<_> = said.output().lines().collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    let speeds = ["speed", "1", "2"];
    assert!(lines.iter().zip(speeds).all(|(line, speed)| line.split_whitespace().next() == Some(speed)));
    assert!(lines[3].starts_with("the last speed that held: 1, "), "{said:?}");
}

#[test]
fn a_first_speed_that_is_too_much_is_an_error() {
    let api = refusing(500);

    let said = a_search(&api, &["--drain", "300ms", "--json"]);

    assert_eq!((said.code, said.json_lines().len()), (Some(1), 1), "{said:?}");
    assert!(said.stderr.contains("already the first speed was too much"), "{said:?}");
}

#[test]
fn a_search_ends_when_the_api_rejects_what_it_gets() {
    let api = refusing(400);

    let said = a_search(&api, &["--json"]);

    assert_eq!((said.code, said.json_lines().len()), (Some(1), 0), "{said:?}");
    assert!(said.stderr.contains("were rejected"), "{said:?}");
}

#[test]
fn a_rate_is_not_exceeded() {
    let api = Api::start();

    let said = load(&api, &["--rate", "1000", "--spans", "101", "--json"]).json();

    assert_eq!(said["spans"], 101);
    assert!(said["seconds"].as_f64() >= Some(0.1), "{said}");
}

#[test]
fn a_duration_ends_what_has_no_other_end() {
    let api = Api::start();
    let (_folder, file) = arrivals("0\n1\n3600000\n");

    let steady = load(&api, &["--rate", "500", "--duration", "200ms", "--json"]).json();
    let recorded = load(&api, &["--arrivals", &file, "--duration", "100ms", "--json"]).json();

    assert!((1..=100).contains(&steady["spans"].as_u64().expect("a number")), "{steady}");
    assert_eq!(steady["delivered"], steady["accepted"]);
    assert_eq!(recorded["spans"], 2);
}

#[test]
fn what_is_lost_fails_unless_it_may_be() {
    let api = refusing(500);
    let args = ["--spans", "10", "--instances", "1", "--drain", "300ms", "--json"];

    let failed = load(&api, &args);
    let allowed = load(&api, &[&args[..], &["--allow-loss"]].concat());

    assert_eq!(failed.code, Some(1), "{failed:?}");
    let said = &failed.json_lines()[0];
    assert_eq!((said["accepted"].as_u64(), said["delivered"].as_u64()), (Some(23), Some(0)));
    assert!(failed.stderr.starts_with("error: 23 operations were lost"), "{failed:?}");
    assert_eq!(allowed.json()["lost"], 23);
}

#[test]
fn what_is_rejected_fails_even_when_losses_may_be() {
    let api = refusing(400);

    let said = load(&api, &["--spans", "10", "--instances", "1", "--allow-loss", "--json"]);

    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("were rejected"), "{said:?}");
}

#[test]
fn where_nothing_would_be_taken_nothing_is_sent() {
    let api = Api::start();
    let unused = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");

    let wrong_token = load_at(api.emulator.url(), "secret-one", &["--spans", "10"]);
    let wrong_path =
        load_at(&format!("{}/nothing", api.emulator.url()), api.emulator.token(), &["--spans", "10"]);
    let nobody = load_at(&format!("http://{unused}"), "t", &["--spans", "10"]);

    assert!(wrong_token.error(3).contains("check the token"), "{wrong_token:?}");
    assert!(!wrong_token.stderr.contains("secret-one"));
    assert!(wrong_path.error(4).contains("There is nothing at"), "{wrong_path:?}");
    assert!(nobody.error(6).contains("check the address"), "{nobody:?}");
    assert!(api.emulator.journal().iter().all(|request| request.path.ends_with("/ping")));
}

#[test]
fn arrivals_that_can_not_be_read_are_told_with_their_line() {
    let api = Api::start();
    for (text, explanation) in [
        (&b"t\n1\nsoon\n"[..], "line 3 of "),
        (b"2\n1\n", "line 2 of "),
        (b"0\n1e300\n", "line 2 of "),
        (b"\xff\n", "UTF-8"),
        (b"", "line 1 of "),
    ] {
        let (_folder, file) = arrivals(text);
        let said = load(&api, &["--arrivals", &file]);
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
    assert!(
        load(&api, &["--arrivals", "/no/such/file"])
            .error(2)
            .contains("can't read the arrival times in /no/such/file")
    );
    assert_eq!(api.emulator.span_count(), 0);
}

#[test]
fn wrong_arguments_are_explained() {
    let api = Api::start();
    for (args, explanation) in [
        (&["--threads", "0"][..], "1..=1000"),
        (&["--threads", "1000000"], "1..=1000"),
        (&["--instances", "0"], "1..=1000000"),
        (&["--payload-bytes", "99999999999999"], "100000000"),
        (&["--rate", "0"], "a number of spans per second above 0"),
        (&["--duration", "5"], "a number with a unit"),
        (&["--speed", "2"], "--arrivals"),
        (&["--arrivals", "x", "--spans", "3"], "cannot be used with"),
        (&["--payloads", "x", "--payload-bytes", "3"], "cannot be used with"),
        (&["--until-saturated"], "--arrivals"),
        (&["--until-saturated", "--arrivals", "x", "--spool", "y"], "cannot be used with"),
        (&["--spans", "-3"], "unexpected argument"),
    ] {
        let said = load(&api, args);
        assert!(said.error(2).contains(explanation), "{said:?}");
    }
}
