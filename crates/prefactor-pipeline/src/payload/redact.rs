//! The hook that sees a payload before anything of it is queued.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// Where the value that a [`Redactor`] gets comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redactable<'a> {
    /// The payload of a span of this schema.
    Payload {
        /// The span's schema name.
        schema_name: &'a str,
    },
    /// The result of a span.
    Result,
    /// A quality record of this name.
    Quality {
        /// The record's name.
        name: &'a str,
    },
}

/// Removes from a payload what must not leave the process.
///
/// It runs on the caller's thread, before anything is queued. Should it panic, the payload is replaced by
/// `{"$unserializable": true}` and the call goes on.
///
/// ```
/// use prefactor_pipeline::{Redactable, Redactor};
/// use serde_json::Value;
///
/// let _: Box<dyn Redactor> = Box::new(|_: Redactable<'_>, value: &mut Value| {
///     if let Some(object) = value.as_object_mut() {
///         object.remove("api_key");
///     }
/// });
/// ```
pub trait Redactor: Send + Sync {
    /// Changes `value` in place.
    fn redact(&self, from: Redactable<'_>, value: &mut Value);
}

impl<F: Fn(Redactable<'_>, &mut Value) + Send + Sync> Redactor for F {
    fn redact(&self, from: Redactable<'_>, value: &mut Value) {
        self(from, value);
    }
}

#[derive(Clone)]
pub(crate) struct SharedRedactor(pub(crate) Arc<dyn Redactor>);

impl fmt::Debug for SharedRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}
