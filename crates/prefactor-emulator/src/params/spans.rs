//! Parameters of the span actions.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::ApiError;
use crate::read::{self, Field, Id, Kind, Moment, Object, Params, Record, Text};
use crate::status::{FinishStatus, SpanStatus};

/// The body of a creation: everything under `details`, the key beside it or inside.
#[derive(Debug, Deserialize)]
pub(crate) struct CreateSpan<'a> {
    #[serde(borrow)]
    pub(crate) details: Record<SpanDetails<'a>>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> CreateSpan<'a> {
    /// Reads a bulk item: its fields stand under `details`, or flat, as the Python client documents it.
    pub(crate) fn from_item(item: &'a [u8]) -> Result<Self, ApiError> {
        if read::object::<Shape>(item)?.details.is_some() {
            return read::object(item);
        }
        Ok(Self { details: Record(read::object(item)?), idempotency_key: None })
    }
}

#[derive(Debug, Deserialize)]
struct Shape {
    details: Option<IgnoredAny>,
}

impl<'a> Params<'a> for Shape {
    const FIELDS: &'static [Field] = &[];
}

#[derive(Debug, Deserialize)]
pub(crate) struct SpanDetails<'a> {
    #[serde(borrow)]
    pub(crate) agent_instance_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) schema_name: Text<'a>,
    pub(crate) status: SpanStatus,
    #[serde(borrow)]
    pub(crate) payload: Option<Object<'a>>,
    #[serde(borrow)]
    pub(crate) result_payload: Option<Object<'a>>,
    pub(crate) id: Option<Id>,
    pub(crate) parent_span_id: Option<Id>,
    pub(crate) started_at: Option<Moment>,
    pub(crate) finished_at: Option<Moment>,
    pub(crate) sensitive_encoding: Option<bool>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for CreateSpan<'a> {
    const FIELDS: &'static [Field] = &[
        Field::required("details", Kind::Details(SpanDetails::FIELDS)),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

impl<'a> Params<'a> for SpanDetails<'a> {
    const FIELDS: &'static [Field] = &[
        Field::required("agent_instance_id", Kind::Text),
        Field::required("schema_name", Kind::Text),
        Field::required("status", Kind::OneOf(&["pending", "active", "complete", "failed", "cancelled"])),
        Field::optional("payload", Kind::Object),
        Field::optional("result_payload", Kind::Object),
        Field::optional("id", Kind::Id),
        Field::optional("parent_span_id", Kind::Id),
        Field::optional("started_at", Kind::Moment),
        Field::optional("finished_at", Kind::Moment),
        Field::optional("sensitive_encoding", Kind::Flag),
        Field::optional("idempotency_key", Kind::Text),
    ];
}

/// Flat: a `details` wrapper is an unknown field like any other, so what it holds is lost, as in the API.
#[derive(Debug, Deserialize)]
pub(crate) struct FinishSpan<'a> {
    #[serde(borrow)]
    pub(crate) agent_span_id: Option<Text<'a>>,
    pub(crate) status: Option<FinishStatus>,
    #[serde(borrow)]
    pub(crate) result_payload: Option<Object<'a>>,
    pub(crate) timestamp: Option<Moment>,
    pub(crate) sensitive_encoding: Option<bool>,
    #[serde(borrow)]
    pub(crate) idempotency_key: Option<Text<'a>>,
}

impl<'a> Params<'a> for FinishSpan<'a> {
    const FIELDS: &'static [Field] = &[
        Field::optional("agent_span_id", Kind::Text),
        Field::optional("status", Kind::OneOf(FinishStatus::ALL)),
        Field::optional("result_payload", Kind::Object),
        Field::optional("timestamp", Kind::Moment),
        Field::optional("sensitive_encoding", Kind::Flag),
        Field::optional("idempotency_key", Kind::Text),
    ];
}
