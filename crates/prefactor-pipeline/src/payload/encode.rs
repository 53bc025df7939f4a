//! From a caller's value to the JSON members that an item of a bulk request is made of.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::buffer::Buffer;
use super::redact::{Redactable, SharedRedactor};
use super::scratch::Scratch;
use super::writer::{JsonWriter, Unserializable, write_text};
use crate::config::defaults;

/// What stands for a payload that could not be serialized: the span itself is kept, with its place in the tree.
const UNSERIALIZABLE: &[u8] = br#"{"$unserializable":true}"#;

/// What is recorded of payloads and results, fixed for a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    pub(crate) capture_inputs: bool,
    pub(crate) capture_outputs: bool,
    /// Characters per string value.
    pub(crate) max_input_length: usize,
    /// Characters per string value.
    pub(crate) max_output_length: usize,
    pub(crate) redactor: Option<SharedRedactor>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            capture_inputs: true,
            capture_outputs: true,
            max_input_length: defaults::MAX_INPUT_LENGTH,
            max_output_length: defaults::MAX_OUTPUT_LENGTH,
            redactor: None,
        }
    }
}

/// One encoded piece of an operation: JSON text, still in the buffer that it was written into.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) json: Scratch,
    /// Whether it holds a sensitive value, so that the item must say `sensitive_encoding`.
    pub(crate) sensitive: bool,
    /// Whether a placeholder stands for a value that could not be serialized.
    pub(crate) unserializable: bool,
}

impl Encoder {
    /// `"schema_name":…,"payload":{…}`: the members of a span that its caller decides.
    pub(crate) fn payload<T: Serialize + ?Sized>(&self, schema_name: &str, payload: &T) -> Part {
        self.write(|encoder, out| {
            out.append_array(*b"\"schema_name\":");
            write_text(out, schema_name);
            out.append_array(*b",\"payload\":");
            if encoder.capture_inputs {
                encoder.object(out, Redactable::Payload { schema_name }, payload, encoder.max_input_length)
            } else {
                out.append_array(*b"{}");
                Written::default()
            }
        })
    }

    /// The object of a span's `result_payload`; nothing where there is no result or outputs are not captured.
    pub(crate) fn result<T: Serialize + ?Sized>(&self, result: &T) -> Option<Part> {
        if !self.capture_outputs {
            return None;
        }
        let part = self
            .write(|encoder, out| encoder.object(out, Redactable::Result, result, encoder.max_output_length));
        (&*part.json != b"{}").then_some(part)
    }

    /// `"name":…,"payload":{…}` of a quality record; `None` clears it.
    pub(crate) fn quality<T: Serialize + ?Sized>(&self, name: &str, payload: Option<&T>) -> Part {
        self.write(|encoder, out| {
            out.append_array(*b"\"name\":");
            write_text(out, name);
            out.append_array(*b",\"payload\":");
            match payload {
                Some(payload) => {
                    encoder.object(out, Redactable::Quality { name }, payload, encoder.max_output_length)
                }
                None => {
                    out.append_array(*b"null");
                    Written::default()
                }
            }
        })
    }

    fn write(&self, fill: impl FnOnce(&Self, &mut Buffer) -> Written) -> Part {
        let mut json = Scratch::take();
        let Written { sensitive, unserializable } = fill(self, json.buffer());
        Part { json, sensitive, unserializable }
    }

    /// Appends `value` as an object: payloads are objects in the API, so `null` becomes `{}` and any other value
    /// `{"value": …}`.
    fn object<T: Serialize + ?Sized>(
        &self,
        out: &mut Buffer,
        from: Redactable<'_>,
        value: &T,
        max_length: usize,
    ) -> Written {
        let start = out.len();
        // The caller's code runs in here: its `Serialize` and the redaction hook. A handle call never panics.
        let written = catch_unwind(AssertUnwindSafe(|| match &self.redactor {
            None => JsonWriter::append(out, value, max_length),
            Some(redactor) => {
                // A `Value` has no limit of its own: what has no end would take the whole stack, which nothing catches.
                JsonWriter::append(out, value, usize::MAX)?;
                out.truncate(start);
                let mut value = serde_json::to_value(value).map_err(|_| Unserializable)?;
                redactor.0.redact(from, &mut value);
                JsonWriter::append(out, &value, max_length)
            }
        }));
        let Ok(Ok(sensitive)) = written else {
            out.truncate(start);
            out.append(UNSERIALIZABLE);
            return Written { sensitive: false, unserializable: true };
        };
        if out[start] != b'{' {
            if &out[start..] == b"null" {
                out.truncate(start);
                out.push(b'{');
            } else {
                out.insert(start, b"{\"value\":");
            }
            out.push(b'}');
        }
        Written { sensitive, unserializable: false }
    }
}

#[derive(Default)]
struct Written {
    sensitive: bool,
    unserializable: bool,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::payload::Sensitive;

    fn encoder() -> Encoder {
        Encoder {
            capture_inputs: true,
            capture_outputs: true,
            max_input_length: 8,
            max_output_length: 8,
            redactor: None,
        }
    }

    fn json_of(part: &Part) -> Value {
        serde_json::from_slice(&part.json).expect("an encoded part is JSON")
    }

    fn payload_of(encoder: &Encoder, payload: &impl Serialize) -> Value {
        let part = encoder.payload("agent:llm", payload);
        let members = [b"{", &*part.json, b"}"].concat();
        serde_json::from_slice::<Value>(&members).expect("members of an object")["payload"].clone()
    }

    #[test]
    fn a_span_is_written_as_the_members_of_an_item() {
        let part = encoder().payload("agent:\"llm\"", &json!({ "model": "m" }));

        assert_eq!(
            String::from_utf8_lossy(&part.json),
            r#""schema_name":"agent:\"llm\"","payload":{"model":"m"}"#
        );
    }

    #[test]
    fn strings_are_cut_on_character_borders_and_say_so() {
        let encoder = encoder();

        assert_eq!(payload_of(&encoder, &json!({ "a": "12345678" })), json!({ "a": "12345678" }));
        assert_eq!(
            payload_of(&encoder, &json!({ "a": "123456789" })),
            json!({ "a": "12345678…[truncated]" })
        );
        assert_eq!(
            payload_of(&encoder, &json!({ "a": "ééééééé\nxyz" })),
            json!({ "a": "ééééééé\n…[truncated]" })
        );
        assert_eq!(
            payload_of(&encoder, &json!({ "a": "\n\n\n\n\n\n\n\n\n" })),
            json!({ "a": "\n\n\n\n\n\n\n\n…[truncated]" })
        );
        assert_eq!(
            payload_of(&encoder, &json!({ "a": ["🦀🦀🦀🦀🦀🦀🦀🦀🦀"] })),
            json!({ "a": ["🦀🦀🦀🦀🦀🦀🦀🦀…[truncated]"] })
        );
    }

    #[test]
    fn keys_and_the_form_of_sensitive_values_are_never_cut() {
        let mut encoder = encoder();
        encoder.max_input_length = 3;

        let payload = json!({ "a long key": Sensitive::new("secret").label("organisational_confidential"), "z": "after" });

        assert_eq!(
            payload_of(&encoder, &payload),
            json!({
                "a long key": {
                    "$sensitive": "string",
                    "value": "sec…[truncated]",
                    "labels": ["organisational_confidential"]
                },
                "z": "aft…[truncated]"
            })
        );
    }

    #[test]
    fn a_sensitive_value_anywhere_marks_the_part() {
        let encoder = encoder();

        assert!(encoder.payload("s", &json!({ "deep": [{ "pin": Sensitive::new(1234) }] })).sensitive);
        assert!(!encoder.payload("s", &json!({ "text": "\"$sensitive\":" })).sensitive);
        assert!(encoder.result(&Sensitive::new("x")).is_some_and(|part| part.sensitive));
    }

    #[test]
    fn what_is_no_object_is_wrapped_in_one() {
        let encoder = encoder();

        assert_eq!(payload_of(&encoder, &()), json!({}));
        assert_eq!(payload_of(&encoder, &"text"), json!({ "value": "text" }));
        assert_eq!(payload_of(&encoder, &[1, 2]), json!({ "value": [1, 2] }));
        assert!(encoder.result(&()).is_none());
        assert_eq!(json_of(&encoder.result(&7).expect("a result")), json!({ "value": 7 }));
    }

    #[test]
    fn capture_switches_leave_the_span_but_not_its_content() {
        let encoder = Encoder { capture_inputs: false, capture_outputs: false, ..encoder() };

        assert_eq!(payload_of(&encoder, &json!({ "secret": 1 })), json!({}));
        assert!(encoder.result(&json!({ "secret": 1 })).is_none());
    }

    #[test]
    fn the_redactor_sees_everything_before_it_is_written() {
        let redactor = |from: Redactable<'_>, value: &mut Value| {
            assert!(matches!(from, Redactable::Payload { schema_name: "agent:llm" }));
            value["key"] = json!("***");
        };
        let encoder = Encoder { redactor: Some(SharedRedactor(Arc::new(redactor))), ..encoder() };

        assert_eq!(payload_of(&encoder, &json!({ "key": "k1", "n": 1 })), json!({ "key": "***", "n": 1 }));
    }

    #[test]
    fn a_payload_that_fails_or_panics_keeps_its_span_and_says_so() {
        struct Fails;
        impl Serialize for Fails {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("the payload's own words"))
            }
        }
        struct Panics;
        impl Serialize for Panics {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("in the caller's code")
            }
        }
        let encoder = encoder();

        for part in [encoder.payload("s", &Fails), encoder.payload("s", &(1, Panics))] {
            assert!(part.unserializable);
            assert_eq!(&*part.json, br#""schema_name":"s","payload":{"$unserializable":true}"#);
        }
    }

    #[test]
    fn nesting_without_end_is_refused_before_the_stack_is_gone() {
        struct Endless;
        impl Serialize for Endless {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq([Endless])
            }
        }

        assert!(encoder().payload("s", &Endless).unserializable);
        let hook = |_: Redactable<'_>, _: &mut Value| {};
        let redacting = Encoder { redactor: Some(SharedRedactor(Arc::new(hook))), ..encoder() };
        assert!(redacting.payload("s", &Endless).unserializable);
    }

    #[test]
    fn a_payload_may_call_a_handle_while_it_is_written() {
        struct Reentrant;
        impl Serialize for Reentrant {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let inner = encoder().payload("inner", &json!({ "n": 1 }));
                assert_eq!(&*inner.json, br#""schema_name":"inner","payload":{"n":1}"#);
                serializer.collect_map([("outer", true)])
            }
        }

        assert_eq!(payload_of(&encoder(), &Reentrant), json!({ "outer": true }));
    }
}
