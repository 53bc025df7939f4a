//! A bulk endpoint in memory, which a test scripts request by request and item by item.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use prefactor_http::{RawResponse, TransportError};
use prefactor_pipeline::testing::ScriptedTransport;
use prefactor_pipeline::{Builder, LogLevel, Prefactor};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::partition;
use super::world::{SpanRecord, World};

/// How long the API takes for a request.
const LATENCY: Duration = Duration::from_millis(2);

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Counted from 0.
    pub(crate) number: usize,
    /// Since the API was made.
    pub(crate) at: Duration,
    pub(crate) body: Bytes,
    pub(crate) items: Vec<Value>,
}

impl Request {
    pub(crate) fn types(&self) -> Vec<&str> {
        self.items.iter().filter_map(|item| item["_type"].as_str()).collect()
    }
}

/// What the API does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Process,
    /// It does its work, but no answer arrives.
    ProcessAndBreakOff,
    /// It does nothing but answer.
    Answer(RawResponse),
    /// It never answers.
    Hang,
    Fail,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(RawResponse::new(status, r#"{"status":"error","code":"c","message":"m"}"#))
    }
}

type RequestScript = Box<dyn FnMut(&Request) -> Reply + Send>;
type ItemScript = Box<dyn FnMut(&Value) -> Option<&'static str> + Send>;

struct State {
    start: Instant,
    on_request: RequestScript,
    on_item: ItemScript,
    independent: bool,
    world: World,
    outputs: BTreeMap<String, Value>,
    requests: Vec<Request>,
    under_way: usize,
    most_under_way: usize,
    /// The instances that are in a request right now.
    busy: BTreeSet<String>,
}

#[derive(Clone)]
pub(crate) struct Api(Arc<Mutex<State>>);

impl Api {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            start: Instant::now(),
            on_request: Box::new(|_| Reply::Process),
            on_item: Box::new(|_| None),
            independent: false,
            world: World::default(),
            outputs: BTreeMap::new(),
            requests: Vec::new(),
            under_way: 0,
            most_under_way: 0,
            busy: BTreeSet::new(),
        })))
    }

    pub(crate) fn on_request(self, script: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        self.lock().on_request = Box::new(script);
        self
    }

    /// Fails an item with the code that the script gives.
    pub(crate) fn on_item(self, script: impl FnMut(&Value) -> Option<&'static str> + Send + 'static) -> Self {
        self.lock().on_item = Box::new(script);
        self
    }

    /// Goes on behind an item that errors.
    pub(crate) fn independent(self) -> Self {
        self.lock().independent = true;
        self
    }

    /// Cancels only what is pending.
    pub(crate) fn strict_cancel(self) -> Self {
        self.lock().world.strict_cancel = true;
        self
    }

    /// Gives every instance another id than it asks for.
    pub(crate) fn assigns_ids(self) -> Self {
        self.lock().world.assigns_ids = true;
        self
    }

    /// Ends a run, as an operator does.
    pub(crate) fn terminate(&self, run: impl ToString, reason: Option<&str>) {
        self.lock().world.terminate(&run.to_string(), reason);
    }

    /// The same of spans.
    pub(crate) fn assigns_span_ids(self) -> Self {
        self.lock().world.assigns_span_ids = true;
        self
    }

    /// A pipeline to this API on the test's own runtime.
    pub(crate) fn pipeline(&self) -> Builder {
        self.pipeline_without_partition().partition(partition())
    }

    pub(crate) fn pipeline_without_partition(&self) -> Builder {
        let api = self.clone();
        let transport = ScriptedTransport::new(move |body| api.clone().serve(body));
        Prefactor::builder().transport(transport).runtime(Handle::current()).log_level(LogLevel::Off)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// When requests came, in whole seconds.
    pub(crate) fn seconds(&self) -> Vec<u64> {
        self.lock().requests.iter().map(|request| request.at.as_secs()).collect()
    }

    pub(crate) fn most_under_way(&self) -> usize {
        self.lock().most_under_way
    }

    pub(crate) fn has_span(&self, id: impl ToString) -> bool {
        let id = id.to_string();
        self.lock().world.spans.iter().any(|(known, _)| *known == id)
    }

    /// The names of all spans in the order of their creation.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().world.spans.iter().map(|(_, span)| span.name.clone()).collect()
    }

    /// All runs, with their status and their spans as a tree.
    pub(crate) fn tree(&self) -> String {
        let state = self.lock();
        let mut out = String::new();
        for (id, status) in &state.world.instances {
            out.push_str(&format!("run {status}\n"));
            draw(&state.world.spans, id, None, 1, &mut out);
        }
        out
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn serve(self, body: Bytes) -> Result<RawResponse, TransportError> {
        let (reply, instances) = self.lock().receive(body.clone());
        let _leave = Leave { api: self.clone(), instances };
        sleep(LATENCY / 2).await;
        let answer = match reply {
            Reply::Process => Ok(self.lock().process(&body)),
            Reply::ProcessAndBreakOff => {
                self.lock().process(&body);
                Err(TransportError::Body("the connection broke".into()))
            }
            Reply::Answer(answer) => Ok(answer),
            Reply::Hang => std::future::pending().await,
            Reply::Fail => Err(TransportError::Connect("nobody listens".into())),
        };
        sleep(LATENCY / 2).await;
        answer
    }
}

/// A request leaves when it is answered, or given up by its client.
struct Leave {
    api: Api,
    instances: BTreeSet<String>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut state = self.api.lock();
        state.under_way -= 1;
        state.busy = &state.busy - &self.instances;
    }
}

impl State {
    fn receive(&mut self, body: Bytes) -> (Reply, BTreeSet<String>) {
        let items = items(&body);
        let instance = |item: &Value| {
            let flat = item["agent_instance_id"].as_str().or_else(|| item["id"].as_str());
            flat.or_else(|| item["details"]["agent_instance_id"].as_str()).map(str::to_owned)
        };
        let instances: BTreeSet<_> = items.iter().filter_map(instance).collect();
        assert!(self.busy.is_disjoint(&instances), "an instance has one request in flight");
        let request = Request { number: self.requests.len(), at: self.start.elapsed(), body, items };
        self.requests.push(request.clone());
        let reply = (self.on_request)(&request);
        self.busy.extend(instances.clone());
        self.under_way += 1;
        self.most_under_way = self.most_under_way.max(self.under_way);
        (reply, instances)
    }

    fn process(&mut self, body: &Bytes) -> RawResponse {
        let mut outputs = serde_json::Map::new();
        for item in items(body) {
            let key = item["idempotency_key"].as_str().expect("every item has a key").to_owned();
            let output = self.output(&key, &item);
            let failed = output["status"] == "error";
            assert!(outputs.insert(key, output).is_none(), "keys are unique in a request");
            if failed && !self.independent {
                break;
            }
        }
        RawResponse::new(200, json!({ "status": "success", "outputs": outputs }).to_string())
    }

    fn output(&mut self, key: &str, item: &Value) -> Value {
        if let Some(known) = self.outputs.get(key) {
            return known.clone();
        }
        let done = match (self.on_item)(item) {
            Some(code) => Err(code),
            None => self.world.apply(item),
        };
        match done {
            Ok(details) => {
                let mut output = json!({ "status": "success", "details": details });
                if let Some(control) = self.world.control(item) {
                    output["control"] = control;
                }
                self.outputs.insert(key.to_owned(), output.clone());
                output
            }
            Err(code) => json!({ "status": "error", "code": code, "message": "no" }),
        }
    }
}

fn items(body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).expect("a request is JSON");
    body["items"].as_array().expect("a request has items").clone()
}

fn draw(spans: &[(String, SpanRecord)], run: &str, parent: Option<&str>, depth: usize, out: &mut String) {
    for (id, span) in spans {
        if span.instance == run && span.parent.as_deref() == parent {
            out.push_str(&format!("{}{} {}\n", "  ".repeat(depth), span.name, span.status));
            draw(spans, run, Some(id), depth + 1, out);
        }
    }
}
