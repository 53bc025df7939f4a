//! What the sender is told.

use std::fmt;

use bytes::Bytes;
use prefactor_http::RawResponse;

use super::attempt::AttemptResult;
use super::lanes::FlightId;
use crate::batcher::Batch;
use crate::inbox::{Inbox, Wake};

/// Orders; the work itself waits in the [`SenderInbox`].
#[derive(Debug)]
pub(crate) enum SenderMessage {
    /// From whoever put something into the inbox.
    WorkArrived,
    /// From the sender's own timer: a waiting request may go.
    AttemptDue,
}

impl Wake for SenderMessage {
    fn wake() -> Self {
        Self::WorkArrived
    }
}

pub(crate) type SenderInbox = Inbox<SenderInput, SenderMessage>;

#[derive(Debug)]
pub(crate) enum SenderInput {
    /// From the batcher: a batch for a free lane.
    Batch(Batch),
    /// From the task of an attempt: it has ended.
    AttemptFinished { flight: FlightId, result: AttemptResult },
    /// From the watch.
    Question(Question),
    /// From the task that has asked it.
    QuestionAnswered(Question, RawResponse),
}

/// Takes an answer that is neither about a rate limit nor about the token.
pub(crate) type Answered = Box<dyn FnOnce(&RawResponse) + Send>;

/// A bulk request that changes nothing. It is asked once if it can be now, and not at all otherwise.
pub(crate) struct Question {
    pub(crate) body: Bytes,
    pub(crate) answered: Answered,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("body_len", &self.body.len()).finish_non_exhaustive()
    }
}
