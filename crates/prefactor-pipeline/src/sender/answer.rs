//! Reads the answer to a bulk request: what is said of each item, and nothing else. `details` are skipped over,
//! but for the id in them.

use std::borrow::Cow;
use std::fmt;

use prefactor_pfid::Pfid;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::outcome::Signal;

/// An answer that was understood: one output per item that was processed.
#[derive(Debug)]
pub(crate) struct BulkAnswer<'a> {
    pub(crate) outputs: Vec<(Text<'a>, Output<'a>)>,
    pub(crate) control: Option<Control<'a>>,
}

/// An order to a run, not read yet: few answers have one, and an odd one must not make the answer unreadable.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Control<'a>(#[serde(borrow)] &'a RawValue);

impl Control<'_> {
    /// The signal in it, if it orders to stop.
    pub(crate) fn signal(self, item: Option<usize>) -> Option<Signal> {
        let control: prefactor_http::Control = serde_json::from_str(self.0.get()).ok()?;
        control.terminate.then_some(Signal { item, reason: control.reason })
    }
}

/// What the API says of one item.
#[derive(Debug, Deserialize)]
pub(crate) struct Output<'a> {
    #[serde(borrow, default)]
    status: Lenient<'a>,
    #[serde(borrow, default)]
    code: Lenient<'a>,
    #[serde(borrow, default)]
    details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) control: Option<Control<'a>>,
}

impl Output<'_> {
    pub(crate) fn is_success(&self) -> bool {
        self.status.0.as_ref().is_some_and(|status| status.0 == "success")
    }

    /// The error code; empty where the API gave none.
    pub(crate) fn code(&self) -> &str {
        self.code.0.as_ref().map_or("", |code| &code.0)
    }

    /// The id of the thing that was made or changed.
    pub(crate) fn id(&self) -> Option<Pfid> {
        string_member(self.details?.get(), "id")?.parse().ok()
    }
}

/// Reads a body. `None` where it is not the answer to a bulk request: an HTML page, or JSON of another shape.
pub(crate) fn parse(body: &[u8]) -> Option<BulkAnswer<'_>> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        outputs: Outputs<'a>,
        #[serde(borrow, default)]
        control: Option<Control<'a>>,
    }
    // Looked at as a whole, it need not be looked at text by text.
    let body = std::str::from_utf8(body).ok()?;
    let envelope: Envelope<'_> = serde_json::from_str(body).ok()?;
    Some(BulkAnswer { outputs: envelope.outputs.0, control: envelope.control })
}

/// A string that is borrowed from the body where it has no escapes.
#[derive(Debug)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[derive(Debug)]
struct Outputs<'a>(Vec<(Text<'a>, Output<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Outputs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OutputsVisitor;
        impl<'de> Visitor<'de> for OutputsVisitor {
            type Value = Outputs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of outputs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut outputs = Vec::new();
                while let Some(output) = map.next_entry()? {
                    outputs.push(output);
                }
                Ok(Outputs(outputs))
            }
        }
        deserializer.deserialize_map(OutputsVisitor)
    }
}

/// A string, or nothing where the API says something else: what it means by a single member must never make the whole
/// answer unreadable.
#[derive(Debug, Default)]
struct Lenient<'a>(Option<Text<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Lenient<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Shape::deserialize(deserializer).map(|shape| Self(shape.0))
    }
}

/// Any JSON value, of which a string is kept.
struct Shape<'a>(Option<Text<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Shape<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShapeVisitor;
        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Shape(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Shape(None))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Shape<'de>, E> {
                Ok(Shape(Some(Text(Cow::Borrowed(text)))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Shape<'de>, E> {
                Ok(Shape(Some(Text(Cow::Owned(text.to_owned())))))
            }

            fn visit_unit<E>(self) -> Result<Shape<'de>, E> {
                Ok(Shape(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Shape<'de>, E> {
                Ok(Shape(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Shape<'de>, E> {
                Ok(Shape(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Shape<'de>, E> {
                Ok(Shape(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Shape<'de>, E> {
                Ok(Shape(None))
            }
        }
        deserializer.deserialize_any(ShapeVisitor)
    }
}

/// The text of a member of an object, if that is a string without escapes. The JSON is known to be valid: serde_json has
/// looked at it. What stands behind the member is not read, which is most of what the API says of a span.
fn string_member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = object.strip_prefix('{')?;
    loop {
        let (key, after) = leading_string(rest.trim_ascii_start())?;
        let value = after.trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
        if key == name {
            return leading_string(value).map(|(text, _)| text);
        }
        rest = after_value(value)?.trim_ascii_start().strip_prefix(',')?;
    }
}

/// What is between the quotes, and what comes behind them.
fn leading_string(json: &str) -> Option<(&str, &str)> {
    let text = json.strip_prefix('"')?;
    let bytes = text.as_bytes();
    let mut end = 0;
    loop {
        end += bytes.get(end..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[end] == b'"' {
            return Some((&text[..end], &text[end + 1..]));
        }
        // The character behind a backslash is no quote; of a longer escape the rest is plain text.
        end += 2;
    }
}

/// What comes behind a value.
fn after_value(json: &str) -> Option<&str> {
    let (mut rest, mut depth) = (json, 0);
    loop {
        match rest.as_bytes().first()? {
            b'"' => rest = leading_string(rest)?.1,
            b'[' | b'{' => {
                depth += 1;
                rest = &rest[1..];
            }
            b']' | b'}' if depth > 0 => {
                depth -= 1;
                rest = &rest[1..];
            }
            // A number, a word, or what stands between the parts of an array or an object.
            _ => rest = &rest[rest.find(['"', '[', '{', ']', '}', ','])?..],
        }
        if depth == 0 {
            return Some(rest);
        }
        rest = rest.trim_start_matches([',', ':', ' ', '\n', '\r', '\t']);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_without_their_details() {
        let body = br#"{"status":"success","later":[1],"outputs":{
            "k1":{"status":"success","details":{"type":"agent_span","id":"013xrzp12g3nqk8n04hmasw9nf6yy093","payload":{"deep":[[]]}},"control":{"terminate":false}},
            "k\u0032":{"status":"error","code":"validation_errors","message":"no","errors":{"a":["b"]}},
            "k3":{"status":"success","summaries":[]},
            "k4":{"status":"success","details":null},
            "k5":{"status":"success","details":["odd"]},
            "k6":{"status":"error","code":422},
            "k7":{"status":{"odd":true},"code":null,"details":{"id":7}}}}"#;

        let answer = parse(body).expect("a bulk answer");

        let read: Vec<_> = answer
            .outputs
            .iter()
            .map(|(key, output)| (&*key.0, output.is_success(), output.code(), output.id().is_some()))
            .collect();
        assert_eq!(
            read,
            [
                ("k1", true, "", true),
                ("k2", false, "validation_errors", false),
                ("k3", true, "", false),
                ("k4", true, "", false),
                ("k5", true, "", false),
                ("k6", false, "", false),
                ("k7", false, "", false)
            ]
        );
    }

    #[test]
    fn the_id_is_found_whatever_stands_before_it() {
        let id = "013xrzp12g3nqk8n04hmasw9nf6yy093";
        for before in [
            "",
            r#""a":"id","#,
            r#""a\"id":"\\","b":1.5e3,"c":true , "#,
            r#""payload" : {"id":"no","deep":[["]}\""],{"id":[1,2]}, null ,-3]} ,"#,
            "\n\t\"a\" :\r [ ] , \"b\": { }, ",
        ] {
            let details = format!("{{{before}\"id\" : \"{id}\",\"after\":[\"id\"]}}");
            let details: &RawValue = serde_json::from_str(&details).expect("valid JSON");
            assert_eq!(string_member(details.get(), "id"), Some(id), "{details}");
        }
        for none in ["{}", "[]", "7", r#""id""#, r#"{"id":7}"#, r#"{"a":{"id":"x"}}"#, r#"{"a":[],"b":"id"}"#]
        {
            assert_eq!(string_member(none, "id"), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_bulk_answer_is_not_understood() {
        let deep = "[".repeat(100_000);
        let bodies: [&[u8]; 7] = [
            b"<html><body>502 Bad Gateway</body></html>",
            b"",
            b"null",
            b"[]",
            br#"{"status":"success"}"#,
            br#"{"status":"success","outputs":{"k":{"sta"#,
            deep.as_bytes(),
        ];

        for body in bodies {
            assert!(parse(body).is_none(), "{}", String::from_utf8_lossy(&body[..body.len().min(40)]));
        }
    }
}
