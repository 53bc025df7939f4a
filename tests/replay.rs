use std::path::{Path, PathBuf};

use prefactor::AgentVersion;
use prefactor_emulator::SpanStatus;
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered};

#[path = "../examples/replay_agent_run.rs"]
#[expect(dead_code, reason = "the example's own entrance")]
mod example;

use example::{Step, Trajectory, read, replay};

/// Replays a run and asserts that the API shows each text as it was, through the example that users copy from.
fn assert_arrives_word_for_word(recorded: &Trajectory) {
    let server = Server::start();
    let prefactor = server
        .pipeline()
        .max_input_length(usize::MAX)
        .max_output_length(usize::MAX)
        .build()
        .expect("a pipeline");

    let run = prefactor.instance(AgentVersion::new("swe-agent", "recorded")).start();
    let count = replay(&run, recorded);
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let spans = server.spans(run.id().expect("a registered run"));
    assert_eq!(spans.len() as u64, count);
    for (index, step) in recorded.trajectory.iter().enumerate() {
        let llm =
            spans.iter().find(|span| span.payload == json!({ "step": index })).expect("the step's span");
        let tool = spans.iter().find(|span| span.parent_span_id == Some(llm.id)).expect("the tool's span");
        assert_eq!((llm.schema_name.as_str(), llm.status), ("agent:llm", SpanStatus::Complete));
        assert_eq!(llm.result_payload, Some(json!({ "thought": step.thought, "response": step.response })));
        assert_eq!((tool.schema_name.as_str(), tool.status), ("agent:tool", SpanStatus::Complete));
        assert_eq!(tool.payload, json!({ "action": step.action }));
        assert_eq!(tool.result_payload, Some(json!({ "observation": step.observation })));
    }
}

#[test]
fn any_text_arrives_as_it_was() {
    let every_character: String = ('\0'..='\u{FFFF}').collect();
    let beyond: String = ["🦀", "𝒳", "\u{10FFFF}", "👩\u{200D}🚀", "e\u{301}", "\u{202E}rtl"].concat();
    let texts =
        [every_character, beyond, String::new(), "\\\"\n\r\t\u{8}\u{c}".to_owned(), "long ".repeat(10_000)];
    let step = |text: &String| Step {
        thought: text.clone(),
        response: text.clone(),
        action: text.clone(),
        observation: text.clone(),
    };

    assert_arrives_word_for_word(&Trajectory { trajectory: texts.iter().map(step).collect() });
}

#[test]
fn recorded_agent_runs_arrive_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/agent-runs");
    let Ok(entries) = folder.read_dir() else {
        println!("skipped: no recorded runs in {}", folder.display());
        return;
    };
    let files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    assert!(!files.is_empty());

    for file in files {
        assert_arrives_word_for_word(&read(&file).expect("a recorded run"));
    }
}
