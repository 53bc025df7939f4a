//! What must hold at every step, and at the end.

use prefactor_pipeline::{LossReason, Prefactor, Tally};

use crate::scenario::{LONGEST_FILLING, Scenario};
use crate::story::Told;

/// More than an operation without content takes, and more than an item of a request has beside its content.
const MOST_WITHOUT_CONTENT: u64 = 600;

/// The ledger adds up, tells the same as the hooks, and the memory stays within the budget.
pub(crate) fn at_every_step(told: &Told, prefactor: &Prefactor, scenario: &Scenario) -> Result<(), String> {
    let (ledger, held) = (prefactor.ledger(), prefactor.memory_in_use());
    told.accounts.agree(&ledger)?;
    let calls = &told.calls;
    if !(calls.made..=calls.made + calls.implied).contains(&ledger.accepted.operations) {
        return Err(format!("{} and {} calls, but {ledger}", calls.made, calls.implied));
    }
    // Beyond what the budget allows come the bodies of requests, and bodies of single large operations.
    let in_flight = ledger.in_flight();
    let largest = scenario.request_bytes().max(LONGEST_FILLING as u64 + MOST_WITHOUT_CONTENT);
    let bodies = held.checked_sub(in_flight.bytes).ok_or("less is held than is in flight")?;
    if bodies > largest * scenario.lanes as u64 {
        return Err(format!("{held} bytes are held for {} in flight", in_flight.bytes));
    }
    let most = scenario.operations_budget() + calls.forced * MOST_WITHOUT_CONTENT;
    if in_flight.bytes > most {
        return Err(format!("{} bytes in flight are over the budget of {most}", in_flight.bytes));
    }
    for (number, run) in calls.runs.iter().enumerate() {
        let present = run.calls.iter().filter(|call| call.present).count() as u64;
        let delivered = told.accounts.of_run(number).delivered;
        if delivered > present + told.server.in_vain(number) {
            return Err(format!("of run {number} {delivered} are said to be delivered, and {present} are"));
        }
    }
    for reason in told.accounts.lost() {
        let allowed = match reason {
            LossReason::QueueFull => true,
            LossReason::ShutDown => calls.closed,
            LossReason::Unauthorized => calls.closed && told.way.saw_unauthorized,
            LossReason::Unreachable => calls.closed && told.way.saw_trouble,
            _ => false,
        };
        if !allowed {
            return Err(format!("lost, {reason}, without a reason: {ledger}"));
        }
    }
    Ok(())
}

/// How many calls of each run there were at a moment.
pub(crate) type Mark = Vec<usize>;

pub(crate) fn mark(told: &Told) -> Mark {
    told.calls.runs.iter().map(|run| run.calls.len()).collect()
}

/// Whatever was admitted up to the mark is part of the server's state, or was told to be rejected or lost. `spares` tells
/// whether only runs may miss something of which the server has refused something for good.
pub(crate) fn has_arrived(told: &Told, mark: &Mark, spares: bool) -> Result<(), String> {
    let elsewhere = told.accounts.undelivered_elsewhere();
    for (number, (run, count)) in told.calls.runs.iter().zip(mark).enumerate() {
        let refused = run.calls.iter().filter(|call| !call.is_admitted()).count() as u64;
        let later = told.accounts.of_run(number).undelivered.saturating_sub(refused);
        let missing = run.missing(*count);
        if missing.len() as u64 > later + elsewhere + told.server.in_vain(number) {
            return Err(format!("of run {number} {missing:?} is missing, and {later} were told to be"));
        }
        if spares && later > 0 && !told.server.spoilt.contains(&number) {
            return Err(format!("{later} operations of run {number} were rejected for no reason"));
        }
    }
    Ok(())
}

/// Nothing is left on its way.
pub(crate) fn is_settled(told: &Told, prefactor: &Prefactor) -> Result<(), String> {
    let (ledger, held) = (prefactor.ledger(), prefactor.memory_in_use());
    if ledger.in_flight() != Tally::default() || held != 0 || told.accounts.settled() != ledger.accepted {
        return Err(format!("something is left: {ledger:?}, {held} bytes held"));
    }
    Ok(())
}

/// What must hold of the server's state once nothing changes any more.
pub(crate) fn in_the_end(told: &Told, spares: bool) -> Result<(), String> {
    has_arrived(told, &mark(told), spares)?;
    told.server.is_as_called(&told.calls)
}
