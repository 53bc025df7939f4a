//! What is kept in a file, and which files are refused.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use prefactor_emulator::{DatabaseError, Emulator, StartError};
use prefactor_pfid::Partition;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Api, span};

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("emulator.db");
    (folder, file)
}

async fn open(file: &Path) -> Api {
    Api::with(Emulator::builder().agent("second-agent").database(file)).await
}

async fn refusal(file: &Path) -> (DatabaseError, String) {
    let error = Emulator::builder().database(file).start().await.expect_err("a refusal");
    let text = format!("{error}: {}", error.source().expect("a reason"));
    match error {
        StartError::Database { source, .. } => (source, text),
        other => panic!("{other}"),
    }
}

/// Everything a client can see.
async fn all(api: &Api) -> Vec<Value> {
    let mut seen = vec![api.account(Method::GET, "/agent", None).await.body];
    let runs = api.account(Method::GET, "/agent_instance", None).await.body;
    for run in runs["summaries"].as_array().expect("runs") {
        let id = run["id"].as_str().expect("an id");
        seen.push(api.account(Method::GET, &format!("/agent_spans?agent_instance_id={id}"), None).await.body);
    }
    seen.push(runs);
    seen
}

#[tokio::test]
async fn everything_is_as_it_was_after_a_restart() {
    let (_folder, file) = folder();
    let first = open(&file).await;
    let run = first.started().await;
    let parent = first.create_span(&run, json!({ "payload": { "é": [1, 2] } })).await.id();
    first.create_span(&run, json!({ "parent_span_id": parent })).await.details();
    first.finish_span(&parent, json!({ "status": "failed", "result_payload": { "b": 1 } })).await.details();
    let quality = json!({ "name": "score", "payload": { "value": 3 } });
    first.post(&format!("/agent_instance/{run}/record_quality"), quality).await.details();
    let agent = json!({ "details": { "name": "made", "external_identifier": "made" } });
    let agent = first.account(Method::POST, "/agent", Some(agent)).await.id();
    first.account(Method::POST, &format!("/agent/{agent}/retire"), None).await.details();
    first
        .bulk(json!([
            { "_type": "agent_instances/register", "idempotency_key": "bulk-key-1" },
            { "_type": "agent_spans/create", "idempotency_key": "bulk-key-2", "details": span(&run, json!({})) },
            { "_type": "agent_instances/start", "idempotency_key": "bulk-key-3", "agent_instance_id": run },
        ]))
        .await;
    first.emulator.terminate(&run, "enough").expect("an active run");
    let (before, spans) = (all(&first).await, first.emulator.spans(&run));
    first.emulator.shutdown().await;

    let second = open(&file).await;

    assert_eq!(all(&second).await, before);
    assert_eq!(second.emulator.spans(&run), spans);
    assert_eq!(spans.len(), 3);
}

#[tokio::test]
async fn a_retry_after_a_restart_has_no_second_effect() {
    let (_folder, file) = folder();
    let first = open(&file).await;
    let run = first.started().await;
    let create = json!({ "details": span(&run, json!({})), "idempotency_key": "create-key" });
    let register = json!({ "idempotency_key": "register-key" });
    let span_answer = first.post("/agent_spans", create.clone()).await.body;
    let run_answer = first.post("/agent_instance/register", register.clone()).await.body;
    first.emulator.shutdown().await;

    let second = open(&file).await;

    assert_eq!(second.post("/agent_spans", create).await.body, span_answer);
    assert_eq!(second.post("/agent_instance/register", register).await.body, run_answer);
    assert_eq!((second.emulator.span_count(), second.emulator.instances().len()), (1, 2));
}

#[tokio::test]
async fn an_account_goes_on_with_ids_and_numbers_of_its_own() {
    let (_folder, file) = folder();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let api = open(&file).await;
        ids.push(api.register().await);
        api.emulator.shutdown().await;
    }

    let api = open(&file).await;

    let runs = api.emulator.instances();
    assert_eq!(runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>(), ids);
    assert!(runs.is_sorted_by(|a, b| a.registered_sequence < b.registered_sequence));
    assert_eq!(api.emulator.agents().len(), 2, "the agent of the builder is added once");
}

#[tokio::test]
async fn another_partition_than_that_of_the_file_is_refused() {
    let (_folder, file) = folder();
    open(&file).await.emulator.shutdown().await;

    let started = Emulator::builder().database(&file).partition(Partition::MAX).start().await;

    assert!(matches!(started, Err(StartError::OtherPartition { .. })), "{started:?}");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let (_folder, file) = folder();
    for content in [&b"my notes"[..], &[b"SQLite format 3\0".as_slice(), &[0; 4080]].concat()] {
        fs::write(&file, content).unwrap();

        let (error, text) = refusal(&file).await;

        assert!(matches!(error, DatabaseError::Foreign), "{text}");
        assert!(
            text.contains("emulator.db") && text.contains("is not a database of this emulator"),
            "{text}"
        );
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn a_file_of_another_format_is_refused_and_left_as_it_is() {
    let (_folder, file) = folder();
    open(&file).await.emulator.shutdown().await;
    let mut content = fs::read(&file).unwrap();
    content[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&file, &content).unwrap();

    let (error, text) = refusal(&file).await;

    assert!(matches!(error, DatabaseError::OtherFormat { found: 99, .. }), "{text}");
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let (_folder, file) = folder();
    let api = open(&file).await;
    for _ in 0..50 {
        api.post("/agent_instance/register", json!({ "external_identifier": api.key() + &"x".repeat(500) }))
            .await;
    }
    api.emulator.shutdown().await;
    let sound = fs::read(&file).unwrap();
    let position = sound.windows(8).rposition(|bytes| bytes == b"test-key").expect("a body");
    let mut flipped = sound.clone();
    flipped[position] ^= 1;
    let cut = sound[..sound.len() - 16_384].to_vec();
    let mut wiped = sound.clone();
    wiped[16_384..32_768].fill(0);

    for content in [flipped, cut, wiped] {
        fs::write(&file, &content).unwrap();

        let (error, text) = refusal(&file).await;

        assert!(matches!(error, DatabaseError::Damaged { .. }), "{text}");
        assert!(text.contains("restore it from a copy"), "{text}");
        assert!(fs::read(&file).unwrap() == content, "changed: {text}");
    }
    fs::write(&file, &sound).unwrap();
    assert_eq!(open(&file).await.emulator.instances().len(), 50);
}

#[tokio::test]
async fn a_file_is_used_by_one_at_a_time() {
    let (_folder, file) = folder();
    let api = open(&file).await;

    let (error, text) = refusal(&file).await;

    assert!(matches!(error, DatabaseError::InUse), "{text}");
    assert!(text.contains("another process uses it"), "{text}");
    let run = api.register().await;
    api.emulator.shutdown().await;
    assert!(open(&file).await.emulator.instance(&run).is_some());
}

#[tokio::test]
async fn a_path_that_can_not_be_a_file_is_refused() {
    let (folder, file) = folder();

    assert!(matches!(refusal(folder.path()).await.0, DatabaseError::Open(_)));
    assert!(matches!(
        refusal(&file.join("below")).await.0,
        DatabaseError::Failed(_) | DatabaseError::Open(_)
    ));
}

#[tokio::test]
async fn a_file_beside_which_nothing_can_be_written_is_refused_and_left_as_it_is() {
    let (folder, file) = folder();
    open(&file).await.emulator.shutdown().await;
    let content = fs::read(&file).unwrap();
    // Whoever may write in the folder: its name is taken.
    fs::create_dir(folder.path().join("emulator.db-wal")).unwrap();

    let (error, text) = refusal(&file).await;

    assert!(matches!(error, DatabaseError::ReadOnly(_)), "{text}");
    assert!(text.contains("can't be written; name a file in a folder of yours"), "{text}");
    assert_eq!(fs::read(&file).unwrap(), content);
}
