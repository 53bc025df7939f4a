//! The reader takes for JSON what serde_json takes for it, in whole texts and in damaged ones.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn is_json(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.value().is_some() && reader.end().is_some()
}

fn serde_says(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Text of the pieces that JSON is made of, in any order: some of it is JSON.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\n", "\t", "\r", "\"a\"", "\"a\":", "\\u00e9",
            "\\n", "u", "\u{1}", "é", "-", "0", "7", "12", ".", "e", "E+", "true", "false", "null", "tru",
            "nul",
        ][..],
    );
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"\\\\\n]{0,20}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_serde_json_takes_is_taken_and_nothing_else(text in pieces()) {
        prop_assert_eq!(is_json(&text), serde_says(&text), "{:?}", text);
    }

    #[test]
    fn values_are_stepped_over_as_a_whole(value in value(), pretty in any::<bool>(), after in "[ \n]{0,2}") {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let whole = format!(" {text}{after}");

        let mut reader = Reader::new(&whole);
        prop_assert_eq!(reader.value(), Some(text.as_bytes()));
        prop_assert_eq!(reader.end(), Some(()));
    }

    #[test]
    fn damage_is_noticed_where_serde_json_notices_it(
        value in value(),
        at in any::<prop::sample::Index>(),
        with in "[\\x00-\\x7f]",
        cut in any::<bool>(),
    ) {
        let text = serde_json::to_string(&value).unwrap();
        let at = text.floor_char_boundary(at.index(text.len()));
        let damaged = if cut {
            text[..at].to_owned()
        } else {
            let rest = text[at..].chars();
            format!("{}{with}{}", &text[..at], rest.skip(1).collect::<String>())
        };
        prop_assert_eq!(is_json(&damaged), serde_says(&damaged), "{:?}", damaged);
    }

    #[test]
    fn members_and_strings_are_what_serde_json_reads(members in prop::collection::btree_map(".{0,20}", ".{0,20}", 0..6)) {
        let text = serde_json::to_string(&members).unwrap();

        let mut read = std::collections::BTreeMap::new();
        let mut reader = Reader::new(&text);
        let mut member = reader.first_member();
        while let Some(Some(name)) = member {
            let value = reader.string().and_then(Text::read).expect("a text").into_owned();
            read.insert(name.read().expect("a text").into_owned(), value);
            member = reader.next_member();
        }

        prop_assert!(matches!(member, Some(None)));
        prop_assert_eq!(reader.end(), Some(()));
        prop_assert_eq!(read, members);
    }
}

#[test]
fn the_rest_of_an_object_ends_where_the_object_ends() {
    let rest = |text: &'static str| {
        let mut reader = Reader::new(text);
        reader.first_member()?.filter(|name| name.is(b"a"))?;
        reader.value()?;
        reader.skip_rest_of_object()?;
        Some(reader.rest)
    };

    for text in [r#"{"a":1},7"#, r#"{ "a" : 1 } ,7"#, r#"{"a":1,"b":{"c":[1,{}],"d":"}"},"e":[[]]},7"#] {
        assert_eq!(rest(text).map(<[u8]>::trim_ascii_start), Some(&b",7"[..]), "{text}");
    }
    for text in
        [r#"{"a":1"#, r#"{"a":1]"#, r#"{"a":1,}"#, r#"{"a":1 "b":2}"#, r#"{"a":1,"b"}"#, r#"{"a":1,"b":[}]}"#]
    {
        assert_eq!(rest(text), None, "{text}");
    }
}

#[test]
fn numbers_are_those_of_json() {
    for text in ["0", "-0", "10", "1.5", "-1.50e+10", "1E-2", "1e5"] {
        assert!(is_json(text) && serde_says(text), "{text}");
    }
    for text in ["01", "-", "-a", "+1", ".5", "1.", "1.e3", "1e", "1e+", "0x1", "1 2", "1-", "NaN"] {
        assert!(!is_json(text) && !serde_says(text), "{text}");
    }
}

#[test]
fn nesting_as_deep_as_a_body_is_long_is_stepped_over() {
    let deep = format!("{}{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000).replacen('}', "1}", 1));
    assert!(is_json(&deep));
    assert!(!is_json(&deep[..deep.len() - 1]));
}

#[test]
fn an_escaped_text_is_what_it_says_and_one_that_is_too_long_is_not_even_read() {
    let is = |json: &str, text: &[u8]| Reader::new(json).string().expect("a string").is(text);

    assert!(is(r#""\u0061\u0062""#, b"ab"));
    assert!(!is(r#""\u0061\u0063""#, b"ab"));
    assert!(!is(r#""\u0061b\n\n\n\n\n\n\n\n\n""#, b"ab"));
}

#[test]
fn strings_with_half_a_character_are_stepped_over_but_not_read() {
    let text = r#""\ud800""#;

    assert_eq!(Reader::new(text).value(), Some(text.as_bytes()));
    let string = Reader::new(text).string().expect("a string");
    assert_eq!(string.read(), None);
    assert!(!string.is(b""));
}
