use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use prefactor_http::StatusCodes;

use super::super::{Attempts, SenderInbox};
use super::*;
use crate::batcher::{BatcherInbox, BatcherInput, Doubt, Lease};
use crate::fixture::{self, create, operation};
use crate::pipeline::Pipeline;
use crate::testing::ScriptedTransport;

const SECOND: Duration = Duration::from_secs(1);

/// Lanes whose requests are never answered, and what is needed to use them.
struct Airport {
    pipeline: Arc<Pipeline>,
    batcher: Arc<BatcherInbox>,
    lanes: Lanes,
    now: Instant,
}

impl Airport {
    fn with_flights(count: u32) -> Self {
        let (pipeline, batcher) = (fixture::pipeline(), Arc::new(BatcherInbox::new()));
        let mut airport = Self { pipeline, batcher, lanes: Lanes::new(Instant::now()), now: Instant::now() };
        (0..count).for_each(|n| airport.add(n));
        airport
    }

    fn add(&mut self, n: u32) {
        let run = fixture::run(&self.pipeline, n);
        let operations = vec![operation(&run, create(100 + n, None))];
        let lease = Lease::new(vec![run.key()], Arc::clone(&self.batcher));
        self.lanes.add(Flight::new(Batch { operations, doubt: Doubt::NONE, lease }, self.now));
    }

    /// The requests that start now.
    fn launch(&mut self) -> Vec<u64> {
        let started: RefCell<Vec<u64>> = RefCell::default();
        let attempts = Arc::new(Attempts {
            pipeline: Arc::clone(&self.pipeline),
            transport: Arc::new(ScriptedTransport::new(|_| std::future::pending())),
            retry_on: StatusCodes::default(),
            inbox: Arc::new(SenderInbox::new()),
        });
        self.lanes.launch(self.now, |id, cargo, is_retry| {
            started.borrow_mut().push(id.0);
            Attempt::start(&attempts, id, cargo, is_retry)
        });
        started.into_inner()
    }

    fn fail(&mut self, n: u64, wait: Duration) {
        let flight = self.lanes.take(FlightId(n)).expect("a flight");
        self.lanes.put_back(FlightId(n), flight, self.now + wait);
    }
}

#[tokio::test]
async fn a_request_starts_once_and_again_after_its_wait() {
    let mut airport = Airport::with_flights(2);

    assert_eq!(airport.launch(), [0, 1]);
    assert!(airport.launch().is_empty());
    airport.fail(0, 2 * SECOND);

    assert!(airport.launch().is_empty());
    assert_eq!(airport.lanes.next_due(airport.now), Some(airport.now + 2 * SECOND));
    airport.now += 2 * SECOND;
    assert_eq!(airport.launch(), [0]);
    assert_eq!(airport.lanes.next_due(airport.now), None);
    assert_eq!(airport.lanes.take(FlightId(0)).expect("a flight").refusals, 1);
}

#[tokio::test]
async fn a_closed_gate_holds_everyone_back_also_those_who_could_go() {
    let mut airport = Airport::with_flights(3);
    airport.launch();
    airport.fail(0, SECOND);
    airport.fail(1, 20 * SECOND);
    airport.lanes.gate.close_until(airport.now + 10 * SECOND);
    airport.add(3);

    assert!(airport.launch().is_empty());
    assert_eq!(airport.lanes.next_due(airport.now), Some(airport.now + 10 * SECOND));
    airport.now += 10 * SECOND;
    assert_eq!(airport.launch(), [0, 3]);
    assert_eq!(airport.lanes.next_due(airport.now), Some(airport.now + 10 * SECOND));
}

#[tokio::test]
async fn a_probe_goes_alone_and_its_success_lets_the_others_go() {
    let mut airport = Airport::with_flights(3);
    airport.lanes.gate.probe_from(airport.now + 30 * SECOND);

    airport.now += 30 * SECOND;
    assert_eq!(airport.launch(), [0]);
    assert!(airport.launch().is_empty());
    assert_eq!(airport.lanes.next_due(airport.now), None, "the end of the probe looks again");

    airport.lanes.take(FlightId(0));
    airport.lanes.succeeded();
    assert_eq!(airport.launch(), [1, 2]);
}

#[tokio::test]
async fn in_an_outage_there_is_one_try_at_a_time_and_a_success_ends_that() {
    let mut airport = Airport::with_flights(2);
    (0..FEW_FAILURES).for_each(|_| airport.lanes.failed(airport.now, SECOND));
    assert_eq!(airport.launch(), [0, 1]);
    airport.add(2);

    airport.lanes.failed(airport.now, SECOND);

    assert!(airport.launch().is_empty());
    assert_eq!(airport.lanes.next_due(airport.now), Some(airport.now + SECOND));
    airport.now += SECOND;
    assert_eq!(airport.launch(), [2]);
    assert!(airport.lanes.succeeded(), "there had been trouble");
    assert!(!airport.lanes.succeeded());
    airport.lanes.failed(airport.now, SECOND);
    airport.add(3);
    assert_eq!(airport.launch(), [3]);
}

#[tokio::test]
async fn clearing_gives_everything_back() {
    let mut airport = Airport::with_flights(2);
    airport.launch();
    airport.pipeline.close();

    drop(airport.lanes.take_all());

    assert_eq!(airport.pipeline.admission().held(), 0);
    assert_eq!(airport.pipeline.ledger().lost_total().operations, 2);
    let leases = std::iter::from_fn(|| airport.batcher.pop())
        .filter(|input| matches!(input, BatcherInput::Completed(completed) if completed.runs.len() == 1));
    assert_eq!(leases.count(), 2, "each lease ends, also of a flight that is dropped");
}
