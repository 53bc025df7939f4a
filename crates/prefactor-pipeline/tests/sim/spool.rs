//! Pipelines with a spool, one after the other on the same directory and before the same server: some crash, some are shut
//! down before they are done, and the last one delivers what all of them have left.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prefactor_http::{RawResponse, RetryPolicy, TransportError};
use prefactor_pfid::Stem;
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{AgentVersion, Instance, LogLevel, LossReason, Prefactor, Span, Spool, SyncPolicy};
use serde_json::json;
use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep};

use crate::bulk::{self, Item};
use crate::faults::{Fault, Weather};
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
            ends: (0..rng.usize(1..4)).map(|_| end(rng)).collect(),
        }
    }

    fn spool(&self, directory: &Path) -> Spool {
        let spool = if self.write_ahead { Spool::write_ahead(directory) } else { Spool::overflow(directory) };
        spool.sync(self.sync)
    }
}

/// How a run or a span stands at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Active,
    Finished,
}

struct Story {
    rng: Rng,
    weather: Weather,
    /// When the pipeline of now began, and how long those before it have lived.
    begun: Instant,
    before: Duration,
    trace: Vec<String>,
    violation: Option<String>,
    outputs: HashMap<String, String>,
    runs: BTreeMap<String, Status>,
    spans: BTreeMap<String, Status>,
    /// The spans that the disk keeps, and whether their finish is kept as well.
    synced: BTreeMap<String, bool>,
}

#[derive(Clone)]
struct World(Arc<Mutex<Story>>);

impl World {
    fn lock(&self) -> MutexGuard<'_, Story> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, body: Bytes) -> Result<RawResponse, TransportError> {
        let (items, fault, latency) = {
            let story = &mut *self.lock();
            let items = bulk::items(&body).unwrap_or_else(|error| story.violate(error));
            let at = story.before + story.begun.elapsed();
            let fault = story.weather.fault(&mut story.rng, at, items.len().max(1));
            story.note(format!("request of {} items {fault:?}", items.len()));
            (items, fault, Duration::from_micros(story.rng.u64(500..30_000)))
        };
        sleep(latency).await;
        let process = |count: usize| {
            let outputs = self.lock().process(&items[..count.min(items.len())]);
            Ok(RawResponse::new(200, bulk::answer(&outputs)))
        };
        let status = |status, after: Option<Duration>| {
            let response = RawResponse::new(status, bulk::error("some_code"));
            Ok(after.into_iter().fold(response, RawResponse::with_retry_after))
        };
        let broken = || Err(TransportError::Body("the connection broke".into()));
        match fault {
            Fault::None | Fault::Duplicate => process(items.len()),
            Fault::Refuse => Err(TransportError::Connect("nobody listens".into())),
            Fault::Status(code, after) => status(code, after),
            Fault::Html(code) => Ok(RawResponse::new(code, "<html></html>")),
            Fault::StopAt(count, code) => process(count).and_then(|_: RawResponse| status(code, None)),
            Fault::AnswerSome(count) => process(count),
            Fault::BreakAfter(count) => process(count).and_then(|_| broken()),
            Fault::Truncate => process(items.len()).and_then(|_| broken()),
            Fault::SayNothing => Ok(RawResponse::new(200, bulk::answer(&[]))),
            Fault::LandAndTimeOut | Fault::LandLate(_) => {
                let _ = process(items.len());
                sleep(Duration::from_secs(30)).await;
                Err(TransportError::Timeout("30 s".into()))
            }
            Fault::Slow(time) => {
                sleep(time).await;
                process(items.len())
            }
            Fault::Panic => std::panic::resume_unwind(Box::new("in the transport")),
        }
    }
}

impl Story {
    fn note(&mut self, what: impl AsRef<str>) {
        let at = (self.before + self.begun.elapsed()).as_secs_f64();
        self.trace.push(format!("{at:>10.3} {}", what.as_ref()));
    }

    fn violate<T: Default>(&mut self, what: String) -> T {
        self.note(format!("BROKEN: {what}"));
        self.violation.get_or_insert(what);
        T::default()
    }

    fn process(&mut self, items: &[Item]) -> Vec<(String, String)> {
        let mut outputs = Vec::new();
        for item in items {
            // It went with its creation, and a crash came before the disk knew. The server stops here.
            if self.is_finished_again(item) {
                outputs.push((item.key.clone(), bulk::error("invalid_action")));
                break;
            }
            let output = match self.outputs.get(&item.key) {
                Some(known) => known.clone(),
                None => match self.apply(item) {
                    Ok(id) => bulk::success(&id),
                    Err(error) => self.violate(format!("{error}: {item:?}")),
                },
            };
            self.outputs.insert(item.key.clone(), output.clone());
            outputs.push((item.key.clone(), output));
        }
        outputs
    }

    fn is_finished_again(&self, item: &Item) -> bool {
        let span = item.agent_span_id.as_ref().and_then(|id| self.spans.get(id));
        span == Some(&Status::Finished) && !self.outputs.contains_key(&item.key)
    }

    /// Does what an item says. Everything comes once, and in its order.
    fn apply(&mut self, item: &Item) -> Result<String, &'static str> {
        use Status::{Active, Finished, Pending};
        fn change(
            known: &mut BTreeMap<String, Status>,
            id: Option<&String>,
            from: &[Status],
            to: Status,
        ) -> Result<String, &'static str> {
            let id = id.ok_or("no id")?;
            let status = known.get_mut(id).ok_or("nobody knows it")?;
            if !from.contains(status) {
                return Err("it is not in that state");
            }
            *status = to;
            Ok(id.clone())
        }
        match item.action.as_str() {
            "agent_instances/register" => {
                // A run of an earlier process may be registered already under an id that is not known here.
                let id = item.id.clone().unwrap_or_else(|| own_id(self.runs.len()));
                if self.runs.insert(id.clone(), Pending).is_some() {
                    return Err("a run is registered twice");
                }
                Ok(id)
            }
            "agent_instances/start" => {
                change(&mut self.runs, item.agent_instance_id.as_ref(), &[Pending], Active)
            }
            "agent_instances/finish" => {
                change(&mut self.runs, item.agent_instance_id.as_ref(), &[Pending, Active], Finished)
            }
            "agent_spans/finish" => change(&mut self.spans, item.agent_span_id.as_ref(), &[Active], Finished),
            "agent_spans/create" => {
                let details = item.details.as_ref().ok_or("no details")?;
                if self.runs.get(&details.agent_instance_id) != Some(&Active) {
                    return Err("a span of a run that is not active");
                }
                if details.parent_span_id.as_ref().is_some_and(|parent| !self.spans.contains_key(parent)) {
                    return Err("a child before its parent");
                }
                let status = if details.status == "active" { Active } else { Finished };
                if self.spans.insert(details.id.clone(), status).is_some() {
                    return Err("a span is created twice");
                }
                Ok(details.id.clone())
            }
            _ => Err("an action that nobody calls"),
        }
    }

    /// All that the disk has kept is part of the server's state.
    fn has_all_that_was_synced(&self) -> Result<(), String> {
        for (id, finished) in &self.synced {
            match self.spans.get(id) {
                None => return Err("a span that was synced has not arrived".to_owned()),
                Some(Status::Active) if *finished => {
                    return Err("the finish of a span that was synced has not arrived".to_owned());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// An id of the server's choice.
fn own_id(number: usize) -> String {
    let stem = Stem::new(number as u64, [7; 10]).expect("a small time");
    stem.with_partition(partition()).to_string()
}

/// Runs a seed to its end.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(rng.u64(..));
    let scenario = Scenario::draw(&mut rng);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let world = World(Arc::new(Mutex::new(Story {
        rng: rng.fork(),
        weather: Weather::draw(&mut rng),
        begun: Instant::now(),
        before: Duration::ZERO,
        trace: Vec::new(),
        violation: None,
        outputs: HashMap::new(),
        runs: BTreeMap::new(),
        spans: BTreeMap::new(),
        synced: BTreeMap::new(),
    })));
    for end in scenario.ends.iter().copied().map(Some).chain([None]) {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let handles = runtime.block_on(live(&world, &scenario, directory.path(), end, &mut rng));
        // A process that is killed drops nothing; its handles have nobody to talk to.
        drop(runtime);
        drop(handles);
    }
    let story = &mut *world.lock();
    if let Err(error) = story.has_all_that_was_synced() {
        story.violation.get_or_insert(error);
    }
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
        story.begun = Instant::now();
        story.weather.is_over |= end.is_none();
        story.note(format!("a pipeline begins, of {scenario:?}, to end by {end:?}"));
    }
    let mut callers = Callers { prefactor: build(world, scenario, directory), runs: Vec::new(), next: 0 };
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
    let story = &mut *world.lock();
    story.note(format!("it ends, {}", callers.prefactor.ledger()));
    story.before += story.begun.elapsed();
    callers
}

fn build(world: &World, scenario: &Scenario, directory: &Path) -> Prefactor {
    let (served, synced) = (world.clone(), world.clone());
    Prefactor::builder()
        .transport(ScriptedTransport::new(move |body| served.clone().serve(body)))
        .runtime(Handle::current())
        .log_level(LogLevel::Off)
        .partition(partition())
        .memory_budget(scenario.memory_budget)
        .max_batch_items(scenario.batch_items)
        .retry_policy(RetryPolicy::default().with_initial_delay(Duration::from_millis(50)))
        .spool(scenario.spool(directory))
        .spool_as_task()
        .on_spooled(move |spooled| {
            let id = spooled.span.with_partition(partition()).to_string();
            *synced.lock().synced.entry(id).or_default() |= spooled.finished;
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

struct Callers {
    prefactor: Prefactor,
    runs: Vec<(Instance, Vec<Span>)>,
    next: usize,
}

impl Callers {
    async fn step(&mut self, rng: &mut Rng) {
        let run = if self.runs.is_empty() { None } else { Some(rng.usize(..self.runs.len())) };
        match (rng.u32(..10), run) {
            (0, _) | (_, None) => {
                let instance = self.prefactor.instance(AgentVersion::new("agent", "v1")).start();
                self.runs.push((instance, Vec::new()));
            }
            (1..5, Some(run)) => {
                let (instance, spans) = &mut self.runs[run];
                self.next += 1;
                let payload = json!({ "number": self.next, "filling": "x".repeat(rng.usize(..300)) });
                let span = match spans.last() {
                    Some(parent) if rng.bool() => parent.child("agent:step", &payload),
                    _ => instance.span("agent:step", &payload),
                };
                spans.push(span);
            }
            (5..7, Some(run)) => {
                if let Some(span) = self.runs[run].1.pop() {
                    span.complete(&json!({ "number": 0 }));
                }
            }
            (7, Some(run)) => drop(self.runs.swap_remove(run)),
            _ => {
                let longest = pick(rng, &[100, 3_000, 60_000]);
                sleep(Duration::from_millis(rng.u64(0..longest))).await;
            }
        }
    }
}
