//! How a run hears that an operator has ended it (API contract, Spans: `control`).

use std::fmt;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Tells whether an operator has ended a run. Cheap to clone; obtained from
/// [`Instance::terminated`](crate::Instance::terminated).
///
/// The signal comes with any answer about the run, or at the latest with a look that the pipeline takes every
/// [`WATCH_INTERVAL`](crate::config::defaults::WATCH_INTERVAL) for the runs that somebody asked this of. It belongs to one
/// run: what comes late never reaches another one, and a run that has finished hears nothing any more.
///
/// ```
/// # use prefactor_pipeline::{AgentVersion, Prefactor};
/// # use serde_json::json;
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let run = Prefactor::disabled().instance(AgentVersion::default()).start();
/// # async fn think() -> &'static str { "because" }
/// let terminated = run.terminated();
/// tokio::select! {
///     answer = think() => run.span("agent:llm", &json!({ "prompt": "why?" })).complete(&json!({ "answer": answer })),
///     reason = terminated.wait() => eprintln!("stopped by an operator: {}", reason.unwrap_or("no reason given")),
/// }
///
/// // In code that is not async, between two steps:
/// if terminated.is_terminated() {
///     run.fail();
/// }
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Termination {
    token: CancellationToken,
    reason: Arc<OnceLock<Option<Box<str>>>>,
}

impl Termination {
    /// Whether the run was ended. For any code, also between two steps of a loop that is not async.
    pub fn is_terminated(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Why, in the operator's words; `None` where they gave none, and as long as the run was not ended.
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().and_then(Option::as_deref)
    }

    /// Waits until the run is ended, on any executor; gives the [`reason`](Self::reason). For a run that is never ended it
    /// waits for ever: put it beside the work in a `select`.
    pub async fn wait(&self) -> Option<&str> {
        self.token.cancelled().await;
        self.reason()
    }

    /// The token itself, for code that takes one. Cancelling it is the caller's affair and tells the pipeline nothing.
    pub fn token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// Ends the run, for the first reason that is given.
    pub(crate) fn terminate(&self, reason: Option<&str>) {
        if self.reason.set(reason.map(Into::into)).is_ok() {
            self.token.cancel();
        }
    }
}

impl fmt::Debug for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Termination").field("is_terminated", &self.is_terminated()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts_and_a_childs_cancellation_does_not() {
        let termination = Termination::default();
        termination.token().cancel();
        assert!(!termination.is_terminated());

        termination.terminate(Some("too expensive"));
        termination.terminate(Some("again"));

        assert!(termination.token().is_cancelled());
        assert_eq!(termination.reason(), Some("too expensive"));
    }
}
