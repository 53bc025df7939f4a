//! One attempt at one request, as a task of its own: it writes the body, sends it, and reads what the answer means. An actor
//! never waits for the network, and what takes long is done for several requests at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prefactor_http::{RawResponse, StatusCodes};
use tokio::task::AbortHandle;

use super::lanes::FlightId;
use super::outcome::{Outcome, judge};
use super::transport::Transport;
use super::{SenderInbox, SenderInput};
use crate::log::LogLevel;
use crate::operation::Operation;
use crate::pipeline::{HeldBody, Pipeline};
use crate::wire::{Key, Request};

/// The operations of a request. They belong to its flight; its attempt looks at them, before it sends and when it is answered.
#[derive(Clone, Debug)]
pub(crate) struct Cargo(Arc<Mutex<Load>>);

#[derive(Debug, Default)]
struct Load {
    operations: Vec<Operation>,
    /// What is needed to judge the answer.
    items: Vec<(Key, u8)>,
    /// While it is under way, the body counts against the byte budget too, as everything that waits.
    held: Option<HeldBody>,
}

impl Cargo {
    pub(crate) fn new(operations: Vec<Operation>) -> Self {
        Self(Arc::new(Mutex::new(Load { operations, ..Load::default() })))
    }

    /// Takes everything away from an attempt that may still be under way.
    pub(crate) fn take(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.lock()).operations
    }

    /// The body of a request; `None` where the operations were taken away.
    fn body(&self, pipeline: &Arc<Pipeline>) -> Option<Bytes> {
        let mut load = self.lock();
        if load.operations.is_empty() {
            return None;
        }
        let Request { body, items } = Request::new(&load.operations);
        load.items = items;
        load.held = Some(pipeline.hold_body(body.len()));
        Some(body)
    }

    /// What the answer to that request means.
    fn judge(&self, answer: &RawResponse, retry_on: &StatusCodes) -> Outcome {
        let mut load = self.lock();
        load.held = None;
        judge(&std::mem::take(&mut load.items), answer, retry_on)
    }

    fn lock(&self) -> MutexGuard<'_, Load> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct AttemptResult {
    pub(crate) outcome: Outcome,
    /// Bytes of the request's body.
    pub(crate) body_len: usize,
}

/// What attempts need.
pub(crate) struct Attempts {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) retry_on: StatusCodes,
    pub(crate) inbox: Arc<SenderInbox>,
}

/// A running attempt; dropping it ends the attempt.
#[derive(Debug)]
pub(crate) struct Attempt(AbortHandle);

impl Attempt {
    pub(crate) fn start(attempts: &Arc<Attempts>, flight: FlightId, cargo: Cargo, is_retry: bool) -> Self {
        let attempts = Arc::clone(attempts);
        let mut report = Report { flight, body_len: 0, inbox: Some(Arc::clone(&attempts.inbox)) };
        let task = tokio::spawn(async move {
            let outcome = attempts.attempt(&cargo, is_retry, &mut report.body_len).await;
            report.send(outcome);
        });
        Self(task.abort_handle())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Attempts {
    async fn attempt(&self, cargo: &Cargo, is_retry: bool, body_len: &mut usize) -> Outcome {
        // Nobody waits for the end of an attempt without operations.
        let Some(body) = cargo.body(&self.pipeline) else { return Outcome::Trouble(None) };
        *body_len = body.len();
        self.pipeline.count_request(body.len(), is_retry);
        match self.transport.post_bulk(body).await {
            Ok(answer) => {
                if !(200..300).contains(&answer.status) && self.pipeline.logs(LogLevel::Debug) {
                    tracing::debug!(status = answer.status, "a request was not accepted");
                }
                cargo.judge(&answer, &self.retry_on)
            }
            // Whether the API has seen the request is not known.
            Err(error) => {
                if self.pipeline.logs(LogLevel::Debug) {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a request failed");
                }
                Outcome::Trouble(None)
            }
        }
    }
}

/// The end of an attempt comes back to the sender also where it panics.
struct Report {
    flight: FlightId,
    body_len: usize,
    inbox: Option<Arc<SenderInbox>>,
}

impl Report {
    fn send(&mut self, outcome: Outcome) {
        if let Some(inbox) = self.inbox.take() {
            let result = AttemptResult { outcome, body_len: self.body_len };
            inbox.push(SenderInput::AttemptFinished { flight: self.flight, result });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send(Outcome::Trouble(None));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::fixture::{self, create, operation};
    use crate::testing::ScriptedTransport;

    /// Attempts at a request of two operations, which are answered so.
    struct Desk {
        pipeline: Arc<Pipeline>,
        cargo: Cargo,
        attempts: Attempts,
        sent: Arc<Mutex<Vec<Bytes>>>,
    }

    impl Desk {
        fn answering(answer: impl Fn() -> RawResponse + Send + Sync + 'static) -> Self {
            let pipeline = fixture::pipeline();
            let run = fixture::run(&pipeline, 1);
            let cargo = Cargo::new([2, 3].map(|n| operation(&run, create(n, None))).into());
            let sent = Arc::new(Mutex::new(Vec::new()));
            let bodies = Arc::clone(&sent);
            let transport = ScriptedTransport::new(move |body| {
                bodies.lock().expect("no test panics here").push(body);
                let answer = answer();
                async move { Ok(answer) }
            });
            let attempts = Attempts {
                pipeline: Arc::clone(&pipeline),
                transport: Arc::new(transport),
                retry_on: StatusCodes::default(),
                inbox: Arc::new(SenderInbox::new()),
            };
            Self { pipeline, cargo, attempts, sent }
        }

        async fn attempt(&self) -> Outcome {
            self.attempts.attempt(&self.cargo, false, &mut 0).await
        }

        /// Bytes that are held beside those of the operations.
        fn held_by_bodies(&self) -> u64 {
            let admission = self.pipeline.admission();
            admission.held() - admission.operations()
        }
    }

    #[tokio::test]
    async fn what_is_refused_for_a_rate_limit_waits_without_a_body_and_is_sent_the_same_way_again() {
        let desk = Desk::answering(|| RawResponse::new(429, ""));

        for _ in 0..2 {
            assert_eq!(desk.attempt().await, Outcome::RateLimited(None));
            assert_eq!(desk.held_by_bodies(), 0);
        }

        let sent = desk.sent.lock().expect("nobody panicked");
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0], sent[1]);
    }

    #[tokio::test]
    async fn operations_that_were_taken_away_are_not_sent() {
        let desk = Desk::answering(|| RawResponse::new(200, ""));
        let taken = desk.cargo.take();

        desk.attempt().await;

        assert_eq!(taken.len(), 2);
        assert!(desk.sent.lock().expect("nobody panicked").is_empty());
        assert_eq!(desk.pipeline.traffic().requests, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_panics_is_reported_and_its_body_goes_with_the_operations() {
        let desk = Desk::answering(|| panic!("a transport with a bug"));
        let inbox = Arc::clone(&desk.attempts.inbox);

        let _attempt =
            Attempt::start(&Arc::new(desk.attempts), FlightId::default(), desk.cargo.clone(), false);
        tokio::time::sleep(Duration::from_millis(1)).await;

        let Some(SenderInput::AttemptFinished { result, .. }) = inbox.pop() else { panic!("no report") };
        assert_eq!(result.outcome, Outcome::Trouble(None));
        assert!(result.body_len > 0);
        let held = || desk.pipeline.admission().held() - desk.pipeline.admission().operations();
        assert_eq!(held(), result.body_len as u64);
        drop(desk.cargo.take());
        assert_eq!(held(), 0);
    }
}
