//! Values that the API stores apart and shows redacted (API contract, Spans: sensitive values).

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::writer::SENSITIVE_KEY;

/// A value that the API keeps apart from the rest of the payload and shows only to those who may see it.
///
/// It is written as `{"$sensitive": "string" | "number", "value": …, "labels": […]}`; a span with one of these
/// anywhere in its payload or result is sent with `sensitive_encoding: true`.
///
/// ```
/// use prefactor_pipeline::Sensitive;
/// use serde_json::json;
///
/// let payload = json!({ "to": Sensitive::new("ada@example.org").label("personal"), "subject": "hello" });
/// assert_eq!(payload["to"]["$sensitive"], "string");
/// assert_eq!(payload["to"]["labels"], json!(["personal"]));
/// ```
#[derive(Clone)]
pub struct Sensitive<T> {
    value: T,
    labels: Vec<&'static str>,
}

/// The two kinds of values that can be sensitive: text and numbers.
pub trait SensitiveKind: Serialize {
    /// What the API calls this kind.
    const KIND: &'static str;
}

macro_rules! kind {
    ($kind:literal: $($type:ty),*) => { $(impl SensitiveKind for $type { const KIND: &'static str = $kind; })* };
}
kind!("string": str, String, std::borrow::Cow<'_, str>);
kind!("number": u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

impl<T: SensitiveKind + ?Sized> SensitiveKind for &T {
    const KIND: &'static str = T::KIND;
}

impl<T: SensitiveKind> Sensitive<T> {
    /// Marks `value` as sensitive.
    pub const fn new(value: T) -> Self {
        Self { value, labels: Vec::new() }
    }

    /// Adds a label that says what kind of secret it is, for example `organisational_confidential`.
    #[must_use]
    pub fn label(mut self, label: &'static str) -> Self {
        self.labels.push(label);
        self
    }
}

impl<T: SensitiveKind> Serialize for Sensitive<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = if self.labels.is_empty() { 2 } else { 3 };
        let mut object = serializer.serialize_struct("Sensitive", fields)?;
        object.serialize_field(SENSITIVE_KEY, T::KIND)?;
        object.serialize_field("value", &self.value)?;
        if !self.labels.is_empty() {
            object.serialize_field("labels", &self.labels)?;
        }
        object.end()
    }
}

impl<T> std::fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sensitive").field("labels", &self.labels).finish_non_exhaustive()
    }
}
