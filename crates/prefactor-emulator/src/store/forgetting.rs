//! Forgets the spans of runs that finished long ago, so that a load may go on for days.
//!
//! The runs stay, with the counts of their spans: a span that came again after it was forgotten would be counted twice.

use super::Store;

/// Which runs have finished, and how many of them keep their spans.
#[derive(Debug, Default)]
pub(super) struct Forgetting {
    /// None: nothing is ever forgotten.
    kept: Option<usize>,
    /// Runs that finished and have their spans, in the order of their ends.
    finished: Vec<usize>,
    /// So many spans were forgotten.
    spans: usize,
}

impl Forgetting {
    pub(super) fn forgotten(&self) -> usize {
        self.spans
    }
}

impl Store {
    /// Keeps the spans of so many runs that finish from now on.
    pub(crate) fn keep_finished(&mut self, runs: usize) {
        self.forgetting.kept = Some(runs);
    }

    /// Notes that this run has finished, and forgets the spans of older ones. That takes a look at all keys, so it waits
    /// until there is as much to forget as to keep.
    pub(super) fn forget_beyond(&mut self, finished: usize) {
        let Some(kept) = self.forgetting.kept else { return };
        self.forgetting.finished.push(finished);
        let surplus = self.forgetting.finished.len().saturating_sub(kept);
        if surplus <= kept {
            return;
        }
        for run in self.forgetting.finished.drain(..surplus) {
            for index in std::mem::take(&mut self.instances[run].spans) {
                let span = self.spans.remove(index);
                self.span_index.remove(&span.id);
                self.forgetting.spans += 1;
            }
        }
        self.seen_keys.keep_those_of(&self.spans);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use prefactor_pfid::Partition;
    use serde_json::{Value, json};

    use super::*;
    use crate::action::{ActionName, Scope};
    use crate::call;
    use crate::store::{Call, Ids};

    fn store() -> Store {
        let noon: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        Store::new(Ids::new(Partition::new(7).unwrap()), noon)
    }

    fn done(store: &mut Store, name: ActionName, target: Option<&str>, body: &Value) -> Value {
        let body = body.to_string();
        let (action, key) = call::read(name, target, body.as_bytes()).unwrap();
        let (mut out, now) = (Vec::new(), store.latest());
        store.apply(Call { action, key, scope: Scope::Deployment, now }, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    /// A run with three spans, finished; gives its id.
    fn run(store: &mut Store, key: &str) -> String {
        let registered = done(store, ActionName::RegisterInstance, None, &json!({}));
        let run = registered["details"]["id"].as_str().unwrap().to_owned();
        for span in 0..3 {
            done(store, ActionName::CreateSpan, None, &create(&run, &format!("{key}-{span}")));
        }
        done(store, ActionName::StartInstance, Some(&run), &json!({}));
        done(store, ActionName::FinishInstance, Some(&run), &json!({}));
        run
    }

    fn create(run: &str, key: &str) -> Value {
        json!({ "idempotency_key": key, "details": { "agent_instance_id": run, "schema_name": "x", "status": "active" } })
    }

    #[test]
    fn spans_of_old_runs_go_and_all_counts_stay() {
        let mut store = store();
        store.keep_finished(2);

        let runs: Vec<_> = (0..9).map(|number| run(&mut store, &format!("key-{number}"))).collect();

        let kept = |store: &Store| store.spans.len();
        assert!((6..=15).contains(&kept(&store)), "{}", kept(&store));
        assert_eq!((store.span_count(), store.span_index.len()), (27, kept(&store)));
        assert!(store.instances.iter().all(|run| run.span_counts.total() == 3));

        // A key that is kept has no second effect; one that is forgotten with its span has, and shows in the counts.
        done(&mut store, ActionName::CreateSpan, None, &create(&runs[8], "key-8-0"));
        assert_eq!(store.span_count(), 27);
        done(&mut store, ActionName::CreateSpan, None, &create(&runs[0], "key-0-0"));
        assert_eq!((store.span_count(), store.instances[0].span_counts.total()), (28, 4));
    }

    #[test]
    fn nothing_is_forgotten_unless_it_is_asked_for() {
        let mut store = store();

        for number in 0..9 {
            run(&mut store, &format!("key-{number}"));
        }

        assert_eq!((store.spans.len(), store.span_count()), (27, 27));
    }
}
