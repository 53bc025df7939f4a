//! The work on a batch, step by step and without actors, for the benchmarks and the fuzzer. No part of the API.

use std::sync::Arc;

use bytes::Bytes;
use prefactor_http::{FinishStatus, RawResponse, StatusCodes};
use prefactor_pfid::{Partition, thread_stem};
use serde::Serialize;
use tokio::time::{Duration, Instant};

use crate::batcher::{Backlog, Completed, Limits};
use crate::clock::Timestamp;
use crate::instance::Run;
use crate::log::LogLevel;
use crate::observer::Hooks;
use crate::operation::{Action, CreateSpan, Operation, SpanEnd, SpanFinish, Ticket};
use crate::payload::{Encoder, Json};
use crate::pipeline::{Pipeline, PipelineConfig};
use crate::segments::Segments;
use crate::testing::Interrupt;
use crate::wire;

pub use crate::sender::{ItemOutcome, Outcome, Signal, judge};
pub use crate::wire::Key;

/// A run whose id is known, and the queue of what waits for it.
#[derive(Debug)]
pub struct Workbench {
    run: Arc<Run>,
    backlog: Backlog,
}

/// Operations as callers make them: a create and a finish for each span.
#[derive(Debug)]
pub struct Calls(Segments<Operation>);

/// Operations as they are sent: an item for each span.
#[derive(Debug)]
pub struct Items(Vec<Operation>);

impl Default for Workbench {
    fn default() -> Self {
        let pipeline = Pipeline::new(PipelineConfig {
            encoder: Encoder::default(),
            level: LogLevel::Off,
            budget_of_operations: u64::MAX,
            partition: Some(Partition::MAX),
            hooks: Hooks::default(),
            interrupt: Interrupt::default(),
            spool: None,
        });
        let run = Run::new(pipeline, thread_stem(Timestamp::now().as_millis()));
        run.registered_as(run.key().with_partition(Partition::MAX));
        let limits = Limits { items: usize::MAX, bytes: usize::MAX, linger: Duration::ZERO };
        Self { run, backlog: Backlog::new(limits) }
    }
}

impl Workbench {
    /// The calls for so many spans, encoded.
    pub fn calls<P: Serialize, R: Serialize>(&self, spans: usize, payload: &P, result: &R) -> Calls {
        let pair = |_| {
            let at = Timestamp::now();
            let id = thread_stem(at.as_millis());
            let encoder = self.run.pipeline().encoder();
            let part = encoder.payload("agent:llm", payload);
            let members = Json::from(&*part.json).marked(part.sensitive);
            let create = CreateSpan { id, parent: None, started_at: at, members, end: SpanEnd::Open };
            let result = encoder.result(result).map(|part| Json::from(&*part.json));
            let finish = SpanFinish { result, ..SpanFinish::new(FinishStatus::Complete, at) };
            [Action::CreateSpan(create), Action::FinishSpan { id, finish }].map(|action| self.accept(action))
        };
        Calls((0..spans).flat_map(pair).collect())
    }

    fn accept(&self, action: Action) -> Operation {
        let bytes = (action.frame_len() + action.content_len()) as u64;
        let epoch = self.run.account().accept(bytes);
        self.run.pipeline().admission().acquire(bytes);
        Operation::new(Ticket::new(Arc::clone(&self.run), epoch, bytes as u32), action)
    }

    /// Merges creates and finishes where they wait.
    pub fn coalesce(&mut self, Calls(calls): Calls) {
        self.backlog.add(calls, Instant::now());
    }

    /// A batch of all that waits.
    pub fn close(&mut self) -> Items {
        let cut = self.backlog.cut(usize::MAX);
        self.backlog.complete(Completed { runs: cut.runs, ..Completed::default() }, Instant::now());
        Items(cut.operations)
    }
}

impl Items {
    /// The body of the request.
    pub fn write(&self) -> Bytes {
        wire::body(&self.0)
    }

    /// Reads an answer; tells whether it speaks of the items.
    pub fn read(&self, answer: &RawResponse) -> bool {
        let keys: Vec<_> = self.0.iter().map(|operation| (wire::key(operation), 0)).collect();
        matches!(judge(&keys, answer, &StatusCodes::default()), Outcome::Processed { .. })
    }
}
