//! Whatever serde_json writes, this writes too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;

fn written<T: Serialize + ?Sized>(value: &T) -> Option<String> {
    let mut out = Buffer::default();
    JsonWriter::append(&mut out, value, usize::MAX).ok()?;
    Some(String::from_utf8(out.to_vec()).expect("JSON is text"))
}

#[track_caller]
fn assert_as_serde_json<T: Serialize + ?Sized>(value: &T) {
    assert_eq!(written(value), serde_json::to_string(value).ok());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~\\x00-\\x1f]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_is_written_as_serde_json_writes_it(value in values()) {
        prop_assert_eq!(written(&value), serde_json::to_string(&value).ok());
    }

    #[test]
    fn every_escape_is_found_wherever_it_stands(before in "[a-z\u{80}-\u{10ffff}]{0,20}", escaped in "[\\x00-\\x7f]{1,3}", after in "[ -~]{0,20}") {
        let text = [before, escaped, after].concat();
        prop_assert_eq!(written(&text), serde_json::to_string(&text).ok());
    }
}

#[test]
fn a_text_is_whole_wherever_it_is_divided() {
    let lengths = (0..70).chain(1_000..1_100).chain(2_040..2_060);
    for len in lengths {
        for last in ["", "\n", "\u{1}\"", "é", "🦀\\"] {
            assert_as_serde_json(&format!("{}{last}", "a".repeat(len)));
            assert_as_serde_json(&format!("{}{last}{}", "é\n".repeat(len), "z".repeat(len % 40)));
        }
    }
}

#[test]
fn all_that_serde_knows_has_the_same_form() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Newtype(i8);
    #[derive(Serialize)]
    struct Pair(i16, char);
    #[derive(Serialize)]
    enum Kind {
        Unit,
        Newtype(Option<u16>),
        Pair(u32, f32),
        Struct { a: i128, b: u128 },
    }
    #[derive(Serialize)]
    struct All<'a> {
        unit: Unit,
        newtype: Newtype,
        pair: Pair,
        kinds: Vec<Kind>,
        none: Option<()>,
        nan: f64,
        tuple: (u8, &'a str, ()),
        empty: [u8; 0],
        map: BTreeMap<&'a str, i32>,
    }
    assert_as_serde_json(&All {
        unit: Unit,
        newtype: Newtype(-8),
        pair: Pair(-16, '"'),
        kinds: vec![
            Kind::Unit,
            Kind::Newtype(Some(16)),
            Kind::Newtype(None),
            Kind::Pair(32, 1.5),
            Kind::Struct { a: i128::MIN, b: u128::MAX },
        ],
        none: None,
        nan: f64::NAN,
        tuple: (255, "\u{7f}é", ()),
        empty: [],
        map: BTreeMap::from([("a", 1), ("b", -1)]),
    });
    assert_as_serde_json(&Kind::Pair(1, 2.0));
    assert_as_serde_json(&1e300);
}

#[test]
fn keys_are_texts_or_can_be_written_as_one() {
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Name {
        One,
    }
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Wrapped(u64);
    assert_as_serde_json(&BTreeMap::from([(Name::One, 1)]));
    assert_as_serde_json(&BTreeMap::from([(Wrapped(7), 1)]));
    assert_as_serde_json(&BTreeMap::from([(true, 1)]));
    assert_as_serde_json(&BTreeMap::from([('\n', 1)]));
    assert_as_serde_json(&BTreeMap::from([(Some(-5_i64), 1)]));
    struct Floats;
    impl Serialize for Floats {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(1.5, 1)])
        }
    }
    assert_as_serde_json(&Floats);

    assert_eq!(written(&BTreeMap::from([((1, 2), 1)])), None);
    assert_eq!(written(&BTreeMap::from([(None::<u8>, 1)])), None);
}

#[test]
fn json_that_is_a_text_already_is_written_as_it_is() {
    /// As serde_json hands over a raw value, or a number that is kept as text.
    struct Raw(&'static str, &'static str);
    impl Serialize for Raw {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut raw = serializer.serialize_struct(self.0, 1)?;
            raw.serialize_field(self.0, self.1)?;
            raw.end()
        }
    }

    let raw = Raw("$serde_json::private::RawValue", r#"{"a": [1.0e5]}"#);
    let number = Raw("$serde_json::private::Number", "1.0000000000000000000001");

    assert_eq!(written(&[raw, number]).as_deref(), Some(r#"[{"a": [1.0e5]},1.0000000000000000000001]"#));
}

#[test]
fn what_is_open_is_closed_also_where_the_limit_of_depth_is_met_exactly() {
    let nested = |depth| (0..depth).fold(json!(null), |inner, _| json!([inner]));

    assert_as_serde_json(&nested(MAX_DEPTH));
    assert_eq!(written(&nested(MAX_DEPTH + 1)), None);
}
