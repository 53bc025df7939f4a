//! The answer to a bulk request: what the sender makes of it is what a plain reading of the JSON says.
//!
//! The input is the body. The request had an item for each of the [`KEYS`], sent as often before as its place says.

use prefactor_http::{RawResponse, StatusCodes};
use prefactor_pipeline::RejectReason;
use prefactor_pipeline::workbench::{ItemOutcome, Key, Outcome, Signal, judge};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::unique;

const KEYS: [&Key; 4] = [
    b"caaaaaaaaaaaaaaaaaaaaaaaaaa",
    b"cbbbbbbbbbbbbbbbbbbbbbbbbbb",
    b"fcccccccccccccccccccccccccc",
    b"edddddddddddddddddddddddddd",
];

/// Judges the body as that of a success and of a refusal.
pub fn check(body: &[u8]) {
    let success = judged(200, body);
    let refusal = judged(422, body);
    if let Outcome::Processed { outcomes, signals } = &success {
        assert_eq!(outcomes.len(), KEYS.len(), "an outcome for each item");
        assert!(signals.iter().all(|signal| signal.item.is_none_or(|item| item < KEYS.len())));
    }
    // No JSON: what was garbled within the details may go unnoticed, since they are skipped.
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        assert_eq!(refusal, Outcome::Trouble(None), "no JSON");
        return;
    }
    // What is cut short is never believed, whatever it says before that.
    let whole = body.trim_ascii_end();
    for cut in [whole.len() / 2, whole.len() - 1] {
        assert_eq!(judged(200, &whole[..cut]), Outcome::Trouble(None), "cut to {cut} bytes");
    }
    // A name that stands twice, an array in the place of an order, nesting beyond reason, strings that are no text: readers
    // of JSON differ on these, and any understanding of them will do.
    let Some(answer) = unique::value(body).filter(is_plain) else { return };
    assert_eq!(refusal, expected_of_refusal(&answer));
    assert_eq!(success, expected(&answer));
}

fn judged(status: u16, body: &[u8]) -> Outcome {
    let items: Vec<_> = (0..).zip(KEYS).map(|(attempts, key)| (*key, attempts)).collect();
    judge(&items, &RawResponse::new(status, body.to_vec()), &StatusCodes::default())
}

/// The body is no array, and no order is one.
fn is_plain(answer: &Value) -> bool {
    let outputs = answer.get("outputs");
    let each = outputs.and_then(Value::as_object).into_iter().flat_map(|outputs| outputs.values());
    let controls = each.map(|output| output.get("control")).chain([answer.get("control")]);
    !answer.is_array() && !controls.flatten().any(Value::is_array)
}

fn expected(answer: &Value) -> Outcome {
    const NOT_UNDERSTOOD: Outcome = Outcome::Trouble(None);
    let Some(outputs) = answer.get("outputs").and_then(Value::as_object) else { return NOT_UNDERSTOOD };
    let are_too_many = outputs.len() > 2 * KEYS.len() + 16;
    if are_too_many || !outputs.values().all(Value::is_object) {
        return NOT_UNDERSTOOD;
    }
    let mut signals: Vec<_> = signal(answer, None).into_iter().collect();
    let mut outcomes = Vec::new();
    for (item, key) in KEYS.iter().enumerate() {
        let key = std::str::from_utf8(*key).expect("keys are text");
        let output = outputs.get(key);
        outcomes.push(output.map_or(ItemOutcome::NotProcessed, |output| expected_of_item(output, item)));
        signals.extend(output.and_then(|output| signal(output, Some(item))));
    }
    match outcomes.iter().all(|outcome| *outcome == ItemOutcome::NotProcessed) {
        true => NOT_UNDERSTOOD,
        false => Outcome::Processed { outcomes, signals },
    }
}

fn expected_of_item(output: &Value, attempts: usize) -> ItemOutcome {
    let text = |name: &str| output.get(name).and_then(Value::as_str);
    if text("status") == Some("success") {
        let id = output.get("details").and_then(|details| details.get("id"));
        return ItemOutcome::Delivered(id.and_then(Value::as_str).and_then(|id| id.parse().ok()));
    }
    let for_a_while = |reason| if attempts < 2 { ItemOutcome::Retry } else { ItemOutcome::Rejected(reason) };
    match text("code").unwrap_or_default() {
        "invalid_action" => ItemOutcome::OutOfState,
        "validation_error" | "validation_errors" | "bad_request" => {
            ItemOutcome::Rejected(RejectReason::Validation)
        }
        "conflict" => ItemOutcome::Rejected(RejectReason::Conflict),
        "unauthorized" | "bad_authtoken" | "forbidden" => ItemOutcome::Rejected(RejectReason::Unauthorized),
        "internal_error"
        | "internal_server_error"
        | "service_unavailable"
        | "timeout"
        | "too_many_requests" => ItemOutcome::Retry,
        "not_found" => for_a_while(RejectReason::NotFound),
        _ => for_a_while(RejectReason::Other),
    }
}

fn signal(beside: &Value, item: Option<usize>) -> Option<Signal> {
    let control = beside.get("control")?.as_object()?;
    let reason = match control.get("reason") {
        None | Some(Value::Null) => None,
        Some(reason) => Some(reason.as_str()?.to_owned()),
    };
    control.get("terminate")?.as_bool()?.then_some(Signal { item, reason })
}

fn expected_of_refusal(answer: &Value) -> Outcome {
    match answer.get("status").and_then(Value::as_str) {
        Some("error") => Outcome::RefusedAsWhole,
        _ => Outcome::Trouble(None),
    }
}
