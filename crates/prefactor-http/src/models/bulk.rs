//! Many operations in one request (API contract, Bulk).

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Control, Payload};
use crate::{ApiError, IdempotencyKey, ValidationErrors};

/// One operation of a bulk request: an action, a key and the action's parameters.
///
/// Parameters stand flat beside the action's name, except those of `agent_spans/create`, which go under `details`.
///
/// ```
/// use prefactor_http::{BulkItem, IdempotencyKey};
/// use serde_json::json;
///
/// let item = BulkItem::new("agent_spans/finish", IdempotencyKey::new("finish-0001")?)
///     .with("agent_span_id", "013xrzp12g3nqk8n04hmasw9nf6yy093")?
///     .with("status", "complete")?;
/// assert_eq!(
///     serde_json::to_value(&item)?,
///     json!({
///         "_type": "agent_spans/finish",
///         "idempotency_key": "finish-0001",
///         "agent_span_id": "013xrzp12g3nqk8n04hmasw9nf6yy093",
///         "status": "complete",
///     })
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BulkItem {
    #[serde(rename = "_type")]
    action: String,
    idempotency_key: IdempotencyKey,
    #[serde(flatten)]
    extra_data: Payload,
}

/// Why something cannot be sent in bulk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BulkRequestError {
    /// There is no item.
    #[error("a bulk request needs at least one item")]
    Empty,
    /// Two items have the same key, so one's result would hide the other's.
    #[error("the idempotency key {key} occurs twice in a bulk request")]
    DuplicateKey {
        /// The key.
        key: IdempotencyKey,
    },
    /// A parameter has the name of one of the item's own fields.
    #[error("a bulk item cannot have a parameter named {name:?}")]
    ReservedName {
        /// The name.
        name: String,
    },
    /// A parameter cannot be written as JSON.
    #[error("the parameter {name:?} could not be written as json")]
    Parameter {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Fields cannot be written as a JSON object.
    #[error("the fields could not be written as a json object")]
    Fields(#[source] serde_json::Error),
}

impl BulkItem {
    /// An operation without parameters. The action is named as in `agent_spans/create`.
    #[must_use]
    pub fn new(action: impl Into<String>, idempotency_key: IdempotencyKey) -> Self {
        Self { action: action.into(), idempotency_key, extra_data: Payload::default() }
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// [`BulkRequestError`] when the name is `_type` or `idempotency_key`, or when the value cannot be written as JSON.
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Result<Self, BulkRequestError> {
        let name = name.into();
        if matches!(name.as_str(), "_type" | "idempotency_key") {
            return Err(BulkRequestError::ReservedName { name });
        }
        match serde_json::to_value(value) {
            Ok(value) => self.extra_data.insert(name, value),
            Err(source) => return Err(BulkRequestError::Parameter { name, source }),
        };
        Ok(self)
    }

    /// Adds every field of a request as a parameter, for the actions whose parameters stand flat.
    ///
    /// ```
    /// use prefactor_http::{BulkItem, FinishInstanceRequest, FinishStatus, IdempotencyKey};
    ///
    /// let item = BulkItem::new("agent_instances/finish", IdempotencyKey::random())
    ///     .with("agent_instance_id", "013xrzp12g3nqk8n04hmasw9nf6yy093")?
    ///     .with_fields(&FinishInstanceRequest::new().status(FinishStatus::Complete))?;
    /// assert_eq!(item.extra_data()["status"], "complete");
    /// # Ok::<(), prefactor_http::BulkRequestError>(())
    /// ```
    ///
    /// # Errors
    /// [`BulkRequestError`] when the request has an idempotency key (the item has its own), or cannot be written as a JSON
    /// object.
    pub fn with_fields(self, fields: &impl Serialize) -> Result<Self, BulkRequestError> {
        let fields = Payload::of(fields).map_err(BulkRequestError::Fields)?;
        fields.into_inner().into_iter().try_fold(self, |item, (name, value)| item.with(name, value))
    }

    /// The action's name, `_type` in the request.
    #[doc(alias = "_type")]
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The key under which the result is found.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }

    /// The parameters.
    #[must_use]
    pub fn extra_data(&self) -> &Payload {
        &self.extra_data
    }
}

/// A checked list of operations: at least one, each with a key of its own.
///
/// ```
/// use prefactor_http::{BulkItem, BulkRequest, BulkRequestError, IdempotencyKey};
///
/// let item = BulkItem::new("agents/list", IdempotencyKey::random());
/// assert!(BulkRequest::new(vec![item.clone()]).is_ok());
/// assert!(matches!(BulkRequest::new(vec![]), Err(BulkRequestError::Empty)));
/// assert!(matches!(BulkRequest::new(vec![item.clone(), item]), Err(BulkRequestError::DuplicateKey { .. })));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BulkRequest {
    items: Vec<BulkItem>,
}

impl BulkRequest {
    /// Checks the list.
    ///
    /// # Errors
    /// [`BulkRequestError::Empty`] or [`BulkRequestError::DuplicateKey`].
    pub fn new(items: Vec<BulkItem>) -> Result<Self, BulkRequestError> {
        if items.is_empty() {
            return Err(BulkRequestError::Empty);
        }
        let mut seen = HashSet::with_capacity(items.len());
        match items.iter().find(|item| !seen.insert(&item.idempotency_key)) {
            Some(item) => Err(BulkRequestError::DuplicateKey { key: item.idempotency_key.clone() }),
            None => Ok(Self { items }),
        }
    }

    /// The operations, in the order in which they run.
    #[must_use]
    pub fn items(&self) -> &[BulkItem] {
        &self.items
    }
}

/// How one operation of a bulk request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStatus {
    /// It was done.
    Success,
    /// It was refused or failed.
    Error,
}

/// The result of one operation of a bulk request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkOutput {
    /// How it ended.
    pub status: OutputStatus,
    /// An order to the agent, which span operations may carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// Everything else: `details` or `summaries` of a success; `code`, `message` and perhaps `errors` of an error.
    #[serde(flatten)]
    pub extra_data: Payload,
}

impl BulkOutput {
    /// Whether the operation was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == OutputStatus::Success
    }

    /// What the operation made, changed or found.
    #[must_use]
    pub fn details(&self) -> Option<&Value> {
        self.extra_data.get("details")
    }

    /// What the operation listed.
    #[must_use]
    pub fn summaries(&self) -> Option<&Value> {
        self.extra_data.get("summaries")
    }

    /// The error of an operation that was not done.
    #[must_use]
    pub fn error(&self) -> Option<BulkOutputError> {
        if self.is_success() {
            return None;
        }
        let text = |name| self.extra_data.get(name).and_then(Value::as_str);
        let errors =
            self.extra_data.get("errors").and_then(|errors| ValidationErrors::deserialize(errors).ok());
        Some(BulkOutputError {
            code: text("code").unwrap_or(ApiError::UNKNOWN_CODE).to_owned(),
            message: text("message").unwrap_or_default().to_owned(),
            errors: errors.unwrap_or_default(),
        })
    }
}

/// Why one operation of a bulk request was not done. It has no HTTP status of its own.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct BulkOutputError {
    /// The API's word for programs, such as `not_found`.
    pub code: String,
    /// The API's text for humans.
    pub message: String,
    /// What is wrong with each field.
    pub errors: ValidationErrors,
}

/// The results of a bulk request, by idempotency key.
///
/// Processing may stop at the first operation that errors: an absent key was not processed (API contract, Bulk).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkResponse {
    /// `success` whenever the request was processed, whatever came of its operations.
    pub status: String,
    /// The results by the idempotency key of each operation.
    pub outputs: HashMap<String, BulkOutput>,
    /// An order to the agent that concerns the request as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
}

impl BulkResponse {
    /// The result of an operation; `None` when it was not processed.
    #[must_use]
    pub fn output(&self, item: &BulkItem) -> Option<&BulkOutput> {
        self.outputs.get(item.idempotency_key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FieldErrors, FinishInstanceRequest};

    fn key() -> IdempotencyKey {
        IdempotencyKey::new("key-0001").unwrap()
    }

    #[test]
    fn parameters_cannot_replace_the_items_own_fields() {
        for name in ["_type", "idempotency_key"] {
            let refused = BulkItem::new("agents/list", key()).with(name, "x");

            assert!(matches!(refused, Err(BulkRequestError::ReservedName { .. })), "{name}");
        }
        let keyed = FinishInstanceRequest::new().idempotency_key(key());
        let refused = BulkItem::new("agent_instances/finish", key()).with_fields(&keyed);
        assert!(matches!(refused, Err(BulkRequestError::ReservedName { .. })));
    }

    #[test]
    fn both_kinds_of_output_are_read() {
        let response: BulkResponse = serde_json::from_value(json!({
            "status": "success",
            "outputs": {
                "key-0001": {"status": "success", "details": {"id": "s"}, "control": {"terminate": true}},
                "key-0002": {"status": "error", "code": "validation_errors", "message": "no",
                             "errors": {"name": ["is taken"], "id": {"status": "error", "code": "bad", "message": "odd"}}},
            },
        }))
        .unwrap();

        let done = response.output(&BulkItem::new("agent_spans/create", key())).unwrap();
        assert_eq!(done.details(), Some(&json!({"id": "s"})));
        assert_eq!(done.error(), None);
        assert!(done.control.as_ref().unwrap().terminate);
        let refused = response.outputs["key-0002"].error().unwrap();
        assert_eq!(refused.to_string(), "no (validation_errors)");
        assert_eq!(refused.errors["name"], FieldErrors::Messages(vec!["is taken".into()]));
        assert_eq!(refused.errors["id"], FieldErrors::Fault { code: "bad".into(), message: "odd".into() });
    }

    #[test]
    fn an_output_of_another_status_is_refused() {
        assert!(serde_json::from_value::<BulkOutput>(json!({"status": "maybe"})).is_err());
    }
}
