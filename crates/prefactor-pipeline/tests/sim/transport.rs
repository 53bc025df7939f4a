//! The way to the server, and all that happens on it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prefactor_http::{RawResponse, TransportError};
use tokio::time::{Instant, sleep};

use crate::bulk::{self, Item};
use crate::faults::{Fault, Weather};
use crate::scenario::Scenario;
use crate::server::Subject;
use crate::story::{Story, Told};

/// More requests than any run of the simulator needs: somebody sends for ever.
const TOO_MANY_REQUESTS: usize = 30_000;

/// The longest `Retry-After` that a client has to follow.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What the way knows of the requests on it.
#[derive(Debug)]
pub(crate) struct Way {
    rng: Rng,
    pub(crate) weather: Weather,
    start: Instant,
    requests: usize,
    under_way: usize,
    busy: BTreeSet<usize>,
    /// Before this nothing may be sent: the server has said so, or refused the token.
    closed_until: Option<Instant>,
    /// The token was refused; one request at a time finds out whether it is accepted again.
    probing: bool,
    /// Bodies that failed, with the time.
    failed: HashMap<Bytes, Instant>,
    last_success: Option<Instant>,
    first_wait: Duration,
    retries_503: bool,
    pub(crate) saw_trouble: bool,
    pub(crate) saw_unauthorized: bool,
    lanes: usize,
    most_items: usize,
    most_bytes: usize,
    probe_interval: Duration,
}

impl Way {
    pub(crate) fn new(rng: Rng, weather: Weather, scenario: &Scenario) -> Self {
        Self {
            rng,
            weather,
            start: Instant::now(),
            requests: 0,
            under_way: 0,
            busy: BTreeSet::new(),
            closed_until: None,
            probing: false,
            failed: HashMap::new(),
            last_success: None,
            first_wait: scenario.first_wait,
            retries_503: scenario.retries_503,
            saw_trouble: false,
            saw_unauthorized: false,
            lanes: scenario.lanes,
            most_items: scenario.batch_items,
            most_bytes: scenario.request_bytes() as usize,
            probe_interval: scenario.probe_interval,
        }
    }

    /// Whether a request may be on its way now.
    fn admit(&mut self, body: &Bytes, items: &[Item], runs: &BTreeSet<usize>) -> Result<(), String> {
        self.requests += 1;
        let now = Instant::now();
        if self.requests > TOO_MANY_REQUESTS {
            return Err("it never stops sending".to_owned());
        }
        if self.is_closed() {
            return Err("a request while the server has asked for none".to_owned());
        }
        if self.probing && self.under_way > 0 {
            return Err("more than one request finds out whether the token is accepted".to_owned());
        }
        // Half of a wait is jitter. Where others get through, it is cut short.
        if let Some(failed) = self.failed.get(body)
            && self.last_success.is_none_or(|success| success < *failed)
            && now.duration_since(*failed) < self.first_wait / 2
        {
            return Err("a request that failed is sent again without a wait".to_owned());
        }
        if self.under_way >= self.lanes {
            return Err(format!("more than {} requests at a time", self.lanes));
        }
        if !self.busy.is_disjoint(runs) {
            return Err("a run has two requests in flight".to_owned());
        }
        if items.is_empty() || items.len() > self.most_items {
            return Err(format!("{} items in a request", items.len()));
        }
        if items.len() > 1 && body.len() > self.most_bytes {
            return Err(format!("{} bytes in a request", body.len()));
        }
        Ok(())
    }

    pub(crate) fn has_succeeded_since(&self, since: Instant) -> bool {
        self.last_success.is_some_and(|success| success >= since)
    }

    fn is_closed(&self) -> bool {
        self.closed_until.is_some_and(|until| Instant::now() < until)
    }

    /// The client is about to get this answer.
    fn answered(&mut self, body: &Bytes, fault: Fault, answer: &Result<RawResponse, TransportError>) {
        match answer {
            Ok(response) if response.status == 429 => {
                self.pause(response.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
            }
            Ok(response) if matches!(response.status, 401 | 403) => {
                self.pause(self.probe_interval);
                self.probing = true;
                self.saw_unauthorized = true;
            }
            _ => {}
        }
        if fault.is_understood() {
            self.last_success = Some(Instant::now());
            self.probing = false;
        } else if !matches!(fault, Fault::Status(413, _)) {
            self.failed.insert(body.clone(), Instant::now());
        }
    }

    fn pause(&mut self, pause: Duration) {
        self.closed_until = self.closed_until.max(Some(Instant::now() + pause));
    }

    fn latency(&mut self) -> Duration {
        Duration::from_micros(self.rng.u64(500..30_000))
    }
}

/// One attempt at a request.
pub(crate) async fn serve(story: Story, body: Bytes) -> Result<RawResponse, TransportError> {
    if let Ok(items) = bulk::items(&body)
        && items.iter().all(|item| item.action == "agent_instances/show")
    {
        return show(story, &items).await;
    }
    let Some((fault, request)) = arrive(&story, &body) else { return std::future::pending().await };
    let _leave = Leave { story: story.clone(), runs: request.runs() };
    let latency = story.lock().way.latency();
    sleep(latency).await;
    let answer = answer(&story, &request, fault).await;
    sleep(latency).await;
    let told = &mut *story.lock();
    told.note(format!("answer {} {}", request.number, words(&answer)));
    told.way.answered(&body, fault, &answer);
    answer
}

/// A question how runs stand, which is no business of any operation.
async fn show(story: Story, items: &[Item]) -> Result<RawResponse, TransportError> {
    let (latency, fault) = {
        let way = &mut story.lock().way;
        (way.latency(), way.weather.fault(&mut way.rng, way.start.elapsed(), items.len()))
    };
    let is_forbidden = story.lock().way.is_closed();
    story.check(!is_forbidden, || "a question while the server has asked for none".to_owned());
    story.note(format!("question about {} runs {fault:?}", items.len()));
    sleep(latency).await;
    if fault != Fault::None {
        return Ok(RawResponse::new(503, ""));
    }
    let outputs = story.lock().server.show(items);
    Ok(RawResponse::new(200, bulk::answer(&outputs)))
}

fn words(answer: &Result<RawResponse, TransportError>) -> String {
    match answer {
        Ok(response) => format!("{} ({} bytes)", response.status, response.body.len()),
        Err(error) => error.to_string(),
    }
}

/// A request that has arrived.
#[derive(Clone)]
struct Request {
    number: usize,
    items: Vec<Item>,
    subjects: Vec<Subject>,
}

impl Request {
    fn runs(&self) -> BTreeSet<usize> {
        self.subjects.iter().map(|subject| subject.run).collect()
    }
}

/// Looks at a request as it comes in. `None` after a broken promise: there is no use in going on.
fn arrive(story: &Story, body: &Bytes) -> Option<(Fault, Request)> {
    let told = &mut *story.lock();
    let seen = look_at(told, body);
    match seen {
        Ok((fault, request)) => Some((fault, request)),
        Err(error) => {
            told.violate(error);
            None
        }
    }
}

fn look_at(told: &mut Told, body: &Bytes) -> Result<(Fault, Request), String> {
    let items = bulk::items(body)?;
    let subjects = told.server.receive(&mut told.calls, &items)?;
    for (id, run) in told.server.ids() {
        told.accounts.is_run(id, run);
    }
    let request = Request { number: told.way.requests, items, subjects };
    told.way.admit(body, &request.items, &request.runs())?;
    let (at, count) = (told.way.start.elapsed(), request.items.len());
    let way = &mut told.way;
    let mut fault = way.weather.fault(&mut way.rng, at, count);
    if !way.weather.is_over {
        if way.weather.most_bytes.is_some_and(|most| body.len() > most) {
            fault = Fault::Status(413, None);
            if count == 1 {
                told.server.spoilt.extend(request.runs());
            }
        } else if way.weather.most_items.is_some_and(|most| count > most) {
            fault = Fault::Status(400, None);
        }
    }
    if matches!(fault, Fault::Status(503, _)) && !way.retries_503 {
        told.server.spoilt.extend(request.runs());
    }
    way.saw_trouble |= fault.is_trouble();
    way.under_way += 1;
    way.busy.extend(request.runs());
    told.note(format!("request {} {:?}: {}", request.number, fault, said(&request)));
    Ok((fault, request))
}

fn said(request: &Request) -> String {
    let words: Vec<_> = request.subjects.iter().map(ToString::to_string).collect();
    words.join(", ")
}

async fn answer(story: &Story, request: &Request, fault: Fault) -> Result<RawResponse, TransportError> {
    let all = request.items.len();
    let status = |status, after: Option<Duration>| {
        let response = RawResponse::new(status, bulk::error("some_code"));
        Ok(after.into_iter().fold(response, RawResponse::with_retry_after))
    };
    match fault {
        Fault::None => Ok(processed(story, request, all)),
        Fault::Refuse => Err(TransportError::Connect("nobody listens".into())),
        Fault::Status(code, after) => status(code, after),
        Fault::Html(code) => Ok(RawResponse::new(code, "<html><body>no</body></html>")),
        Fault::StopAt(items, code) => {
            process(story, request, items);
            status(code, None)
        }
        Fault::AnswerSome(items) => Ok(processed(story, request, items)),
        Fault::BreakAfter(items) => {
            process(story, request, items);
            Err(TransportError::Body("the connection broke".into()))
        }
        Fault::Truncate => {
            let body = bulk::answer(&process(story, request, all));
            Ok(RawResponse::new(200, body[..body.len() / 2].to_owned()))
        }
        Fault::SayNothing => Ok(RawResponse::new(200, bulk::answer(&[]))),
        Fault::LandAndTimeOut => {
            process(story, request, all);
            sleep(Duration::from_secs(30)).await;
            Err(TransportError::Timeout("30 s".into()))
        }
        Fault::LandLate(delay) => {
            later(story, request, delay);
            Err(TransportError::Timeout("30 s".into()))
        }
        Fault::Duplicate => {
            later(story, request, Duration::from_millis(20));
            Ok(processed(story, request, all))
        }
        Fault::Slow(time) => {
            sleep(time).await;
            Ok(processed(story, request, all))
        }
        Fault::Panic => std::panic::resume_unwind(Box::new("in the transport")),
    }
}

/// Processes the first items of a request; gives their outputs, as far as the server got.
fn process(story: &Story, request: &Request, items: usize) -> Vec<(String, String)> {
    let told = &mut *story.lock();
    let mut outputs = Vec::new();
    for (item, subject) in request.items.iter().zip(&request.subjects).take(items) {
        let made_up = told.way.weather.item_error(&mut told.way.rng);
        match told.server.process(&mut told.calls, item, *subject, made_up) {
            Ok((output, goes_on)) => {
                if output.contains("error") {
                    told.note(format!("  {subject}: {output}"));
                }
                outputs.push((item.key.clone(), output));
                if !goes_on {
                    break;
                }
            }
            Err(error) => {
                told.violate(error);
                break;
            }
        }
    }
    outputs
}

/// The same, with an answer that the client gets.
fn processed(story: &Story, request: &Request, items: usize) -> RawResponse {
    let mut outputs = process(story, request, items);
    let told = &mut *story.lock();
    told.server.confirm(&outputs);
    for ((_, output), subject) in outputs.iter_mut().zip(&request.subjects) {
        if let Some(control) = told.server.control(subject.run).filter(|_| subject.is_about_a_span()) {
            *output = bulk::with_control(output, &control);
            told.server.tell_of(subject.run);
        }
    }
    RawResponse::new(200, bulk::answer(&outputs))
}

/// The same request reaches the server later, when the client knows nothing of it any more.
fn later(story: &Story, request: &Request, delay: Duration) {
    let (story, request) = (story.clone(), request.clone());
    tokio::spawn(async move {
        sleep(delay).await;
        story.note(format!("request {} lands late", request.number));
        process(&story, &request, request.items.len());
    });
}

/// A request leaves when it is answered, or given up by its client.
struct Leave {
    story: Story,
    runs: BTreeSet<usize>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let way = &mut self.story.lock().way;
        way.under_way -= 1;
        way.busy = &way.busy - &self.runs;
    }
}
