//! The requests that are under way or waiting for their turn. No clock: time is an argument.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::Instant;

use super::attempt::Attempt;
use super::gate::Gate;
use crate::batcher::Batch;
use crate::operation::Operation;
use crate::pipeline::HeldBody;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId(u64);

/// A batch as a request: its body is written once, so that every attempt sends the same bytes.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) batch: Batch,
    pub(crate) body: Bytes,
    /// The body counts against the byte budget, as everything else that waits.
    pub(crate) held: HeldBody,
    /// Attempts that failed.
    pub(crate) failures: u32,
    /// How many requests had succeeded when this one failed first.
    successes_before: u64,
    /// It waits to the end, whatever others achieve: the API said for how long, or it has failed again after it was
    /// hastened once. What the API never takes must not be sent whenever it takes something else.
    pub(crate) patient: bool,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Waiting { not_before: Instant },
    UnderWay { _attempt: Attempt },
}

impl Flight {
    pub(crate) fn new(batch: Batch, body: Bytes, held: HeldBody, now: Instant) -> Self {
        Self {
            batch,
            body,
            held,
            failures: 0,
            successes_before: 0,
            patient: false,
            phase: Phase::Waiting { not_before: now },
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Lanes {
    flights: BTreeMap<FlightId, Flight>,
    next: u64,
    pub(crate) gate: Gate,
    successes: u64,
    /// Something has failed since the last success.
    troubled: bool,
}

impl Lanes {
    pub(crate) fn add(&mut self, flight: Flight) {
        self.flights.insert(FlightId(self.next), flight);
        self.next += 1;
    }

    /// Takes the operations of all flights, which ends their attempts. For the end of the pipeline.
    pub(crate) fn take_all(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.flights).into_values().flat_map(|flight| flight.batch.operations).collect()
    }

    /// Takes a flight out whose attempt has ended.
    pub(crate) fn take(&mut self, id: FlightId) -> Option<Flight> {
        self.flights.remove(&id)
    }

    /// Puts a flight back that has failed, to be tried again then.
    pub(crate) fn put_back(&mut self, id: FlightId, mut flight: Flight, not_before: Instant) {
        flight.failures += 1;
        flight.phase = Phase::Waiting { not_before };
        self.flights.insert(id, flight);
    }

    /// Takes note that an attempt at this flight, which is taken out, got no useful answer.
    pub(crate) fn troubled(&mut self, flight: &mut Flight) {
        self.troubled = true;
        if flight.failures == 0 {
            flight.successes_before = self.successes;
        }
    }

    /// Whether the API has taken others since it did not take this one.
    pub(crate) fn others_succeeded(&self, flight: &Flight) -> bool {
        self.successes > flight.successes_before
    }

    /// The API works: whoever waits because it did not need wait no longer. Tells whether there had been trouble.
    pub(crate) fn succeeded(&mut self, now: Instant) -> bool {
        self.gate.succeeded();
        self.successes += 1;
        for flight in self.flights.values_mut() {
            if let Phase::Waiting { not_before } = &mut flight.phase
                && !flight.patient
                && *not_before > now
            {
                *not_before = now;
                flight.patient = true;
            }
        }
        std::mem::take(&mut self.troubled)
    }

    /// Starts every attempt that may start now; `start` is told which flight, its body, and whether it is sent again.
    pub(crate) fn launch(&mut self, now: Instant, start: impl Fn(FlightId, Bytes, bool) -> Attempt) {
        let mut under_way =
            self.flights.values().filter(|flight| matches!(flight.phase, Phase::UnderWay { .. })).count();
        for (id, flight) in &mut self.flights {
            let Phase::Waiting { not_before } = flight.phase else { continue };
            if not_before <= now && self.gate.is_open(now, under_way) {
                flight.phase =
                    Phase::UnderWay { _attempt: start(*id, flight.body.clone(), flight.failures > 0) };
                under_way += 1;
            }
        }
    }

    /// When the next attempt may start, if one waits for its time.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let waiting = self.flights.values().filter_map(|flight| match flight.phase {
            Phase::Waiting { not_before } => Some(not_before),
            Phase::UnderWay { .. } => None,
        });
        let due = waiting.min()?;
        Some(self.gate.opens_at(now).map_or(due, |opens_at| opens_at.max(due))).filter(|due| *due > now)
    }
}

#[cfg(test)]
mod tests;
