//! Explains what is wrong with an object that could not be read: every field, not just the first.

use chrono::DateTime;
use prefactor_pfid::Pfid;
use serde_json::{Map, Value};

use crate::error::FieldErrors;

/// One field of a request.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a field may hold.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Id,
    Moment,
    Flag,
    /// A whole number, or its digits as text (query strings have nothing else).
    Count,
    Object,
    Texts,
    OneOf(&'static [&'static str]),
    /// The wrapper `details`: its fields are reported by their own names.
    Details(&'static [Field]),
    Record(&'static [Field]),
    /// A record, or a text that says the same in short.
    TextOrRecord(&'static [Field]),
    Records(&'static [Field]),
}

impl Field {
    pub(crate) const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false }
    }
}

/// Everything that is wrong with `object`.
pub(crate) fn check(object: &Map<String, Value>, fields: &[Field]) -> FieldErrors {
    let mut errors = FieldErrors::new();
    check_object(object, fields, "", &mut errors);
    errors
}

fn check_object(object: &Map<String, Value>, fields: &[Field], prefix: &str, errors: &mut FieldErrors) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        match object.get(field.name) {
            None | Some(Value::Null) if field.required => report(errors, name, "is required"),
            None | Some(Value::Null) => {}
            Some(value) => check_value(value, &field.kind, prefix, name, errors),
        }
    }
}

fn check_value(value: &Value, kind: &Kind, prefix: &str, name: String, errors: &mut FieldErrors) {
    match kind {
        Kind::Text if !value.is_string() => report(errors, name, "must be a string"),
        Kind::Id if value.as_str().is_none_or(|text| text.parse::<Pfid>().is_err()) => {
            report(errors, name, "is not a PFID");
        }
        Kind::Moment if value.as_str().is_none_or(|text| DateTime::parse_from_rfc3339(text).is_err()) => {
            report(errors, name, "is not an RFC 3339 timestamp");
        }
        Kind::Flag if !value.is_boolean() => report(errors, name, "must be true or false"),
        Kind::Count if count(value).is_none() => report(errors, name, "must be a whole number"),
        Kind::Object if !value.is_object() => report(errors, name, "must be an object"),
        Kind::Texts if !is_list_of(value, Value::is_string) => {
            report(errors, name, "must be a list of strings");
        }
        Kind::OneOf(choices) if value.as_str().is_none_or(|text| !choices.contains(&text)) => {
            report(errors, name, format!("must be one of {}", choices.join(", ")));
        }
        Kind::TextOrRecord(_) if value.is_string() => {}
        Kind::Details(fields) | Kind::Record(fields) | Kind::TextOrRecord(fields) => match value {
            Value::Object(object) => {
                let inner =
                    if matches!(kind, Kind::Details(_)) { prefix.to_owned() } else { format!("{name}.") };
                check_object(object, fields, &inner, errors);
            }
            _ => report(errors, name, "must be an object"),
        },
        Kind::Records(fields) => match value {
            Value::Array(list) => {
                for (index, entry) in list.iter().enumerate() {
                    match entry {
                        Value::Object(object) => {
                            check_object(object, fields, &format!("{name}[{index}]."), errors);
                        }
                        _ => report(errors, format!("{name}[{index}]"), "must be an object"),
                    }
                }
            }
            _ => report(errors, name, "must be a list"),
        },
        _ => {}
    }
}

/// A whole number written as a number or as text.
pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn is_list_of(value: &Value, kind: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(kind))
}

fn report(errors: &mut FieldErrors, name: String, message: impl Into<String>) {
    errors.entry(name).or_default().push(message.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        Field::required("name", Kind::Text),
        Field::optional("size", Kind::Count),
        Field::optional(
            "parts",
            Kind::Records(&[Field::required("at", Kind::Moment), Field::optional("tags", Kind::Texts)]),
        ),
        Field::optional("details", Kind::Details(&[Field::optional("status", Kind::OneOf(&["on", "off"]))])),
    ];

    fn errors(value: Value) -> Vec<String> {
        let Value::Object(object) = value else { panic!("an object") };
        check(&object, FIELDS)
            .into_iter()
            .map(|(name, texts)| format!("{name}: {}", texts.join("; ")))
            .collect()
    }

    #[test]
    fn every_wrong_field_is_named() {
        let found = errors(json!({
            "size": "many",
            "parts": [{ "at": "yesterday" }, 3, { "at": "2026-01-01T00:00:00Z", "tags": [1] }],
            "details": { "status": "maybe" },
        }));

        assert_eq!(
            found,
            [
                "name: is required",
                "parts[0].at: is not an RFC 3339 timestamp",
                "parts[1]: must be an object",
                "parts[2].tags: must be a list of strings",
                "size: must be a whole number",
                "status: must be one of on, off",
            ]
        );
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(errors(json!({ "name": null, "size": null, "parts": null })), ["name: is required"]);
        assert_eq!(errors(json!({ "name": "n", "details": null })), [""; 0]);
    }
}
