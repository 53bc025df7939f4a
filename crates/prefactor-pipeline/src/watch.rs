//! Looks every now and then whether an operator has ended the runs that somebody wants to know it of.
//!
//! The signal comes with the answers to a run's own operations as a rule. A run that has nothing to report for a while would
//! not hear of it: so the API is asked, for many runs in one bulk request (`agent_instances/show`).

use std::sync::{Arc, Weak};

use bytes::Bytes;
use prefactor_http::{BulkItem, BulkOutput, BulkRequest, BulkResponse, IdempotencyKey, RawResponse};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::Value;

use crate::config::defaults::{MAX_BATCH_ITEMS, WATCH_INTERVAL};
use crate::instance::Run;
use crate::pipeline::Pipeline;
use crate::sender::{Question, SenderInbox, SenderInput};

#[derive(Debug)]
pub(crate) enum WatchMessage {
    /// From the watch's own timer.
    LookDue,
}

#[derive(Debug)]
pub(crate) struct WatchActor {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) sender: Arc<SenderInbox>,
}

impl Actor for WatchActor {
    type Msg = WatchMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        myself.send_after(WATCH_INTERVAL, || WatchMessage::LookDue);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        WatchMessage::LookDue: WatchMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        for runs in self.pipeline.watched().chunks(MAX_BATCH_ITEMS) {
            ask_about(runs.iter().map(Arc::downgrade).collect(), &self.sender);
        }
        myself.send_after(WATCH_INTERVAL, || WatchMessage::LookDue);
        Ok(())
    }
}

/// Asks how these runs stand, and tells those that were ended.
fn ask_about(runs: Vec<Weak<Run>>, sender: &Arc<SenderInbox>) {
    let mut asked: Vec<(String, Weak<Run>)> = Vec::new();
    let mut items = Vec::new();
    for run in runs {
        let Some(id) = run.upgrade().and_then(|run| run.id()) else { continue };
        let key = IdempotencyKey::random();
        asked.push((key.as_str().to_owned(), run));
        items.extend(BulkItem::new("agent_instances/show", key).with("agent_instance_id", id));
    }
    let Some(body) = BulkRequest::new(items).ok().and_then(|request| serde_json::to_vec(&request).ok())
    else {
        return;
    };
    let again = Arc::clone(sender);
    let answered = move |answer: &RawResponse| {
        for runs in left_unanswered(asked, answer) {
            ask_about(runs, &again);
        }
    };
    sender.push(SenderInput::Question(Question { body: Bytes::from(body), answered: Box::new(answered) }));
}

/// Tells the runs that were ended, and gives back those of which the answer says nothing: a bulk request stops at its first
/// error (API contract, Bulk), and one with too many items is refused as a whole.
fn left_unanswered(mut asked: Vec<(String, Weak<Run>)>, answer: &RawResponse) -> Vec<Vec<Weak<Run>>> {
    if matches!(answer.status, 400 | 413 | 422) && asked.len() > 1 {
        let rest = asked.split_off(asked.len() / 2);
        return [asked, rest].map(|half| half.into_iter().map(|(_, run)| run).collect()).into();
    }
    let Ok(BulkResponse { outputs, .. }) = serde_json::from_slice(&answer.body) else { return Vec::new() };
    for (key, run) in &asked {
        if let Some(reason) = outputs.get(key).and_then(termination)
            && let Some(run) = run.upgrade()
        {
            run.terminate(reason.as_deref());
        }
    }
    let is_answered = |key: &String| outputs.contains_key(key);
    // An answer that says nothing of any of them would be the same the next time.
    if !asked.iter().any(|(key, _)| is_answered(key)) {
        return Vec::new();
    }
    let left: Vec<_> = asked.into_iter().filter(|(key, _)| !is_answered(key)).map(|(_, run)| run).collect();
    if left.is_empty() { Vec::new() } else { vec![left] }
}

/// Why the run was ended, if it was.
fn termination(output: &BulkOutput) -> Option<Option<String>> {
    let details = output.details()?;
    let reason = details.get("termination_reason").and_then(Value::as_str).map(str::to_owned);
    (details.get("status").and_then(Value::as_str) == Some("terminated")).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn asked<const N: usize>(runs: &[Arc<Run>; N]) -> Vec<(String, Weak<Run>)> {
        runs.iter().enumerate().map(|(n, run)| (format!("key-000{n}"), Arc::downgrade(run))).collect()
    }

    #[test]
    fn runs_that_were_ended_are_told_and_those_behind_an_error_are_asked_about_again() {
        let pipeline = fixture::pipeline();
        let runs = [0, 1, 2, 3, 4].map(|n| fixture::run(&pipeline, n));
        let answer = r#"{"status":"success","outputs":{
            "key-0000":{"status":"success","details":{"status":"active","termination_reason":null}},
            "key-0001":{"status":"success","details":{"status":"terminated","termination_reason":"no"}},
            "key-0002":{"status":"success","details":{"status":"terminated"}},
            "key-0003":{"status":"error","code":"not_found","message":"no"}}}"#;

        let left = left_unanswered(asked(&runs), &RawResponse::new(200, answer));

        let ended = runs.each_ref().map(|run| run.is_terminated());
        assert_eq!(ended, [false, true, true, false, false]);
        assert_eq!(runs[1].termination().reason(), Some("no"));
        let left: Vec<_> = left.iter().flatten().filter_map(Weak::upgrade).map(|run| run.key()).collect();
        assert_eq!(left, [runs[4].key()]);
    }

    #[test]
    fn too_many_are_asked_about_in_halves_and_what_is_not_understood_is_left() {
        let pipeline = fixture::pipeline();
        let runs = [0, 1, 2].map(|n| fixture::run(&pipeline, n));

        let halves = left_unanswered(asked(&runs), &RawResponse::new(422, "{}"));

        assert_eq!(halves.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        for (status, body) in [(200, "<html>"), (500, ""), (200, r#"{"status":"success","outputs":{}}"#)] {
            assert!(left_unanswered(asked(&runs), &RawResponse::new(status, body)).is_empty());
        }
    }
}
