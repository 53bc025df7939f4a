//! Tells the page that something has changed, as server-sent events.
//!
//! Each reader looks for itself whether the store has moved on, a few times a second, and only when its connection can
//! take more: what changes in between is one notice, a slow reader misses some and holds up nobody, and the path of the
//! spans knows nothing of any reader.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use tokio::time::{Interval, MissedTickBehavior};

use crate::shared::Shared;

/// How often a reader looks.
const PERIOD: Duration = Duration::from_millis(300);

/// After so many looks without a change a comment is sent: only a write finds out that the reader is gone.
const QUIET_LOOKS: u32 = 50;

pub(super) async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let mut looks = tokio::time::interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let body = Body::new(Notices { shared, looks, told: None, quiet: 0 });
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The endless body of one reader.
struct Notices {
    shared: Arc<Shared>,
    looks: Interval,
    /// The number of the last effect this reader was told of.
    told: Option<u64>,
    quiet: u32,
}

impl Notices {
    fn look(&mut self) -> Option<String> {
        let store = self.shared.store();
        let sequence = store.sequence();
        if self.told == Some(sequence) {
            self.quiet += 1;
            if self.quiet < QUIET_LOOKS {
                return None;
            }
            self.quiet = 0;
            return Some(":\n\n".to_owned());
        }
        let (account, runs, spans) = (store.account_id(), store.instances().len(), store.span_count());
        drop(store);
        self.told = Some(sequence);
        self.quiet = 0;
        // The account tells a page that outlived its emulator that this is another one.
        Some(format!(
            "retry: 1000\ndata: {{\"account\":\"{account}\",\"sequence\":{sequence},\"runs\":{runs},\"spans\":{spans}}}\n\n"
        ))
    }
}

impl hyper::body::Body for Notices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            ready!(self.looks.poll_tick(context));
            if let Some(text) = self.look() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
    }
}
