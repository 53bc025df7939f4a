//! Spans: the steps of a run. A span is what its creation said, plus what its finish said; neither is overwritten.

use chrono::{DateTime, Utc};
use prefactor_pfid::Pfid;
use serde_json::value::RawValue;

use super::Store;
use crate::error::ApiError;
use crate::params::instances::owned;
use crate::params::spans::{FinishSpan, SpanDetails};
use crate::rules;
use crate::status::SpanStatus;

#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) id: Pfid,
    /// Where its instance stands.
    pub(crate) instance: usize,
    pub(crate) parent_span_id: Option<Pfid>,
    pub(crate) schema_name: Box<str>,
    /// The status it was created with.
    pub(crate) born: SpanStatus,
    /// As received: sensitive values are only hidden when the span is shown.
    pub(crate) payload: Box<RawValue>,
    pub(crate) result_payload: Option<Box<RawValue>>,
    pub(crate) is_sensitive: bool,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) inserted_at: DateTime<Utc>,
    pub(crate) sequence: u64,
    pub(crate) finish: Option<Finish>,
}

/// What a finish call added.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) status: SpanStatus,
    pub(crate) result_payload: Option<Box<RawValue>>,
    pub(crate) is_sensitive: bool,
    pub(crate) finished_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) sequence: u64,
}

/// The payload of a span that was given none: it is an object, never null.
fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

impl Span {
    pub(crate) fn status(&self) -> SpanStatus {
        self.finish.as_ref().map_or(self.born, |finish| finish.status)
    }
}

impl Store {
    pub(super) fn create_span(
        &mut self,
        params: &SpanDetails<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let instance = self.instance_of(Some(&params.agent_instance_id))?;
        rules::check_not_blank("schema_name", &params.schema_name)?;
        let born = rules::create_span(params.status)?;
        let id = match params.id {
            Some(id) => {
                let id = rules::check_chosen_id(id.0, self.ids.partition())?;
                if self.policy.ignored_ids.spans { self.ids.next() } else { id }
            }
            None => self.ids.next(),
        };
        if self.span_index.contains_key(&id) {
            return Err(ApiError::conflict("There is a span of this id already."));
        }
        let parent_span_id = params.parent_span_id.map(|id| id.0);
        if parent_span_id.is_some_and(|parent| !self.has_span(instance, parent)) {
            return Err(ApiError::field("parent_span_id", "does not exist in this instance"));
        }

        let sequence = self.next_sequence();
        let moment = |at: Option<crate::read::Moment>| Some(at.map_or(now, |at| at.0));
        let index = self.spans.insert(Span {
            id,
            instance,
            parent_span_id,
            schema_name: Box::from(&*params.schema_name),
            born,
            payload: owned(params.payload.as_ref()).unwrap_or_else(empty_object),
            result_payload: owned(params.result_payload.as_ref()),
            is_sensitive: params.sensitive_encoding.unwrap_or(false),
            started_at: if born == SpanStatus::Pending { None } else { moment(params.started_at) },
            finished_at: if born.is_ended() { moment(params.finished_at) } else { None },
            inserted_at: now,
            sequence,
            finish: None,
        });
        self.span_index.insert(id, index);
        let instance = &mut self.instances[instance];
        instance.spans.push(index);
        *instance.span_counts.of(born) += 1;
        Ok(index)
    }

    pub(super) fn finish_span(
        &mut self,
        params: &FinishSpan<'_>,
        now: DateTime<Utc>,
    ) -> Result<usize, ApiError> {
        let id = params.agent_span_id.as_deref().ok_or_else(|| ApiError::required("agent_span_id"))?;
        let index = id.parse().ok().and_then(|id: Pfid| self.span_index.get(&id).copied());
        let index = index.ok_or_else(|| ApiError::not_found("agent span"))?;
        let from = self.spans[index].status();
        let status = rules::finish_span(from, params.status.unwrap_or_default(), self.policy.cancel)?;

        let sequence = self.next_sequence();
        let span = &mut self.spans[index];
        span.finish = Some(Finish {
            status,
            result_payload: owned(params.result_payload.as_ref()),
            is_sensitive: params.sensitive_encoding.unwrap_or(false),
            finished_at: params.timestamp.map_or(now, |at| at.0),
            updated_at: now,
            sequence,
        });
        let counts = &mut self.instances[span.instance].span_counts;
        *counts.of(from) -= 1;
        *counts.of(status) += 1;
        Ok(index)
    }

    fn has_span(&self, instance: usize, id: Pfid) -> bool {
        self.span_index.get(&id).is_some_and(|index| self.spans[*index].instance == instance)
    }
}
