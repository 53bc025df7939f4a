//! Each item is judged by its own output, wherever that stands, and by no other; and no answer at all is too odd to judge.

use proptest::prelude::*;

use super::*;

const CODES: [&str; 8] = [
    "invalid_action",
    "validation_errors",
    "bad_request",
    "conflict",
    "unauthorized",
    "internal_error",
    "not_found",
    "a_code_of_tomorrow",
];

/// What the API says of an item: nothing, that it is done, or an error.
fn said() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![2 => Just(None), 6 => Just(Some("")), 4 => prop::sample::select(&CODES[..]).prop_map(Some)]
}

fn key(n: usize) -> Key {
    let mut key = [b'k'; 27];
    key[20..].copy_from_slice(format!("{n:07}").as_bytes());
    key
}

fn output(code: &str) -> String {
    if code.is_empty() {
        r#"{"status":"success","details":{"id":"not an id","n":[1,{"id":2}]},"more":null}"#.to_owned()
    } else {
        format!(r#"{{"message":"no","code":"{code}","status":"error","errors":{{"a":["b"]}}}}"#)
    }
}

fn answer(said: impl IntoIterator<Item = (usize, Option<&'static str>)>) -> String {
    let outputs: Vec<_> = said
        .into_iter()
        .filter_map(|(n, code)| Some(format!("\"{}\":{}", String::from_utf8_lossy(&key(n)), output(code?))))
        .collect();
    format!("{{\"outputs\":{{{}}},\"status\":\"success\"}}", outputs.join(","))
}

fn expected(code: &str, attempts: u8) -> ItemOutcome {
    let is_last = attempts + 1 >= MAX_ITEM_ATTEMPTS;
    match code {
        "" => ItemOutcome::Delivered(None),
        "invalid_action" => ItemOutcome::OutOfState,
        "validation_errors" | "bad_request" => ItemOutcome::Rejected(RejectReason::Validation),
        "conflict" => ItemOutcome::Rejected(RejectReason::Conflict),
        "unauthorized" => ItemOutcome::Rejected(RejectReason::Unauthorized),
        "not_found" if is_last => ItemOutcome::Rejected(RejectReason::NotFound),
        "a_code_of_tomorrow" if is_last => ItemOutcome::Rejected(RejectReason::Other),
        _ => ItemOutcome::Retry,
    }
}

proptest! {
    #[test]
    fn each_item_is_judged_by_its_own_output(
        said in prop::collection::vec((said(), 0..4_u8), 1..20),
        order in any::<prop::sample::Index>(),
        reversed in any::<bool>(),
        strangers in 0..3_usize,
    ) {
        let items: Vec<_> = said.iter().enumerate().map(|(n, (_, attempts))| (key(n), *attempts)).collect();
        let own = said.iter().enumerate().map(|(n, (code, _))| (n, *code));
        let mut outputs: Vec<_> = own.chain((0..strangers).map(|n| (500 + n, Some("")))).collect();
        let by = order.index(outputs.len());
        outputs.rotate_left(by);
        if reversed {
            outputs.reverse();
        }
        let body = answer(outputs);

        let outcome = judge(&items, &RawResponse::new(200, body), &StatusCodes::default());

        let outcomes: Vec<_> = said
            .iter()
            .map(|(code, attempts)| code.map_or(ItemOutcome::NotProcessed, |code| expected(code, *attempts)))
            .collect();
        let says_nothing = outcomes.iter().all(|outcome| *outcome == ItemOutcome::NotProcessed);
        let expected =
            if says_nothing { Outcome::Trouble(None) } else { Outcome::Processed { outcomes, signals: vec![] } };
        prop_assert_eq!(outcome, expected);
    }

    #[test]
    fn any_answer_is_judged_and_what_it_says_of_an_item_is_said_of_all(
        status in 100..600_u16,
        body in prop_oneof![
            any::<Vec<u8>>(),
            r#"\{"(outputs|status)":(\{("[a-z]{0,3}":(\{\}|null|\[1\]))?\}|"(success|error)"|\[\]|null)\}"#
                .prop_map(String::into_bytes),
        ],
        count in 1..5_usize,
    ) {
        let items: Vec<_> = (0..count).map(|n| (key(n), 0)).collect();

        let outcome = judge(&items, &RawResponse::new(status, body), &StatusCodes::default());

        if let Outcome::Processed { outcomes, .. } = outcome {
            prop_assert_eq!(outcomes.len(), count);
        }
    }

    /// Cut anywhere, an answer is understood as a whole or not at all.
    #[test]
    fn a_part_of_an_answer_is_no_answer(
        said in prop::collection::vec(said(), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let items: Vec<_> = (0..said.len()).map(|n| (key(n), 0)).collect();
        let whole = answer(said.iter().copied().enumerate());
        let part = whole[..cut.index(whole.len())].to_owned();

        let outcome = judge(&items, &RawResponse::new(200, part), &StatusCodes::default());

        prop_assert_eq!(outcome, Outcome::Trouble(None));
    }
}
