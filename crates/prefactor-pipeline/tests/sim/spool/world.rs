//! What all pipelines of a seed share: the way to the server, and all that has happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prefactor_http::{RawResponse, TransportError};
use tokio::time::{Instant, sleep};

use super::server::Server;
use crate::bulk::{self, Item};
use crate::faults::{Fault, Weather};

pub(super) struct Story {
    rng: Rng,
    pub(super) weather: Weather,
    /// When the pipeline of now began, and how long those before it have lived.
    begun: Instant,
    before: Duration,
    pub(super) trace: Vec<String>,
    pub(super) violation: Option<String>,
    server: Server,
    /// Runs and spans in the order in which they were first sent.
    numbers: HashMap<String, usize>,
    /// The spans that the disk keeps, and whether their finish is kept as well.
    synced: BTreeMap<String, bool>,
}

#[derive(Clone)]
pub(super) struct World(Arc<Mutex<Story>>);

impl World {
    pub(super) fn new(rng: &mut Rng, server: Server) -> Self {
        Self(Arc::new(Mutex::new(Story {
            rng: rng.fork(),
            weather: Weather::draw(rng),
            begun: Instant::now(),
            before: Duration::ZERO,
            trace: Vec::new(),
            violation: None,
            server,
            numbers: HashMap::new(),
            synced: BTreeMap::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Story> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn serve(self, body: Bytes) -> Result<RawResponse, TransportError> {
        let (items, fault, latency) = {
            let story = &mut *self.lock();
            let items = bulk::items(&body).unwrap_or_else(|error| story.violate(error));
            let at = story.before + story.begun.elapsed();
            let fault = story.weather.fault(&mut story.rng, at, items.len().max(1));
            let said: Vec<_> = items.iter().map(|item| story.said(&item.key)).collect();
            story.note(format!("request {fault:?}: {}", said.join(", ")));
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
    pub(super) fn begin(&mut self, what: String) {
        self.begun = Instant::now();
        self.note(what);
    }

    pub(super) fn end(&mut self, what: String) {
        self.note(what);
        self.before += self.begun.elapsed();
    }

    pub(super) fn note(&mut self, what: impl AsRef<str>) {
        let at = (self.before + self.begun.elapsed()).as_secs_f64();
        if self.violation.is_none() {
            self.trace.push(format!("{at:>10.3} {}", what.as_ref()));
        }
    }

    pub(super) fn violate<T: Default>(&mut self, what: String) -> T {
        self.note(format!("BROKEN: {what}"));
        self.violation.get_or_insert(what);
        T::default()
    }

    fn process(&mut self, items: &[Item]) -> Vec<(String, String)> {
        match self.server.process(items) {
            Ok(outputs) => {
                for (key, output) in outputs.iter().filter(|(_, output)| output.contains("error")) {
                    let said = self.said(key);
                    self.note(format!("  {said}: {output}"));
                }
                outputs
            }
            Err(error) => self.violate(error),
        }
    }

    /// An item by its key, which tells what it does to what: a letter, and an id, for which a number stands here. Ids are others
    /// whenever a seed is repeated.
    fn said(&mut self, key: &str) -> String {
        let (action, thing) = key.split_at(1);
        let next = self.numbers.len();
        let number = *self.numbers.entry(thing.to_owned()).or_insert(next);
        format!("{action}{number}")
    }

    /// The disk keeps a span, or its finish.
    pub(super) fn synced(&mut self, id: String, finished: bool) {
        *self.synced.entry(id).or_default() |= finished;
    }

    /// Whether all that the disk has kept is part of the server's state.
    pub(super) fn check_what_was_synced(&mut self) {
        if let Err(error) = self.server.has_all(&self.synced) {
            self.violate(error)
        }
    }
}
