//! What an answer means for the operations of a batch: a pure function of the two.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use prefactor_http::{RawResponse, StatusCodes};
use prefactor_pfid::Pfid;

use super::answer::{self, Output, Text};
use crate::ledger::RejectReason;
use crate::wire::Key;

/// How often an item is sent whose error may pass, before it counts as refused: a new agent may take a moment to be
/// visible (API contract, Transport: 404). With the default waits that is decided within three seconds, which is soon
/// enough for the report of a shutdown to name it.
pub(crate) const MAX_ITEM_ATTEMPTS: u8 = 3;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The API went through the items.
    Processed {
        /// One for each operation, in their order.
        outcomes: Vec<ItemOutcome>,
        /// What it has to say beside that.
        signals: Vec<Signal>,
    },
    /// The request is larger than the API takes.
    TooLarge,
    /// The API refuses the request as a whole: too many items, or one of them spoils it.
    RefusedAsWhole,
    /// The rate limit was hit; everyone waits, for as long as the API says if it says so.
    RateLimited(Option<Duration>),
    /// The token is not accepted.
    Unauthorized,
    /// A status that is configured not to be tried again.
    Refused,
    /// Anything that may pass: no answer, an answer that is not understood, a server error.
    Trouble(Option<Duration>),
}

/// An operator has ended a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The operation whose run that is. `None` where it stands beside all outputs.
    pub item: Option<usize>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It is done, now or by an earlier attempt. The id is that of the thing.
    Delivered(Option<Pfid>),
    /// The state of the thing does not allow it: as a rule because it is in that state already (API contract,
    /// Transport: 409).
    OutOfState,
    /// The API refuses it for good.
    Rejected(RejectReason),
    /// It failed for a reason that may pass.
    Retry,
    /// The API stopped before it.
    NotProcessed,
}

/// Judges an answer. `items` are the keys of the batch's operations with the number of their earlier failures;
/// `retry_on` says after which of the statuses 429 and 5xx a request is tried again.
pub fn judge(items: &[(Key, u8)], answer: &RawResponse, retry_on: &StatusCodes) -> Outcome {
    match answer.status {
        status @ (429 | 500..=599) if !retry_on.contains(status) => Outcome::Refused,
        200..=299 => judge_items(items, &answer.body).unwrap_or(Outcome::Trouble(None)),
        401 | 403 => Outcome::Unauthorized,
        413 => Outcome::TooLarge,
        // A refusal by the API is JSON; a proxy's page in its place says nothing of the request.
        400 | 422 if is_api_error(&answer.body) => Outcome::RefusedAsWhole,
        429 => Outcome::RateLimited(answer.retry_after),
        _ => Outcome::Trouble(answer.retry_after),
    }
}

fn judge_items(items: &[(Key, u8)], body: &[u8]) -> Option<Outcome> {
    let answer = answer::parse(body, items.len())?;
    let outputs = &answer.outputs;
    // The API answers in the order of the items as a rule: then the next output is the one, without a look-up.
    let mut places = None;
    let mut next = 0;
    let mut signals: Vec<_> = answer.control.into_iter().filter_map(|control| control.signal(None)).collect();
    let outcomes: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(item, (key, attempts))| {
            let in_order = outputs.get(next).is_some_and(|(found, _)| found.is(key));
            let index = if in_order {
                Some(next)
            } else {
                let places = places.get_or_insert_with(|| places_by_key(outputs));
                std::str::from_utf8(key).ok().and_then(|key| places.get(key).copied())
            };
            let Some(index) = index else { return ItemOutcome::NotProcessed };
            next = index + 1;
            let output = &outputs[index].1;
            signals.extend(output.control.and_then(|control| control.signal(Some(item))));
            judge_output(output, *attempts)
        })
        .collect();
    // An answer that says nothing of any item is not the answer to this request; sent again at once, it would be for ever.
    let says_something = outcomes.iter().any(|outcome| *outcome != ItemOutcome::NotProcessed);
    says_something.then_some(Outcome::Processed { outcomes, signals })
}

/// Where the output for a key is. A key that cannot be read is not one of ours.
fn places_by_key<'a>(outputs: &[(Text<'a>, Output<'a>)]) -> HashMap<Cow<'a, str>, usize> {
    outputs.iter().enumerate().filter_map(|(place, (key, _))| Some((key.read()?, place))).collect()
}

fn judge_output(output: &Output<'_>, attempts: u8) -> ItemOutcome {
    if output.is_success {
        return ItemOutcome::Delivered(output.id);
    }
    match &*output.code.and_then(Text::read).unwrap_or_default() {
        "invalid_action" => ItemOutcome::OutOfState,
        "validation_error" | "validation_errors" | "bad_request" => {
            ItemOutcome::Rejected(RejectReason::Validation)
        }
        "conflict" => ItemOutcome::Rejected(RejectReason::Conflict),
        "unauthorized" | "bad_authtoken" | "forbidden" => ItemOutcome::Rejected(RejectReason::Unauthorized),
        "not_found" if attempts.saturating_add(1) >= MAX_ITEM_ATTEMPTS => {
            ItemOutcome::Rejected(RejectReason::NotFound)
        }
        "not_found" => ItemOutcome::Retry,
        // The server's own trouble, told per item: no reason to give the item up.
        "internal_error"
        | "internal_server_error"
        | "service_unavailable"
        | "timeout"
        | "too_many_requests" => ItemOutcome::Retry,
        // An unknown code: it may pass, but not for ever.
        _ if attempts.saturating_add(1) >= MAX_ITEM_ATTEMPTS => ItemOutcome::Rejected(RejectReason::Other),
        _ => ItemOutcome::Retry,
    }
}

/// Whether a body is an error of the API itself.
fn is_api_error(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct ApiError<'a> {
        #[serde(borrow)]
        status: Cow<'a, str>,
    }
    serde_json::from_slice::<ApiError<'_>>(body).is_ok_and(|error| error.status == "error")
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(items: &[(Key, u8)], answer: &RawResponse) -> Outcome {
        super::judge(items, answer, &StatusCodes::default())
    }

    fn processed(outcomes: Vec<ItemOutcome>) -> Outcome {
        Outcome::Processed { outcomes, signals: Vec::new() }
    }

    fn key(n: u8) -> Key {
        [b'a' + n; 27]
    }

    fn outputs(outputs: &[(u8, &str)]) -> RawResponse {
        let outputs: Vec<_> = outputs
            .iter()
            .map(|(n, output)| format!("\"{}\":{output}", String::from_utf8_lossy(&key(*n))))
            .collect();
        RawResponse::new(200, format!("{{\"status\":\"success\",\"outputs\":{{{}}}}}", outputs.join(",")))
    }

    const DONE: &str = r#"{"status":"success","details":{}}"#;

    fn error(code: &str) -> String {
        format!(r#"{{"status":"error","code":"{code}","message":"m"}}"#)
    }

    #[test]
    fn an_absent_output_was_not_processed() {
        let items = [(key(0), 0), (key(1), 0), (key(2), 0)];

        let outcome = judge(&items, &outputs(&[(0, DONE), (1, &error("validation_errors"))]));

        assert_eq!(
            outcome,
            processed(vec![
                ItemOutcome::Delivered(None),
                ItemOutcome::Rejected(RejectReason::Validation),
                ItemOutcome::NotProcessed
            ])
        );
    }

    #[test]
    fn outputs_in_any_order_find_their_items() {
        let items = [(key(0), 0), (key(1), 0), (key(2), 0)];

        let outcome = judge(&items, &outputs(&[(2, DONE), (0, &error("conflict")), (1, DONE)]));

        assert_eq!(
            outcome,
            processed(vec![
                ItemOutcome::Rejected(RejectReason::Conflict),
                ItemOutcome::Delivered(None),
                ItemOutcome::Delivered(None)
            ])
        );
    }

    #[test]
    fn an_item_in_that_state_already_is_told_apart() {
        assert_eq!(
            judge(&[(key(0), 0)], &outputs(&[(0, &error("invalid_action"))])),
            processed(vec![ItemOutcome::OutOfState])
        );
    }

    #[test]
    fn errors_that_may_pass_pass_a_few_times() {
        for (code, reason) in [("not_found", RejectReason::NotFound), ("new_code", RejectReason::Other)] {
            let answer = outputs(&[(0, &error(code))]);

            assert_eq!(judge(&[(key(0), 0)], &answer), processed(vec![ItemOutcome::Retry]));
            assert_eq!(
                judge(&[(key(0), MAX_ITEM_ATTEMPTS - 1)], &answer),
                processed(vec![ItemOutcome::Rejected(reason)])
            );
        }
    }

    #[test]
    fn the_status_decides_about_the_request_as_a_whole() {
        let api_error = r#"{"status":"error","code":"c","message":"m"}"#;
        let html = "<html></html>";
        let cases = [
            (401, api_error, Outcome::Unauthorized),
            (403, html, Outcome::Unauthorized),
            (413, html, Outcome::TooLarge),
            (400, api_error, Outcome::RefusedAsWhole),
            (422, api_error, Outcome::RefusedAsWhole),
            (400, html, Outcome::Trouble(None)),
            (404, html, Outcome::Trouble(None)),
            (500, api_error, Outcome::Trouble(None)),
            (200, html, Outcome::Trouble(None)),
            (302, html, Outcome::Trouble(None)),
        ];

        for (status, body, expected) in cases {
            assert_eq!(judge(&[(key(0), 0)], &RawResponse::new(status, body)), expected, "{status} {body}");
        }
        let wait = Duration::from_secs(7);
        assert_eq!(
            judge(&[(key(0), 0)], &RawResponse::new(429, html).with_retry_after(wait)),
            Outcome::RateLimited(Some(wait))
        );
    }

    #[test]
    fn an_order_to_stop_names_the_operation_it_came_with() {
        let items = [(key(0), 0), (key(1), 0)];
        let stop = r#"{"status":"success","control":{"terminate":true,"reason":"too \u0065xpensive"}}"#;
        let go_on = r#"{"status":"success","control":{"terminate":false}}"#;
        let signals = |answer: &RawResponse| match judge(&items, answer) {
            Outcome::Processed { signals, .. } => signals,
            other => panic!("{other:?}"),
        };

        let of_item = signals(&outputs(&[(0, go_on), (1, stop)]));
        assert_eq!(of_item, [Signal { item: Some(1), reason: Some("too expensive".to_owned()) }]);

        let body = String::from_utf8(
            outputs(&[(0, DONE), (1, r#"{"status":"success","control":7}"#)]).body.to_vec(),
        );
        let beside = body.unwrap().replacen('{', r#"{"control":{"terminate":true,"reason":null},"#, 1);
        assert_eq!(signals(&RawResponse::new(200, beside)), [Signal { item: None, reason: None }]);
    }
}
