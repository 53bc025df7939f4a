//! What is found 64 bytes at a time is what one finds who goes from byte to byte, wherever blocks end.

use proptest::prelude::*;

use super::*;

/// The same, byte by byte.
fn behind_brackets_plainly(json: &[u8]) -> Option<&[u8]> {
    let (mut depth, mut in_string, mut is_escaped) = (1, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            b'"' => in_string ^= !is_escaped,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&json[at + 1..]);
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    None
}

/// Asserts that such a text ends with its last byte, and with no less of it, wherever it stands to the blocks and whatever
/// stands behind it.
fn ends_with_its_last_byte(json: &str) {
    for shift in 0..2 * block::LEN {
        let shifted = format!("{}{json}", " ".repeat(shift));
        for behind in ["", "}", "\"", ",\"a\":{\"]\":0}}"] {
            let whole = format!("{shifted}{behind}");
            assert_eq!(behind_brackets(whole.as_bytes()), Some(behind.as_bytes()), "{whole}");
        }
        for cut in 0..shifted.len() {
            assert_eq!(behind_brackets(&shifted.as_bytes()[..cut]), None, "{shifted} cut to {cut} bytes");
        }
    }
}

#[test]
fn the_end_is_found_wherever_it_stands_to_the_blocks() {
    ends_with_its_last_byte("}");
    ends_with_its_last_byte(r#""a":1,"b":{"c":[1,{}],"d":[[]]},"e":"|"}"#);
}

#[test]
fn brackets_within_strings_are_text() {
    ends_with_its_last_byte(r#""}":"]]","{":"[{","a":["}{"]}"#);
}

#[test]
fn runs_of_backslashes_of_each_length_escape_a_quote_or_do_not() {
    for len in 0..8 {
        let run = "\\".repeat(len);
        // An odd one leaves one for the quote: the string goes on, over the bracket, to the next quote.
        let behind = if len % 2 == 1 { "\"}\"" } else { "\"" };
        ends_with_its_last_byte(&format!("\"a\":\"{run}{behind},\"b\":\"\\n\"}}"));
    }
    // No mark is in the block behind the escaped quote.
    ends_with_its_last_byte(&format!("\"\\\"{}}}\"]", "a".repeat(block::LEN)));
    for len in [63, 64, 65, 127, 128, 129, 200] {
        let run = "\\".repeat(len);
        let behind = if len % 2 == 1 { "\"}\"" } else { "\"" };
        ends_with_its_last_byte(&format!("\"{run}{behind}]"));
    }
}

#[test]
fn nesting_has_no_limit() {
    let deep = format!("{}{}]", "[{\"a\":".repeat(100_000), "}]".repeat(100_000));

    assert_eq!(behind_brackets(deep.as_bytes()), Some(&b""[..]));
    assert_eq!(behind_brackets(&deep.as_bytes()[..deep.len() - 1]), None);
}

/// The bytes that matter, alone and in runs, with text of any length between them: JSON or not.
fn pieces() -> impl Strategy<Value = String> {
    let mark =
        prop::sample::select(&["{", "}", "[", "]", "\"", "\\", "\\\"", "\"a\":\"", "|", "é", "]}"][..]);
    let run = (mark, prop_oneof![4 => Just(1), 1 => 1..4_usize]).prop_map(|(mark, times)| mark.repeat(times));
    let text = prop_oneof![3 => Just(0), 1 => 0..70_usize].prop_map(|len| "a".repeat(len));
    prop::collection::vec((run, text).prop_map(|(run, text)| run + &text), 0..40)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_end_is_that_of_a_reading_byte_by_byte(deep in 0..9_usize, json in pieces()) {
        // Some are open, so that the end is not always found in the first block.
        let json = "[".repeat(deep) + &json;
        prop_assert_eq!(behind_brackets(json.as_bytes()), behind_brackets_plainly(json.as_bytes()), "{}", json);
    }
}
