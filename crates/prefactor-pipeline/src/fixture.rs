//! Runs and operations with fixed ids and times, for the unit tests of this crate.

use std::sync::Arc;

use prefactor_http::FinishStatus;
use prefactor_pfid::{Partition, Stem};

use crate::clock::Timestamp;
use crate::instance::Run;
use crate::log::LogLevel;
use crate::observer::{Hook, Hooks, Undelivered};
use crate::operation::{Action, CreateSpan, Operation, SpanEnd, SpanFinish, Ticket};
use crate::payload::Encoder;
use crate::payload::Json;
use crate::pipeline::{Pipeline, PipelineConfig};
use crate::testing::Interrupt;

pub(crate) fn partition() -> Partition {
    Partition::new(42).expect("a small number")
}

/// A pipeline without actors: what goes in stays where it was put.
pub(crate) fn pipeline() -> Arc<Pipeline> {
    build(Some(partition()), Hooks::default())
}

/// The same, not knowing the account's partition yet.
pub(crate) fn pipeline_without_partition() -> Arc<Pipeline> {
    build(None, Hooks::default())
}

pub(crate) fn observed_pipeline(hook: impl Fn(&Undelivered) + Send + Sync + 'static) -> Arc<Pipeline> {
    build(Some(partition()), Hooks { undelivered: Hook::new(hook), ..Hooks::default() })
}

fn build(partition: Option<Partition>, hooks: Hooks) -> Arc<Pipeline> {
    Pipeline::new(PipelineConfig {
        encoder: Encoder::default(),
        level: LogLevel::Off,
        budget_of_operations: 1 << 20,
        partition,
        hooks,
        interrupt: Interrupt::default(),
        spool: None,
    })
}

/// The `n`th id; ids sort by their number.
pub(crate) fn stem(n: u32) -> Stem {
    let [a, b, c, d] = n.to_be_bytes();
    Stem::new(1_767_323_045_678, [0, 0, 0, 0, 0, 0, a, b, c, d]).expect("a time of this century")
}

/// The `n`th microsecond of 2026-01-02T03:04:05Z.
pub(crate) fn at(n: u64) -> Timestamp {
    Timestamp::from_micros(1_767_323_045_000_000 + n)
}

/// A run that no operation has reached yet.
pub(crate) fn new_run(pipeline: &Arc<Pipeline>, n: u32) -> Arc<Run> {
    Run::new(Arc::clone(pipeline), stem(n))
}

/// A run whose id is known.
pub(crate) fn run(pipeline: &Arc<Pipeline>, n: u32) -> Arc<Run> {
    let run = new_run(pipeline, n);
    run.registered_as(run.key().with_partition(partition()));
    run
}

/// An accepted and admitted operation.
pub(crate) fn operation(run: &Arc<Run>, action: Action) -> Operation {
    let bytes = action.frame_len() + action.content_len();
    let epoch = run.account().accept(bytes as u64);
    run.pipeline().admission().acquire(bytes as u64);
    Operation::new(Ticket::new(Arc::clone(run), epoch, bytes as u32), action)
}

pub(crate) fn register() -> Action {
    Action::Register { members: Json::from(br#""agent_version":{"name":"a"}"#.as_slice()) }
}

pub(crate) fn start() -> Action {
    Action::Start { at: at(1) }
}

pub(crate) fn create(id: u32, parent: Option<u32>) -> Action {
    Action::CreateSpan(CreateSpan {
        id: stem(id),
        parent: parent.map(stem),
        started_at: at(u64::from(id)),
        members: Json::from(br#""schema_name":"agent:llm","payload":{"n":1}"#.as_slice()),
        end: SpanEnd::Open,
    })
}

pub(crate) fn finish_as(id: u32, status: FinishStatus, result: Option<&str>) -> Action {
    let result = result.map(|json| Json::from(json.as_bytes()));
    let finish = SpanFinish { status, at: at(u64::from(id) + 500), result };
    Action::FinishSpan { id: stem(id), finish }
}

/// A span whose finish has met its create.
pub(crate) fn whole(id: u32, parent: Option<u32>) -> Action {
    let Action::CreateSpan(mut span) = create(id, parent) else { unreachable!("it is a create") };
    let alone = span.end_with(SpanFinish::new(FinishStatus::Complete, at(u64::from(id) + 1)));
    assert!(alone.is_none(), "any create takes in a finish as complete");
    Action::CreateSpan(span)
}

pub(crate) fn finish(id: u32) -> Action {
    finish_as(id, FinishStatus::Complete, Some(r#"{"ok":true}"#))
}

pub(crate) fn cancel(id: u32) -> Action {
    finish_as(id, FinishStatus::Cancelled, None)
}

pub(crate) fn quality(key: u32) -> Action {
    Action::RecordQuality {
        key: stem(key),
        members: Json::from(br#""name":"q","payload":{"s":5}"#.as_slice()),
    }
}

pub(crate) fn finish_instance(status: FinishStatus) -> Action {
    Action::FinishInstance { status, at: at(999) }
}

/// An operation in a word: its kind and its span's number, and `!` where it says how the span ends.
pub(crate) fn word(operation: &Operation) -> String {
    let number = |id: &Stem| {
        let [.., a, b, c, d] = id.random();
        u32::from_be_bytes([a, b, c, d])
    };
    match &operation.action {
        Action::Register { .. } => "register".to_owned(),
        Action::Start { .. } => "start".to_owned(),
        Action::CreateSpan(create) => match &create.end {
            SpanEnd::Open => format!("create {}", number(&create.id)),
            SpanEnd::Cancelled => format!("pending {}", number(&create.id)),
            SpanEnd::Finished(finish) => format!("whole {} {}", number(&create.id), finish.status.as_str()),
        },
        Action::FinishSpan { id, finish } => format!("finish {} {}", number(id), finish.status.as_str()),
        Action::RecordQuality { key, .. } => format!("quality {}", number(key)),
        Action::FinishInstance { status, .. } => format!("end {}", status.as_str()),
    }
}

pub(crate) fn words<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Vec<String> {
    operations.into_iter().map(word).collect()
}
