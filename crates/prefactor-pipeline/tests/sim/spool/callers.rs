//! Callers before the pipeline of a spool, step by step.

use std::time::Duration;

use fastrand::Rng;
use prefactor_pipeline::{AgentVersion, Instance, Prefactor, Span};
use serde_json::json;
use tokio::time::{advance, sleep};

use super::world::World;
use crate::scenario::pick;

/// A machine that slept, for example. Times on disk are the system's, and jump in no seed: what is too old goes by these.
const JUMP: Duration = Duration::from_secs(3_600);

pub(super) struct Callers {
    pub(super) world: World,
    pub(super) prefactor: Prefactor,
    pub(super) runs: Vec<(Instance, Vec<Span>)>,
    pub(super) next: usize,
}

impl Callers {
    pub(super) async fn step(&mut self, rng: &mut Rng) {
        let run = if self.runs.is_empty() { None } else { Some(rng.usize(..self.runs.len())) };
        match (rng.u32(..10), run) {
            (0, _) | (_, None) => {
                let instance = self.prefactor.instance(AgentVersion::new("agent", "v1")).start();
                self.runs.push((instance, Vec::new()));
            }
            (1..5, Some(run)) => {
                let (instance, spans) = &mut self.runs[run];
                self.next += 1;
                let payload = json!({ "number": self.next, "filling": "x".repeat(rng.usize(..300)) });
                let span = match rng.usize(..=2 * spans.len()).checked_sub(spans.len() + 1) {
                    Some(parent) => spans[parent].child("agent:step", &payload),
                    None => instance.span("agent:step", &payload),
                };
                spans.push(span);
            }
            (5..7, Some(run)) => {
                let spans = &mut self.runs[run].1;
                if !spans.is_empty() {
                    let span = spans.swap_remove(rng.usize(..spans.len()));
                    span.complete(&json!({ "number": 0 }));
                }
            }
            (7, Some(run)) => drop(self.runs.swap_remove(run)),
            _ if rng.u32(..20) == 0 => {
                self.world.lock().note("the clock jumps by an hour");
                advance(JUMP).await;
            }
            _ => {
                let longest = pick(rng, &[100, 3_000, 60_000]);
                sleep(Duration::from_millis(rng.u64(0..longest))).await;
            }
        }
    }
}
