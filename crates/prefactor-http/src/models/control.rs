use serde::{Deserialize, Serialize};

/// An order to the agent, which comes beside the answer to a span operation (API contract, Spans).
///
/// ```
/// let control: prefactor_http::Control = serde_json::from_str(r#"{"terminate": true, "reason": null}"#)?;
/// assert!(control.terminate);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Control {
    /// An operator has ended the run: the agent must stop.
    #[serde(default)]
    pub terminate: bool,
    /// Why, in the operator's words.
    #[serde(default)]
    pub reason: Option<String>,
}
