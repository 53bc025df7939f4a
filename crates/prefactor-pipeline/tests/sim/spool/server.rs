//! The server's state over the lives of several pipelines.

use std::collections::{BTreeMap, HashMap};

use prefactor_pfid::Stem;

use crate::bulk::{self, Item};
use crate::server::partition;

/// How a run or a span stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Active,
    Finished,
}

/// Why an item has no effect.
enum Refusal {
    /// Callers who know what they have been told would never send this.
    Broken(&'static str),
    /// The same may be right after a crash, or before an answer.
    Code(&'static str),
}

/// Runs, or spans.
#[derive(Default)]
struct Things {
    /// Gives them other ids than they ask for.
    assigns_ids: bool,
    things: BTreeMap<String, Status>,
    /// The id of each, by the one that it has asked for.
    ids: HashMap<String, String>,
}

#[derive(Default)]
pub(super) struct Server {
    runs: Things,
    spans: Things,
    /// Answers to the keys that had an effect.
    outputs: HashMap<String, String>,
}

impl Things {
    fn make(&mut self, asked: Option<&String>, status: Status, own: String) -> Result<String, Refusal> {
        let id = asked.filter(|_| !self.assigns_ids).cloned().unwrap_or(own);
        let twice = asked.is_some_and(|asked| self.ids.insert(asked.clone(), id.clone()).is_some());
        if twice || self.things.insert(id.clone(), status).is_some() {
            return Err(Refusal::Broken("it is made twice"));
        }
        Ok(id)
    }

    fn find(&mut self, id: Option<&String>) -> Result<&mut Status, Refusal> {
        let id = id.ok_or(Refusal::Broken("no id"))?;
        // As long as nobody knows the server's id, the other one is as good a guess as any.
        let is_guess = self.assigns_ids && self.ids.contains_key(id);
        let unknown = if is_guess { Refusal::Code("not_found") } else { Refusal::Broken("nobody knows it") };
        self.things.get_mut(id).ok_or(unknown)
    }

    fn change(&mut self, id: Option<&String>, from: &[Status], to: Status) -> Result<String, Refusal> {
        let status = self.find(id)?;
        if !from.contains(status) {
            return Err(Refusal::Broken("it is not in that state"));
        }
        *status = to;
        Ok(id.cloned().unwrap_or_default())
    }

    /// How the thing stands that has asked for this id.
    fn asked_as(&self, asked: &str) -> Option<Status> {
        self.things.get(self.ids.get(asked)?).copied()
    }
}

impl Server {
    pub(super) fn new(assigns_run_ids: bool, assigns_span_ids: bool) -> Self {
        let things = |assigns_ids| Things { assigns_ids, ..Things::default() };
        Self { runs: things(assigns_run_ids), spans: things(assigns_span_ids), outputs: HashMap::new() }
    }

    /// Processes items up to the first one that is refused; gives their outputs.
    ///
    /// # Errors
    /// The promise that was broken.
    pub(super) fn process(&mut self, items: &[Item]) -> Result<Vec<(String, String)>, String> {
        let mut outputs = Vec::new();
        for item in items {
            let output = match self.outputs.get(&item.key) {
                Some(known) => known.clone(),
                None => match self.apply(item) {
                    Ok(id) => bulk::success(&id),
                    Err(Refusal::Broken(what)) => return Err(format!("{what}: {item:?}")),
                    Err(Refusal::Code(code)) => {
                        outputs.push((item.key.clone(), bulk::error(code)));
                        break;
                    }
                },
            };
            self.outputs.insert(item.key.clone(), output.clone());
            outputs.push((item.key.clone(), output));
        }
        Ok(outputs)
    }

    /// Does what an item says. Everything comes once, and in its order.
    fn apply(&mut self, item: &Item) -> Result<String, Refusal> {
        use Status::{Active, Finished, Pending};
        let own = own_id(self.runs.things.len() + self.spans.things.len());
        let run = item.agent_instance_id.as_ref();
        match item.action.as_str() {
            // A run of an earlier process may be registered already under an id that is not known there.
            "agent_instances/register" => self.runs.make(item.id.as_ref(), Pending, own),
            "agent_instances/start" => self.runs.change(run, &[Pending], Active),
            "agent_instances/finish" => self.runs.change(run, &[Pending, Active], Finished),
            "agent_spans/finish" => {
                let id = item.agent_span_id.as_ref();
                if *self.spans.find(id)? == Finished {
                    // It went with its creation, and a crash came before the disk knew.
                    return Err(Refusal::Code("invalid_action"));
                }
                self.spans.change(id, &[Active], Finished)
            }
            "agent_spans/create" => {
                let details = item.details.as_ref().ok_or(Refusal::Broken("no details"))?;
                if *self.runs.find(Some(&details.agent_instance_id))? != Active {
                    return Err(Refusal::Broken("a span of a run that is not active"));
                }
                if details.parent_span_id.is_some() {
                    self.spans.find(details.parent_span_id.as_ref())?;
                }
                let status = if details.status == "active" { Active } else { Finished };
                self.spans.make(Some(&details.id), status, own)
            }
            _ => Err(Refusal::Broken("an action that nobody calls")),
        }
    }

    /// All that the disk has kept is here: spans by the ids that they were given at their calls, with whether their finish is
    /// kept as well.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn has_all(&self, synced: &BTreeMap<String, bool>) -> Result<(), String> {
        for (id, finished) in synced {
            match self.spans.asked_as(id) {
                None => return Err("a span that was synced has not arrived".to_owned()),
                Some(Status::Active) if *finished => {
                    return Err("the finish of a span that was synced has not arrived".to_owned());
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// An id of the server's choice.
fn own_id(number: usize) -> String {
    let stem = Stem::new(number as u64, [7; 10]).expect("a small time");
    stem.with_partition(partition()).to_string()
}
