//! What serde_json takes for JSON is read as serde_json reads it, and what is cut short is refused. Of other texts nothing is promised.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn is_read(text: &str) -> bool {
    let mut reader = Reader::new(text.as_bytes());
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
    fn what_serde_json_takes_is_read(text in pieces()) {
        prop_assert!(is_read(&text) || !serde_says(&text), "{:?}", text);
    }

    #[test]
    fn values_are_stepped_over_as_a_whole(value in value(), pretty in any::<bool>(), after in "[ \n]{0,2}") {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let whole = format!(" {text}{after}");

        let mut reader = Reader::new(whole.as_bytes());
        prop_assert_eq!(reader.value(), Some(text.as_bytes()));
        prop_assert_eq!(reader.end(), Some(()));
    }

    #[test]
    fn what_is_cut_short_is_refused(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        // A number that is cut is another number.
        let ends_itself = text.starts_with(['{', '[', '"']);
        for at in (0..text.len()).filter(|_| ends_itself) {
            prop_assert_eq!(Reader::new(&text.as_bytes()[..at]).value(), None, "{:?} cut to {} bytes", text, at);
        }
    }

    #[test]
    fn damage_does_no_harm(
        value in value(),
        at in any::<prop::sample::Index>(),
        with in "[\\x00-\\x7f]",
    ) {
        let text = serde_json::to_string(&value).unwrap();
        let at = text.floor_char_boundary(at.index(text.len()));
        let rest = text[at..].chars().skip(1);
        let damaged = format!("{}{with}{}", &text[..at], rest.collect::<String>());
        prop_assert!(is_read(&damaged) || !serde_says(&damaged), "{:?}", damaged);
    }

    #[test]
    fn members_and_strings_are_what_serde_json_reads(members in prop::collection::btree_map(".{0,20}", ".{0,20}", 0..6)) {
        let text = serde_json::to_string(&members).unwrap();

        let mut read = std::collections::BTreeMap::new();
        let mut reader = Reader::new(text.as_bytes());
        let mut has_more = reader.enter_object();
        while has_more == Some(true) {
            let name = reader.name().and_then(Text::read).expect("a text").into_owned();
            let value = reader.string().and_then(Text::read).expect("a text").into_owned();
            read.insert(name, value);
            has_more = reader.has_next_member();
        }

        prop_assert_eq!(has_more, Some(false));
        prop_assert_eq!(reader.end(), Some(()));
        prop_assert_eq!(read, members);
    }
}

#[test]
fn the_rest_of_an_object_ends_where_the_object_ends() {
    let rest = |text: &'static str| {
        let mut reader = Reader::new(text.as_bytes());
        (reader.enter_object()? && reader.name()?.is(b"a")).then_some(())?;
        reader.value()?;
        reader.skip_rest_of_object()?;
        Some(reader.rest)
    };

    for text in [r#"{"a":1},7"#, r#"{ "a" : 1 } ,7"#, r#"{"a":1,"b":{"c":[1,{}],"d":"}"},"e":[[]]},7"#] {
        assert_eq!(rest(text).map(<[u8]>::trim_ascii_start), Some(&b",7"[..]), "{text}");
    }
    for text in
        [r#"{"a":1"#, r#"{"a":1]"#, r#"{"a":1 "b":2}"#, r#"{"a":1,"b":2"#, r#"{"a":1,"b":[}"#, r#"{"a":1,"b"#]
    {
        assert_eq!(rest(text), None, "{text}");
    }
}

#[test]
fn numbers_and_words_end_where_something_else_may_stand() {
    for text in ["0", "-0", "10", "1.5", "-1.50e+10", "1E-2", "1e5", "true", "false", "null"] {
        assert!(is_read(text) && serde_says(text), "{text}");
        for behind in ["", ",", "}", "]", " ", "\n", "\t", "\r"] {
            let whole = format!("{text}{behind}1");
            let (text, whole) = (if behind.is_empty() { &whole } else { text }, &whole);
            assert_eq!(Reader::new(whole.as_bytes()).value(), Some(text.as_bytes()), "{whole}");
        }
    }
    for none in ["", " ", ",", "}", "]", " ,"] {
        assert_eq!(Reader::new(none.as_bytes()).value(), None, "{none}");
    }
}

#[test]
fn a_known_name_is_found_however_it_is_written() {
    let known = |text: &str| {
        let mut reader = Reader::new(text.as_bytes());
        let found = reader.known_name(&[(b"ab", 1), (b"abc", 2), (b"", 3)])?;
        (reader.rest == b"7").then_some(found)
    };

    for (name, expected) in [("ab", Some(1)), ("abc", Some(2)), ("", Some(3)), ("a", None), ("abcd", None)] {
        assert_eq!(known(&format!("\"{name}\":7")), Some(expected), "{name}");
        assert_eq!(known(&format!(" \"{name}\"\n:7")), Some(expected), "{name}");
    }
    assert_eq!(known(r#""\u0061b":7"#), Some(Some(1)));
    assert_eq!(known(r#""ab\"":7"#), Some(None));
    for odd in ["", "7", r#""ab"#, r#""ab""#, r#""ab"7"#, r#""ab":"#] {
        assert_eq!(known(odd), None, "{odd}");
    }
}

#[test]
fn a_known_string_is_told_however_it_is_written() {
    let is = |text: &str| {
        let mut reader = Reader::new(text.as_bytes());
        let is_it = reader.is_string(b"ab")?;
        (reader.rest == b",7").then_some(is_it)
    };

    for text in [r#""ab""#, r#" "ab""#, r#""a\u0062""#] {
        assert_eq!(is(&format!("{text},7")), Some(true), "{text}");
    }
    for text in [r#""a""#, r#""abc""#, r#""ab\"""#, r#"["ab"]"#, "{}", "null", "7"] {
        assert_eq!(is(&format!("{text},7")), Some(false), "{text}");
    }
    assert_eq!(is(r#""ab"#), None);
}

#[test]
fn nesting_as_deep_as_a_body_is_long_is_stepped_over() {
    let deep = format!("{}{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000).replacen('}', "1}", 1));
    assert!(is_read(&deep));
    assert!(!is_read(&deep[..deep.len() - 1]));
}

#[test]
fn an_escaped_text_is_what_it_says_and_one_that_is_too_long_is_not_even_read() {
    let is = |json: &str, text: &[u8]| Reader::new(json.as_bytes()).string().expect("a string").is(text);

    assert!(is(r#""\u0061\u0062""#, b"ab"));
    assert!(!is(r#""\u0061\u0063""#, b"ab"));
    assert!(!is(r#""\u0061b\n\n\n\n\n\n\n\n\n""#, b"ab"));
}

#[test]
fn strings_with_half_a_character_are_stepped_over_but_not_read() {
    let text = r#""\ud800""#;

    assert_eq!(Reader::new(text.as_bytes()).value(), Some(text.as_bytes()));
    let string = Reader::new(text.as_bytes()).string().expect("a string");
    assert_eq!(string.read(), None);
    assert!(!string.is(b""));
}
