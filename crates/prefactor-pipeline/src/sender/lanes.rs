//! The requests that are under way or waiting for their turn. No clock: time is an argument.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};

use super::allowance::Allowance;
use super::attempt::{Attempt, Cargo};
use super::gate::Gate;
use crate::batcher::{Batch, Doubt, Lease};
use crate::operation::Operation;

/// So many requests may fail in a row before it counts as an outage.
const FEW_FAILURES: u32 = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FlightId(u64);

/// A batch as a request.
#[derive(Debug)]
pub(crate) struct Flight {
    /// Its attempt works on them too.
    cargo: Cargo,
    /// How many operations that are.
    pub(crate) items: usize,
    pub(crate) doubt: Doubt,
    pub(crate) lease: Lease,
    /// How often it was refused for the sake of a rate limit or of the token.
    pub(crate) refusals: u32,
    /// When it was last sent.
    pub(crate) sent_at: Instant,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Waiting { not_before: Instant },
    UnderWay { _attempt: Attempt },
}

impl Flight {
    pub(crate) fn new(Batch { operations, doubt, lease }: Batch, now: Instant) -> Self {
        let (items, cargo) = (operations.len(), Cargo::new(operations));
        let phase = Phase::Waiting { not_before: now };
        Self { cargo, items, doubt, lease, refusals: 0, sent_at: now, phase }
    }

    /// Takes the operations. An attempt that is still under way has nothing more to do.
    pub(crate) fn unload(&mut self) -> Vec<Operation> {
        self.cargo.take()
    }

    fn is_repeated(&self) -> bool {
        self.refusals > 0 || self.doubt.exists()
    }
}

#[derive(Debug)]
pub(crate) struct Lanes {
    flights: BTreeMap<FlightId, Flight>,
    next: u64,
    pub(crate) gate: Gate,
    pub(crate) allowance: Allowance,
    pub(crate) successes: u64,
    /// Requests that have failed since the last success.
    failures_in_a_row: u32,
}

impl Lanes {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            flights: BTreeMap::new(),
            next: 0,
            gate: Gate::default(),
            allowance: Allowance::new(now),
            successes: 0,
            failures_in_a_row: 0,
        }
    }

    pub(crate) fn add(&mut self, flight: Flight) {
        self.flights.insert(FlightId(self.next), flight);
        self.next += 1;
    }

    /// Takes the operations of all flights, which ends their attempts. For the end of the pipeline.
    pub(crate) fn take_all(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.flights).into_values().flat_map(|mut flight| flight.unload()).collect()
    }

    /// Takes a flight out whose attempt has ended.
    pub(crate) fn take(&mut self, id: FlightId) -> Option<Flight> {
        self.flights.remove(&id)
    }

    /// Puts a flight back that was refused, to be tried again then.
    pub(crate) fn put_back(&mut self, id: FlightId, mut flight: Flight, not_before: Instant) {
        flight.refusals += 1;
        flight.phase = Phase::Waiting { not_before };
        self.flights.insert(id, flight);
    }

    /// Takes note of a request that got no useful answer. Where nobody gets one any more, there is one try in each `pace`,
    /// however many there are to try.
    pub(crate) fn failed(&mut self, now: Instant, pace: Duration) {
        self.failures_in_a_row += 1;
        if self.failures_in_a_row > FEW_FAILURES {
            self.gate.close_until(now + pace);
        }
    }

    /// The API works. Tells whether there had been trouble.
    pub(crate) fn succeeded(&mut self) -> bool {
        self.gate.succeeded();
        self.successes += 1;
        std::mem::take(&mut self.failures_in_a_row) > 0
    }

    /// Starts every attempt that may start now; `start` is told which flight, its operations, and whether it is sent again.
    pub(crate) fn launch(&mut self, now: Instant, start: impl Fn(FlightId, Cargo, bool) -> Attempt) {
        let mut under_way =
            self.flights.values().filter(|flight| matches!(flight.phase, Phase::UnderWay { .. })).count();
        for (id, flight) in &mut self.flights {
            let Phase::Waiting { not_before } = flight.phase else { continue };
            let may_go = self.allowance.next().is_none_or(|next| next <= now);
            if not_before <= now && may_go && self.gate.is_open(now, under_way) {
                self.allowance.sent(flight.items, now);
                flight.sent_at = now;
                let attempt = start(*id, flight.cargo.clone(), flight.is_repeated());
                flight.phase = Phase::UnderWay { _attempt: attempt };
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
        Some(due).max(self.gate.opens_at(now)).max(self.allowance.next()).filter(|due| *due > now)
    }
}

#[cfg(test)]
mod tests;
