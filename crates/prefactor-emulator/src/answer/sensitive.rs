//! Sensitive values are shown redacted: what kind they are and how they are labelled, not what they are.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Appends `payload` with every `{"$sensitive": …, "value": …}` stripped of its value.
pub(super) fn redacted(out: &mut Vec<u8>, payload: &RawValue) {
    // What can't be read as a value (it nests too deep) is hidden as a whole: never show what may be a secret.
    let mut value = serde_json::from_str(payload.get()).unwrap_or_else(|_| Value::Object(Map::new()));
    redact(&mut value);
    out.extend_from_slice(value.to_string().as_bytes());
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(object) if object.contains_key("$sensitive") => {
            object.remove("value");
            object.insert("redacted".to_owned(), Value::Bool(true));
        }
        Value::Object(object) => object.values_mut().for_each(redact),
        Value::Array(list) => list.iter_mut().for_each(redact),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_hidden_at_any_depth_and_labels_stay() {
        let payload = serde_json::value::to_raw_value(&json!({
            "open": "seen",
            "list": [{ "deep": { "$sensitive": "string", "value": "secret", "labels": ["pii"] } }],
        }))
        .unwrap();
        let mut out = Vec::new();

        redacted(&mut out, &payload);

        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json!({
                "open": "seen",
                "list": [{ "deep": { "$sensitive": "string", "labels": ["pii"], "redacted": true } }],
            })
        );
    }

    #[test]
    fn what_nests_too_deep_is_hidden_as_a_whole() {
        let deep = format!("{{\"a\":{}\"secret\"{}}}", "[".repeat(200), "]".repeat(200));
        let mut out = Vec::new();

        redacted(&mut out, &RawValue::from_string(deep).unwrap());

        assert_eq!(out, b"{}");
    }
}
