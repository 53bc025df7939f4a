//! Pipelines with a spool, one after the other on the same directory and before the same server: some crash, some are shut
//! down before they are done, and the last one delivers what all of them have left.

mod callers;
mod server;
mod world;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;
use prefactor_http::RetryPolicy;
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{LogLevel, LossReason, Prefactor, Spool, SyncPolicy};
use tokio::runtime::{Builder, Handle};
use tokio::time::sleep;

use self::callers::Callers;
use self::server::Server;
use self::world::World;
use crate::run::Outcome;
use crate::scenario::pick;
use crate::server::partition;

/// Longer than the longest `Retry-After`; under paused time it costs nothing.
const PATIENCE: Duration = Duration::from_secs(6 * 3_600);

/// By then the spool has taken what a pipeline has left at its end.
const END: Duration = Duration::from_secs(10);

/// How a pipeline ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its process is killed: nothing of it runs any more.
    Crash,
    Shutdown(Duration),
}

#[derive(Debug)]
struct Scenario {
    /// Everything goes through the disk. Otherwise a crash may lose what was in memory, and there is none.
    write_ahead: bool,
    sync: SyncPolicy,
    memory_budget: u64,
    batch_items: usize,
    /// How often an actor panics at a message, of a thousand. The writer is none: it has no successor, and its end is that of
    /// the process, which is drawn.
    panics: u32,
    knows_partition: bool,
    server_assigns_run_ids: bool,
    server_assigns_span_ids: bool,
    ends: Vec<End>,
}

impl Scenario {
    fn draw(rng: &mut Rng) -> Self {
        let write_ahead = rng.u32(..3) > 0;
        let shutdowns = [0, 100, 3_000].map(|time| End::Shutdown(Duration::from_millis(time)));
        let end = |rng: &mut Rng| if write_ahead && rng.bool() { End::Crash } else { pick(rng, &shutdowns) };
        Self {
            write_ahead,
            sync: pick(rng, &[SyncPolicy::EveryBatch, SyncPolicy::Every(Duration::from_millis(200))]),
            memory_budget: pick(rng, &[64 << 20, 60_000, 20_000]),
            batch_items: pick(rng, &[500, 20, 3]),
            panics: pick(rng, &[0, 0, 10, 50, 200]),
            knows_partition: rng.u32(..4) > 0,
            server_assigns_run_ids: rng.u32(..4) == 0,
            server_assigns_span_ids: rng.u32(..3) == 0,
            ends: (0..rng.usize(1..4)).map(|_| end(rng)).collect(),
        }
    }

    fn spool(&self, directory: &Path) -> Spool {
        let spool = if self.write_ahead { Spool::write_ahead(directory) } else { Spool::overflow(directory) };
        spool.sync(self.sync)
    }
}

/// Runs a seed to its end.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(rng.u64(..));
    let scenario = Scenario::draw(&mut rng);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let world =
        World::new(&mut rng, Server::new(scenario.server_assigns_run_ids, scenario.server_assigns_span_ids));
    for end in scenario.ends.iter().copied().map(Some).chain([None]) {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let handles = runtime.block_on(live(&world, &scenario, directory.path(), end, &mut rng));
        // A process that is killed drops nothing; its handles have nobody to talk to.
        drop(runtime);
        drop(handles);
    }
    let story = &mut *world.lock();
    story.check_what_was_synced();
    Outcome { trace: std::mem::take(&mut story.trace), violation: story.violation.take() }
}

/// The life of one pipeline. The last one has no end of its own: it delivers everything.
async fn live(
    world: &World,
    scenario: &Scenario,
    directory: &Path,
    end: Option<End>,
    rng: &mut Rng,
) -> Callers {
    {
        let story = &mut *world.lock();
        story.weather.is_over |= end.is_none();
        story.begin(format!("a pipeline begins, of {scenario:?}, to end by {end:?}"));
    }
    let prefactor = build(world, scenario, directory, rng);
    let mut callers = Callers { world: world.clone(), prefactor, runs: Vec::new(), next: 0 };
    for _ in 0..rng.usize(5..40) {
        callers.step(rng).await;
    }
    match end {
        Some(End::Crash) => {}
        Some(End::Shutdown(time)) => {
            if rng.bool() {
                callers.runs.clear();
            }
            callers.prefactor.shutdown(time).await;
            sleep(END).await;
            audit(world, &callers.prefactor);
        }
        None => {
            callers.runs.clear();
            let report = callers.prefactor.shutdown(PATIENCE).await;
            sleep(END).await;
            audit(world, &callers.prefactor);
            let left = callers.prefactor.spool_use();
            if !report.complete || left.records > 0 {
                world.lock().violate(format!("something is left: {left:?}, {}", report.ledger))
            }
        }
    }
    world.lock().end(format!("it ends, {}", callers.prefactor.ledger()));
    callers
}

fn build(world: &World, scenario: &Scenario, directory: &Path, rng: &mut Rng) -> Prefactor {
    let (served, synced, interrupted) = (world.clone(), world.clone(), world.clone());
    let (panics, dice) = (scenario.panics, Mutex::new(rng.fork()));
    let builder = Prefactor::builder();
    let builder = if scenario.knows_partition { builder.partition(partition()) } else { builder };
    builder
        .transport(ScriptedTransport::new(move |body| served.clone().serve(body)))
        .runtime(Handle::current())
        .log_level(LogLevel::Off)
        .memory_budget(scenario.memory_budget)
        .max_batch_items(scenario.batch_items)
        .retry_policy(RetryPolicy::default().with_initial_delay(Duration::from_millis(50)))
        .spool(scenario.spool(directory))
        .spool_as_task()
        .on_spooled(move |spooled| {
            let id = spooled.span.with_partition(partition()).to_string();
            synced.lock().synced(id, spooled.finished);
        })
        .interrupt(move |stage| {
            let story = &mut *interrupted.lock();
            if !story.weather.is_over && dice.lock().expect("dice").u32(..1_000) < panics {
                story.note(format!("{stage:?} panics"));
                std::panic::resume_unwind(Box::new("injected"));
            }
        })
        .build()
        .expect("nothing of it is wrong")
}

/// After its end, each operation of a pipeline has a fate, and none was given up.
fn audit(world: &World, prefactor: &Prefactor) {
    let (ledger, held) = (prefactor.ledger(), prefactor.memory_in_use());
    let story = &mut *world.lock();
    if ledger.in_flight().operations > 0 || held > 0 {
        story.violate(format!("{held} bytes are held at the end, {ledger}"))
    }
    let given_up =
        ledger.lost.iter().any(|(reason, tally)| *reason != LossReason::QueueFull && tally.operations > 0);
    if given_up || ledger.rejected_total().operations > 0 {
        story.violate(format!("operations were given up: {ledger}"))
    }
}
