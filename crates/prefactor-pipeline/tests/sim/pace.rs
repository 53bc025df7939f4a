//! How fast the pipeline goes before an API that allows only so much: scenarios with the ranges that it keeps to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prefactor_http::{RawResponse, TransportError};
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{AgentVersion, Instance, LogLevel, Prefactor};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::bulk;
use crate::server::partition;

const SECOND: Duration = Duration::from_secs(1);

/// Operations that wait at any time: there is always more to send than may be.
const BACKLOG: u64 = 2_000;

/// Runs that they belong to.
const RUNS: usize = 100;

/// What the API does at the moment.
#[derive(Clone, Copy, Debug)]
struct Mood {
    /// Requests, or items, that it allows per second.
    requests: f64,
    items: f64,
    /// Seconds whose worth may be used at once.
    burst: f64,
    /// What a 429 says.
    retry_after: Option<Duration>,
    /// Of a hundred requests, so many are refused whatever their rate.
    refuses: u32,
    latency: Duration,
}

const GENEROUS: Mood = Mood {
    requests: f64::INFINITY,
    items: f64::INFINITY,
    burst: 1.0,
    retry_after: None,
    refuses: 0,
    latency: Duration::from_millis(20),
};

/// What came in during one second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    accepted: u32,
    refused: u32,
    items: usize,
}

struct State {
    mood: Mood,
    rng: Rng,
    start: Instant,
    last: Instant,
    /// What may be used now: requests and items.
    tokens: [f64; 2],
    seconds: Vec<Second>,
}

impl State {
    fn refill(&mut self) {
        let (passed, now) = (self.last.elapsed().as_secs_f64(), Instant::now());
        self.last = now;
        for (tokens, rate) in self.tokens.iter_mut().zip([self.mood.requests, self.mood.items]) {
            *tokens = (*tokens + passed * rate).min((rate * self.mood.burst).max(1.0));
        }
    }

    /// Whether a request with so many items is accepted.
    fn admits(&mut self, items: usize) -> bool {
        self.refill();
        let wanted = [1.0, items as f64];
        let admitted = self.tokens.iter().zip(wanted).all(|(tokens, wanted)| *tokens >= wanted)
            && self.rng.u32(..100) >= self.mood.refuses;
        if admitted {
            self.tokens.iter_mut().zip(wanted).for_each(|(tokens, wanted)| *tokens -= wanted);
        }
        let second = self.start.elapsed().as_secs() as usize;
        self.seconds.resize_with(self.seconds.len().max(second + 1), Second::default);
        let second = &mut self.seconds[second];
        second.accepted += u32::from(admitted);
        second.refused += u32::from(!admitted);
        second.items += if admitted { items } else { 0 };
        admitted
    }
}

#[derive(Clone)]
struct Api(Arc<Mutex<State>>);

impl Api {
    fn new(mood: Mood) -> Self {
        let now = Instant::now();
        let (rng, seconds) = (Rng::with_seed(7), Vec::new());
        let mut state = State { mood, rng, start: now, last: now, tokens: [f64::MAX; 2], seconds };
        state.refill();
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn becomes(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    async fn serve(self, body: Bytes) -> Result<RawResponse, TransportError> {
        let items = bulk::items(&body).expect("a request");
        let Mood { latency, retry_after, .. } = self.lock().mood;
        sleep(latency / 2).await;
        let admitted = self.lock().admits(items.len());
        sleep(latency / 2).await;
        if !admitted {
            let answer = RawResponse::new(429, "slow down");
            return Ok(retry_after.into_iter().fold(answer, RawResponse::with_retry_after));
        }
        let outputs: Vec<_> = items.into_iter().map(|item| (item.key, bulk::success("id"))).collect();
        Ok(RawResponse::new(200, bulk::answer(&outputs)))
    }
}

/// A pipeline that always has something to send.
struct Load {
    api: Api,
    prefactor: Prefactor,
    runs: Vec<Instance>,
    next: usize,
}

impl Load {
    async fn begin(mood: Mood, batch_items: usize) -> Self {
        fastrand::seed(3);
        let api = Api::new(mood);
        let served = api.clone();
        let prefactor = Prefactor::builder()
            .transport(ScriptedTransport::new(move |body| served.clone().serve(body)))
            .runtime(Handle::current())
            .log_level(LogLevel::Off)
            .partition(partition())
            .max_batch_items(batch_items)
            .build()
            .expect("a pipeline");
        let runs = (0..RUNS).map(|_| prefactor.instance(AgentVersion::new("agent", "v1")).start()).collect();
        Self { api, prefactor, runs, next: 0 }
    }

    /// Goes on for so long; tells what came in during the last `measured` seconds, per second.
    async fn run(&mut self, time: u64, measured: usize) -> Rate {
        for _ in 0..time * 10 {
            let missing = BACKLOG.saturating_sub(self.prefactor.ledger().in_flight().operations);
            for _ in 0..missing.div_ceil(2) {
                self.next += 1;
                self.runs[self.next % RUNS]
                    .span("agent:step", &json!({ "number": 1 }))
                    .complete(&json!({"number": 1}));
            }
            sleep(SECOND / 10).await;
        }
        let state = self.api.lock();
        let seconds = state.start.elapsed().as_secs() as usize;
        let last = state.seconds.iter().take(seconds).skip(seconds - measured);
        let (mut accepted, mut refused, mut items) = (0, 0, 0);
        last.for_each(|second| {
            accepted += second.accepted;
            refused += second.refused;
            items += second.items;
        });
        let rate = Rate {
            accepted: f64::from(accepted) / measured as f64,
            items: items as f64 / measured as f64,
            attempts: f64::from(accepted + refused) / measured as f64,
            refused: f64::from(refused) / f64::from(accepted + refused),
        };
        drop(state);
        rate
    }
}

/// What comes in, per second, and which part of the requests is refused.
#[derive(Clone, Copy, Debug)]
struct Rate {
    accepted: f64,
    items: f64,
    attempts: f64,
    refused: f64,
}

/// Requests per second that are allowed, with a burst of so many seconds' worth.
fn allows(requests: f64, burst: f64) -> Mood {
    Mood { requests, burst, ..GENEROUS }
}

#[track_caller]
fn assert_near(limit: f64, accepted: f64, rate: Rate) {
    assert!((0.8 * limit..=1.1 * limit).contains(&accepted), "{rate:?} at a limit of {limit}");
    assert!(rate.refused < 0.1, "{rate:?} at a limit of {limit}");
}

async fn follows_the_limit(mood: Mood) {
    let mut load = Load::begin(mood, 5).await;
    let rate = load.run(40, 30).await;
    assert_near(20.0, rate.accepted, rate);

    load.api.becomes(Mood { requests: 10.0, ..mood });
    let rate = load.run(40, 30).await;
    assert_near(10.0, rate.accepted, rate);

    load.api.becomes(mood);
    let rate = load.run(60, 30).await;
    assert_near(20.0, rate.accepted, rate);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_halves_and_recovers_is_followed() {
    follows_the_limit(allows(20.0, 1.0)).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_followed_also_where_the_api_says_when_to_return() {
    follows_the_limit(Mood { retry_after: Some(SECOND), ..allows(20.0, 1.0) }).await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_spread_where_only_two_may_come_at_once() {
    let mut load = Load::begin(allows(20.0, 0.1), 5).await;

    load.run(30, 1).await;
    let rate = load.run(30, 30).await;

    assert_near(20.0, rate.accepted, rate);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_items_is_followed_like_one_of_requests() {
    let mut load = Load::begin(Mood { items: 200.0, ..GENEROUS }, 20).await;

    let rate = load.run(60, 30).await;

    assert_near(200.0, rate.items, rate);
}

#[tokio::test(start_paused = true)]
async fn refusals_at_random_bring_nothing_to_a_standstill() {
    let mut load = Load::begin(Mood { refuses: 30, ..GENEROUS }, 5).await;

    for _ in 0..6 {
        let rate = load.run(20, 20).await;
        assert!(rate.accepted > 2.0, "{rate:?}");
    }
    let rate = load.run(1, 120).await;
    assert!(rate.accepted > 3.5, "{rate:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_now_and_then_costs_little_more_than_the_pause_that_it_asks_for() {
    let mut load = Load::begin(Mood { refuses: 1, retry_after: Some(SECOND), ..GENEROUS }, 5).await;

    let rate = load.run(240, 240).await;

    // A hundred requests take half a second, and then everyone pauses for one.
    assert!(rate.accepted > 0.75 * 100.0 / 1.5, "{rate:?}");
}

#[tokio::test(start_paused = true)]
async fn after_half_a_minute_of_refusals_it_takes_seconds_to_be_as_fast_as_ever() {
    let mut load = Load::begin(GENEROUS, 5).await;
    load.run(5, 1).await;

    load.api.becomes(Mood { refuses: 100, ..GENEROUS });
    load.run(5, 1).await;
    let rate = load.run(25, 20).await;
    assert!((rate.accepted, rate.refused) == (0.0, 1.0) && rate.attempts < 1.2, "{rate:?}");

    load.api.becomes(GENEROUS);
    load.run(10, 1).await;
    let rate = load.run(5, 5).await;
    assert!(rate.accepted > 180.0 && rate.refused == 0.0, "{rate:?}");
}

/// Lanes are the concurrency: a server that takes ten times as long gets a tenth of the requests, and no more at a time.
#[tokio::test(start_paused = true)]
async fn a_server_that_slows_gets_fewer_requests_and_one_that_recovers_as_many_as_ever() {
    let mut load = Load::begin(GENEROUS, 5).await;
    let before = load.run(10, 5).await;

    load.api.becomes(Mood { latency: SECOND / 5, ..GENEROUS });
    let slow = load.run(20, 10).await;
    load.api.becomes(GENEROUS);
    let after = load.run(10, 5).await;

    assert!(before.accepted > 180.0 && after.accepted > 180.0, "{before:?} {after:?}");
    assert!((15.0..=21.0).contains(&slow.accepted), "{slow:?}");
}
