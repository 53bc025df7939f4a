use std::num::NonZeroU32;
use std::time::Duration;

use prefactor::pfid::Partition;
use prefactor::{AgentVersion, Instance, LossReason, Prefactor, Tally, Traffic};

use super::{Batches, End, Room, Settings};
use crate::span;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// More than a span of ours ever holds.
const BYTES_PER_SPAN: usize = 4_096;

/// Spans that a caller makes between two looks whether there is room.
const LOOK_EVERY: u64 = 32;

pub struct Ours {
    prefactor: Prefactor,
    runs: Vec<Instance>,
    room: Room,
}

impl Ours {
    pub fn start(settings: &Settings) -> Self {
        let url = format!("http://{}{}", settings.sink, settings.server.path());
        let mut builder = Prefactor::builder()
            .api_url(url.parse().expect("a url"))
            .api_token("a-token-for-the-sink".parse().expect("a token"))
            .partition(Partition::MAX)
            // What limits the others is the machine, and so it is here.
            .requests_per_second(None::<NonZeroU32>);
        if let Room::Spans(spans) = settings.room {
            builder = builder.memory_budget((spans * BYTES_PER_SPAN) as u64);
        }
        if let Some(Batches { items, lanes }) = settings.batches {
            builder = builder.max_batch_items(items).lanes(lanes);
        }
        let prefactor = builder.build().expect("a pipeline");
        let runs = begin(&prefactor, settings.instances);
        Self { prefactor, runs, room: settings.room }
    }

    pub(super) fn caller(&self, thread: usize, threads: usize) -> Box<dyn FnMut(u64) + '_> {
        let texts = span::Texts::new();
        let mut runs = self.runs.iter().skip(thread % self.runs.len()).step_by(threads).cycle();
        let mut make = move |step| {
            let run = runs.next().expect("at least one run");
            run.span(span::NAME, &texts.call(step)).complete(&texts.answer(step));
        };
        if self.room != Room::Waiting {
            return Box::new(make);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Box::new(move |step| {
            if step % LOOK_EVERY == 0 {
                runtime.block_on(self.prefactor.wait_for_room());
            }
            make(step);
        })
    }

    /// Registers, starts and keeps more runs.
    pub fn begin(&self, instances: usize) -> Vec<Instance> {
        begin(&self.prefactor, instances)
    }

    pub fn flush(&self) {
        assert!(self.prefactor.flush_blocking(PATIENCE).complete, "everything is delivered in time");
    }

    pub(super) fn finish(&self) -> End {
        let ledger = self.prefactor.flush_blocking(PATIENCE).ledger;
        assert_eq!(ledger.rejected_total().operations, 0, "{ledger}");
        assert_eq!(ledger.in_flight(), Tally::default(), "{ledger}");
        let lost = ledger.lost_total();
        assert_eq!(lost, ledger.lost_for(LossReason::QueueFull), "lost for another reason: {ledger}");
        let Traffic { requests, bytes, .. } = self.prefactor.traffic();
        // A span that found no room is two operations, and a result that found none is one.
        End { lost: lost.operations.div_ceil(2), traffic: Some((requests, bytes)) }
    }
}

fn begin(prefactor: &Prefactor, instances: usize) -> Vec<Instance> {
    (0..instances).map(|_| prefactor.instance(AgentVersion::new("peers", "v1")).start()).collect()
}
