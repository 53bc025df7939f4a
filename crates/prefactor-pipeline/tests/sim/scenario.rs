//! What is drawn for a seed before it begins: the configuration, the server's dialect, and how much goes wrong.

use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use prefactor_http::{RetryPolicy, StatusCodes};
use prefactor_pipeline::Builder;

use crate::faults::Weather;
use crate::server::{Dialect, partition};

/// How a run of the simulator ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server recovers, everything is flushed, and the pipeline is shut down.
    Recovery,
    /// The pipeline is shut down in the middle of everything.
    Shutdown,
    /// All handles are dropped.
    Drop,
    /// The runtime goes away.
    RuntimeGone,
}

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) steps: usize,
    pub(crate) most_runs: usize,
    pub(crate) ending: Ending,
    pub(crate) dialect: Dialect,
    pub(crate) weather: Weather,
    pub(crate) memory_budget: u64,
    pub(crate) batch_items: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) lanes: usize,
    pub(crate) probe_interval: Duration,
    pub(crate) drop_timeout: Duration,
    /// How often an actor panics at a message, of a thousand.
    pub(crate) panics: u32,
    knows_partition: bool,
    linger: Duration,
    requests_per_second: Option<NonZeroU32>,
    items_per_second: Option<NonZeroU32>,
    pub(crate) first_wait: Duration,
    /// Whether a request that is answered with 503 is tried again.
    pub(crate) retries_503: bool,
}

/// The longest filling of a payload.
pub(crate) const LONGEST_FILLING: usize = 6_000;

impl Scenario {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let ending = match rng.u32(0..10) {
            0..6 => Ending::Recovery,
            6..8 => Ending::Shutdown,
            8 => Ending::Drop,
            _ => Ending::RuntimeGone,
        };
        Self {
            steps: rng.usize(5..60),
            most_runs: rng.usize(1..8),
            ending,
            dialect: Dialect {
                cancels_pending_only: rng.bool(),
                goes_on: rng.u32(0..3) == 0,
                assigns_instance_ids: rng.u32(0..6) == 0,
                assigns_span_ids: rng.u32(0..6) == 0,
            },
            weather: Weather::draw(rng),
            memory_budget: pick(rng, &[64 << 20, 300_000, 60_000, 20_000, 8_000]),
            batch_items: pick(rng, &[500, 500, 20, 7, 2, 1]),
            batch_bytes: pick(rng, &[900 * 1024, 900 * 1024, 10_000, 2_000]),
            lanes: pick(rng, &[4, 4, 2, 1]),
            probe_interval: pick(rng, &[Duration::from_secs(30), Duration::from_secs(1)]),
            drop_timeout: pick(rng, &[Duration::from_secs(5), Duration::from_secs(600)]),
            panics: pick(rng, &[0, 0, 0, 10, 50, 200]),
            knows_partition: rng.u32(0..5) > 0,
            linger: pick(rng, &[0, 20, 100, 100, 5_000].map(Duration::from_millis)),
            requests_per_second: NonZeroU32::new(pick(rng, &[0, 200, 200, 10])),
            items_per_second: NonZeroU32::new(pick(rng, &[0, 0, 0, 50])),
            first_wait: pick(rng, &[Duration::from_secs(1), Duration::from_millis(50)]),
            retries_503: rng.u32(0..8) > 0,
        }
    }

    pub(crate) fn configure(&self, builder: Builder) -> Builder {
        let builder = builder
            .memory_budget(self.memory_budget)
            .max_batch_items(self.batch_items)
            .max_batch_bytes(self.batch_bytes)
            .lanes(self.lanes)
            .linger(self.linger)
            .requests_per_second(self.requests_per_second)
            .items_per_second(self.items_per_second)
            .probe_interval(self.probe_interval)
            .drop_timeout(self.drop_timeout)
            .retry_policy(RetryPolicy::default().with_initial_delay(self.first_wait));
        let builder = if self.retries_503 {
            builder
        } else {
            builder.retry_on_status_codes(StatusCodes::TRANSIENT.iter().filter(|code| *code != 503).collect())
        };
        if self.knows_partition { builder.partition(partition()) } else { builder }
    }

    /// Bytes that a request may have, as the builder works it out.
    pub(crate) fn request_bytes(&self) -> u64 {
        (self.batch_bytes as u64).min(self.memory_budget / 2 / self.lanes as u64).max(1)
    }

    /// Bytes that operations may hold.
    pub(crate) fn operations_budget(&self) -> u64 {
        self.memory_budget - self.request_bytes() * self.lanes as u64
    }
}

pub(crate) fn pick<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}
