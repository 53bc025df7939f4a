//! One run of the simulator, from its seed to its end.

use std::time::Duration;

use fastrand::Rng;
use prefactor_pipeline::config::defaults::WATCH_INTERVAL;
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{Health, LogLevel, Prefactor};
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep};

use crate::audit;
use crate::callers::{Callers, flush, shut_down};
use crate::scenario::{Ending, Scenario};
use crate::server::Server;
use crate::story::Story;
use crate::transport::{Way, serve};

/// Longer than the longest `Retry-After` and all that may come after it; under paused time it costs nothing.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) trace: Vec<String>,
    /// The promise that was broken.
    pub(crate) violation: Option<String>,
}

/// Runs a seed to its end.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    // The jitter of retries.
    fastrand::seed(rng.u64(..));
    let mut scenario = Scenario::draw(&mut rng);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let story = runtime.block_on(async {
        let way = Way::new(rng.fork(), std::mem::take(&mut scenario.weather), &scenario);
        Story::new(Server::new(scenario.dialect), way)
    });
    let callers = runtime.block_on(tell(&story, &scenario, &mut rng));
    drop(runtime);
    if let Some(callers) = callers {
        after_the_runtime(&story, &scenario, callers);
    }
    let told = &mut *story.lock();
    Outcome { trace: std::mem::take(&mut told.trace), violation: told.violation.take() }
}

/// Returns the callers whose runtime goes away under them.
async fn tell(story: &Story, scenario: &Scenario, rng: &mut Rng) -> Option<Callers> {
    story.note(format!("{scenario:?}"));
    story.note(format!("{:?}", story.lock().way.weather));
    let prefactor = build(story, scenario, rng);
    let mut callers = Callers::new(rng.fork(), story.clone(), prefactor.clone(), scenario);
    for _ in 0..scenario.steps {
        callers.step().await;
        callers.check_terminations();
        audit_step(story, scenario, &prefactor);
        if story.is_broken() {
            return None;
        }
    }
    match scenario.ending {
        Ending::Recovery => recover(story, scenario, callers).await,
        Ending::Shutdown => end_in_the_middle(story, scenario, callers, rng).await,
        Ending::Drop => {
            drop(prefactor);
            drop_all(story, scenario, callers).await;
        }
        Ending::RuntimeGone => {
            story.lock().stop_the_clock();
            return Some(callers);
        }
    }
    None
}

fn build(story: &Story, scenario: &Scenario, rng: &mut Rng) -> Prefactor {
    let at_server = story.clone();
    let transport = ScriptedTransport::new(move |body| serve(at_server.clone(), body));
    let (delivered, undelivered) = (story.clone(), story.clone());
    let builder = scenario.configure(Prefactor::builder());
    let builder = builder
        .transport(transport)
        .runtime(Handle::current())
        .log_level(LogLevel::Off)
        .on_delivered(move |event| delivered.lock().accounts.delivered(event))
        .on_undelivered(move |event| undelivered.lock().accounts.undelivered(event));
    let (panics, interrupted) = (scenario.panics, story.clone());
    let dice = std::sync::Mutex::new(rng.fork());
    let builder = builder.interrupt(move |stage| {
        if panics > 0
            && !interrupted.lock().way.weather.is_over
            && dice.lock().expect("dice").u32(..1_000) < panics
        {
            interrupted.note(format!("{stage:?} panics"));
            std::panic::resume_unwind(Box::new("injected"));
        }
    });
    builder.build().expect("nothing of it is wrong")
}

fn audit_step(story: &Story, scenario: &Scenario, prefactor: &Prefactor) {
    let told = &mut *story.lock();
    if let Err(error) = audit::at_every_step(told, prefactor, scenario) {
        told.violate(error);
    }
}

fn audit_end(story: &Story, prefactor: &Prefactor, everything_arrives: bool) {
    let told = &mut *story.lock();
    let settled = audit::is_settled(told, prefactor);
    if let Err(error) = settled.and_then(|()| audit::in_the_end(told, everything_arrives)) {
        told.violate(error);
    }
}

/// The server recovers, and everything arrives that can.
async fn recover(story: &Story, scenario: &Scenario, mut callers: Callers) {
    let prefactor = callers.prefactor.clone();
    story.lock().way.weather.is_over = true;
    story.note("the weather is fine");
    let fine_since = Instant::now();
    if callers.rng.bool() {
        callers.drop_everything();
    }
    let report = flush(story, &prefactor, PATIENCE).await;
    story.check(report.complete, || format!("not everything has its fate: {}", report.ledger));
    story.check(prefactor.memory_in_use() == 0, || "bytes are held for nothing".to_owned());
    sleep(2 * WATCH_INTERVAL).await;
    callers.check_that_terminations_arrive();
    // Where nothing was left to send, nobody knows better yet.
    let knows = story.lock().way.has_succeeded_since(fine_since);
    story.check(!knows || prefactor.health() == Health::Delivering, || format!("{:?}", prefactor.health()));
    callers.join().await;
    let report = shut_down(story, &prefactor, PATIENCE).await;
    story.check(report.complete, || format!("not everything has its fate: {}", report.ledger));
    callers.drop_everything();
    audit_step(story, scenario, &prefactor);
    audit_end(story, &prefactor, true);
}

async fn end_in_the_middle(story: &Story, scenario: &Scenario, mut callers: Callers, rng: &mut Rng) {
    let prefactor = callers.prefactor.clone();
    let time = crate::scenario::pick(rng, &[0, 3, 50, 2_000, 10_000, 100_000].map(Duration::from_millis));
    callers.shut_down_in_the_background(time);
    for _ in 0..rng.usize(0..15) {
        callers.step().await;
        audit_step(story, scenario, &prefactor);
    }
    callers.join().await;
    audit_step(story, scenario, &prefactor);
    audit_end(story, &prefactor, false);
    callers.drop_everything();
    shut_down(story, &prefactor, Duration::from_secs(1)).await;
    audit_step(story, scenario, &prefactor);
    audit_end(story, &prefactor, false);
}

/// Nobody holds a handle any more; the pipeline goes on for a while, and ends.
async fn drop_all(story: &Story, scenario: &Scenario, mut callers: Callers) {
    callers.join().await;
    callers.drop_everything();
    story.lock().calls.closed = true;
    story.note("the last handle is gone");
    drop(callers);
    sleep(scenario.drop_timeout + Duration::from_secs(1)).await;
    let told = &mut *story.lock();
    let (made, implied) = (told.calls.made, told.calls.implied);
    let settled = told.accounts.settled().operations;
    if !(made..=made + implied).contains(&settled) {
        told.violate(format!("{made} and {implied} calls, but {settled} fates"));
    }
    if let Err(error) = audit::in_the_end(told, false) {
        told.violate(error);
    }
}

fn after_the_runtime(story: &Story, scenario: &Scenario, mut callers: Callers) {
    let prefactor = callers.prefactor.clone();
    story.lock().calls.closed = true;
    story.note("the runtime is gone");
    audit_step(story, scenario, &prefactor);
    audit_end(story, &prefactor, false);
    callers.drop_everything();
    audit_step(story, scenario, &prefactor);
    audit_end(story, &prefactor, false);
}
