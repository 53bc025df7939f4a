//! Reads requests: strictly and in one pass when they are well-formed, and only when that fails a second time
//! to tell which field is wrong.

mod depth;
pub(crate) mod fields;
pub(crate) mod values;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use fields::{Field, Kind};
pub(crate) use values::{Id, Moment, Object, Record, Text};

use crate::error::ApiError;

/// Parameters of one action: how they are read, and the fields by which a refusal is explained.
pub(crate) trait Params<'a>: Deserialize<'a> {
    const FIELDS: &'static [Field];
}

/// Reads a body; one without content counts as an empty object.
pub(crate) fn body<'a, P: Params<'a>>(body: &'a [u8]) -> Result<P, ApiError> {
    let trimmed = body.trim_ascii();
    object(if trimmed.is_empty() || trimmed == b"null" { b"{}" } else { trimmed })
}

/// Reads a JSON object.
pub(crate) fn object<'a, P: Params<'a>>(json: &'a [u8]) -> Result<P, ApiError> {
    serde_json::from_slice::<Record<P>>(json)
        .map(|record| record.0)
        .map_err(|error| explain(json, P::FIELDS, &error))
}

fn explain(json: &[u8], fields: &[Field], error: &serde_json::Error) -> ApiError {
    let value = match serde_json::from_slice::<Value>(json) {
        Ok(value) => value,
        Err(error) => return ApiError::bad_request(format!("The body can't be read as JSON: {error}.")),
    };
    let Value::Object(object) = value else {
        return ApiError::bad_request("The body must be a JSON object.");
    };
    let errors = fields::check(&object, fields);
    if errors.is_empty() {
        return ApiError::bad_request(format!("The body can't be read: {error}."));
    }
    ApiError::validation(errors)
}
