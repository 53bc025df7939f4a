use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use prefactor::http::{HttpClientConfig, ListSpansQuery, PrefactorClient, RetryPolicy};
use prefactor::{AgentVersion, Instance, Prefactor};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{LIMIT, Server, prefactor, run};

const RUNS: usize = 20;
const SPANS_OF_A_RUN: usize = 400;
const OPERATIONS: u64 = (RUNS * (2 + 2 * SPANS_OF_A_RUN) + RUNS) as u64;

fn serve(address: &str, file: &Path) -> Server {
    Server::start(prefactor().args(["serve", "--listen", address, "--db"]).arg(file))
}

/// What a run's spans say about themselves: one text for each.
fn name(run: usize, span: usize) -> String {
    format!("{run}-{span}")
}

fn work(run: &Instance, number: usize) {
    for span in 0..SPANS_OF_A_RUN {
        let open = run.root_span("agent:step", &json!({ "name": name(number, span) }));
        open.complete(&json!({ "done": true }));
        // A run takes its time, or all of it would be one request.
        if span % 40 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    run.finish();
}

/// All that the API tells of the spans, sorted.
async fn told(server: &Server, runs: &[String]) -> Vec<String> {
    let url = format!("http://{}", server.address);
    let token = prefactor_emulator::DEFAULT_ACCOUNT_TOKEN;
    let config = HttpClientConfig::new(url.parse().expect("a url"), token.parse().expect("a token"));
    let client = PrefactorClient::new(config).expect("a client");
    let (mut names, mut ids) = (Vec::new(), HashSet::new());
    for run in runs {
        let instance = client.agent_instances().get(run).await.expect("the run");
        assert_eq!(instance.status.to_string(), "complete", "{run}");
        for offset in (0..SPANS_OF_A_RUN as u64).step_by(100) {
            let page = ListSpansQuery::new(run.clone()).page_size(100_u64).offset(offset);
            for span in client.agent_spans().list(page).await.expect("spans").summaries {
                assert_eq!(span.status.to_string(), "complete");
                assert!(ids.insert(span.id), "an id stands twice");
                names.push(span.payload["name"].as_str().expect("a name").to_owned());
            }
        }
    }
    names.sort();
    names
}

#[test]
fn what_was_answered_before_a_kill_is_there_once_and_the_pipeline_delivers_the_rest() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("emulator.db");
    let first = serve("127.0.0.1:0", &file);
    let address = first.address.to_string();
    let mut server = Some(first);
    let (delivered, deliveries) = mpsc::channel();
    let retry = RetryPolicy::default().with_initial_delay(Duration::from_millis(20));
    let pipeline = Prefactor::builder()
        .api_url(format!("http://{address}").parse().expect("a url"))
        .api_token(prefactor_emulator::DEFAULT_TOKEN.parse().expect("a token"))
        .retry_policy(retry.with_max_delay(Duration::from_millis(100)))
        .max_batch_items(100)
        .on_delivered(move |event| {
            // Near the end nobody counts any more.
            let _ = delivered.send(event.tally.operations);
        })
        .build()
        .expect("a pipeline");
    let runs: Vec<_> = (0..RUNS)
        .map(|number| pipeline.instance(AgentVersion::new(format!("agent-{number}"), "v1")).start())
        .collect();

    thread::scope(|scope| {
        for (number, run) in runs.iter().enumerate() {
            scope.spawn(move || work(run, number));
        }
        let mut sum = 0;
        for kill_at in [OPERATIONS / 10, OPERATIONS / 3, OPERATIONS * 2 / 3] {
            while sum < kill_at {
                sum += deliveries.recv_timeout(LIMIT).expect("deliveries go on");
            }
            server.take().expect("one").kill();
            server = Some(serve(&address, &file));
        }
    });
    let report = pipeline.shutdown_blocking(LIMIT);

    let ledger = &report.ledger;
    assert!(report.complete, "{ledger}");
    assert_eq!(ledger.delivered.operations, ledger.accepted.operations, "{ledger}");
    assert_eq!(ledger.accepted.operations, OPERATIONS, "{ledger}");

    // Once more, so that what is read comes from the file alone.
    server.take().expect("one").kill();
    let server = serve(&address, &file);
    let ids: Vec<_> = runs.iter().map(|run| run.id().expect("an id").to_string()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut all: Vec<_> =
        (0..RUNS).flat_map(|run| (0..SPANS_OF_A_RUN).map(move |span| name(run, span))).collect();
    all.sort();
    assert!(runtime.block_on(told(&server, &ids)) == all, "not every span is there once");
}

#[test]
fn a_file_that_can_not_be_used_is_named_with_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "mine").expect("a file");

    let said = run(prefactor().args(["serve", "--db"]).arg(&notes));

    let error = said.error(1);
    assert!(error.contains("notes.txt") && error.contains("name another file"), "{error}");
    assert_eq!(std::fs::read(&notes).expect("still there"), b"mine");

    for (wrong, explanation) in [
        (folder.path().to_owned(), "Is a directory"),
        (folder.path().join("missing").join("emulator.db"), "No such file or directory"),
        ("/dev/null".into(), "is not a database of this emulator"),
    ] {
        let said = run(prefactor().args(["serve", "--db"]).arg(&wrong));
        assert!(said.error(1).contains(explanation), "{said:?}");
        assert!(said.stderr.contains("name "), "{said:?}");
    }

    let file = folder.path().join("emulator.db");
    let _server = serve("127.0.0.1:0", &file);
    let said = run(prefactor().args(["serve", "--db"]).arg(&file));
    assert!(said.error(1).contains("another process uses it"), "{said:?}");
}
