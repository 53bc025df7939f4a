use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON object whose contents belong to the agent: `Debug` tells how many fields it has, never what they hold.
///
/// ```
/// use prefactor_http::Payload;
///
/// let payload = Payload::of(&serde_json::json!({ "prompt": "my diary" }))?;
/// assert_eq!(payload["prompt"], "my diary");
/// assert_eq!(format!("{payload:?}"), "Payload(1 fields)");
/// assert!(Payload::of(&"no object").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payload(Map<String, Value>);

impl Payload {
    /// Writes a value as a JSON object.
    ///
    /// # Errors
    /// When the value cannot be written, or is something else than an object.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(value)?)
    }

    /// The fields.
    #[must_use]
    pub fn into_inner(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Map<String, Value>> for Payload {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl Deref for Payload {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Payload {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} fields)", self.0.len())
    }
}
