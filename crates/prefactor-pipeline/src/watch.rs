//! Looks every now and then whether an operator has ended the runs that somebody wants to know it of.
//!
//! The signal comes with the answers to a run's own operations as a rule. A run that has nothing to report for a while would
//! not hear of it: so the API is asked, for many runs in one bulk request (`agent_instances/show`).

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use prefactor_http::{BulkItem, BulkRequest, BulkResponse, IdempotencyKey};
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
            if let Some(question) = ask_about(runs) {
                self.sender.push(SenderInput::Question(question));
            }
        }
        myself.send_after(WATCH_INTERVAL, || WatchMessage::LookDue);
        Ok(())
    }
}

/// The question how these runs stand. `None` where none of them is registered yet.
fn ask_about(runs: &[Arc<Run>]) -> Option<Question> {
    let mut asked: HashMap<String, Weak<Run>> = HashMap::new();
    let mut items = Vec::new();
    for run in runs {
        let Some(id) = run.id() else { continue };
        let key = IdempotencyKey::random();
        asked.insert(key.as_str().to_owned(), Arc::downgrade(run));
        items.push(BulkItem::new("agent_instances/show", key).with("agent_instance_id", id).ok()?);
    }
    let body = serde_json::to_vec(&BulkRequest::new(items).ok()?).ok()?;
    let answered = move |answer: &[u8]| {
        for (key, reason) in terminated(answer) {
            if let Some(run) = asked.get(&key).and_then(Weak::upgrade) {
                run.terminate(reason.as_deref());
            }
        }
    };
    Some(Question { body: Bytes::from(body), answered: Box::new(answered) })
}

/// The keys of the runs that were ended, and why.
fn terminated(answer: &[u8]) -> Vec<(String, Option<String>)> {
    let Ok(answer) = serde_json::from_slice::<BulkResponse>(answer) else { return Vec::new() };
    let ended = answer.outputs.into_iter().filter_map(|(key, output)| {
        let details = output.details()?;
        let reason = details.get("termination_reason").and_then(Value::as_str).map(str::to_owned);
        (details.get("status").and_then(Value::as_str) == Some("terminated")).then_some((key, reason))
    });
    ended.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_that_were_ended_are_told_of() {
        let answer = br#"{"status":"success","outputs":{
            "key-0001":{"status":"success","details":{"status":"active","termination_reason":null}},
            "key-0002":{"status":"success","details":{"status":"terminated","termination_reason":"no"}},
            "key-0003":{"status":"success","details":{"status":"terminated"}},
            "key-0004":{"status":"error","code":"not_found","message":"no"}}}"#;

        let mut ended = terminated(answer);

        ended.sort();
        assert_eq!(ended, [("key-0002".to_owned(), Some("no".to_owned())), ("key-0003".to_owned(), None)]);
        assert_eq!(terminated(b"<html>"), []);
    }
}
