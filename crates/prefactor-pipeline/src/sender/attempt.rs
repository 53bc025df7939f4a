//! One attempt at one request, as a task of its own: an actor never waits for the network.

use std::sync::Arc;

use bytes::Bytes;
use prefactor_http::{RawResponse, TransportError};
use tokio::task::AbortHandle;

use super::lanes::FlightId;
use super::transport::Transport;
use super::{SenderInbox, SenderInput};

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum AttemptResult {
    Answered(RawResponse),
    /// No answer; whether the API has seen the request is not known.
    Failed(TransportError),
    /// The transport panicked.
    Panicked,
}

/// A running attempt; dropping it ends the attempt.
#[derive(Debug)]
pub(crate) struct Attempt(AbortHandle);

impl Attempt {
    pub(crate) fn start(
        transport: Arc<dyn Transport>,
        flight: FlightId,
        body: Bytes,
        inbox: Arc<SenderInbox>,
    ) -> Self {
        let mut report = Report { flight, inbox: Some(inbox) };
        let task = tokio::spawn(async move {
            report.send(match transport.post_bulk(body).await {
                Ok(answer) => AttemptResult::Answered(answer),
                Err(error) => AttemptResult::Failed(error),
            });
        });
        Self(task.abort_handle())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The end of an attempt comes back to the sender also where the transport panics.
struct Report {
    flight: FlightId,
    inbox: Option<Arc<SenderInbox>>,
}

impl Report {
    fn send(&mut self, result: AttemptResult) {
        if let Some(inbox) = self.inbox.take() {
            inbox.push(SenderInput::AttemptFinished { flight: self.flight, result });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send(AttemptResult::Panicked);
    }
}
