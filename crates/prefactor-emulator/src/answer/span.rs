//! How a span is shown.

use serde_json::value::RawValue;

use super::json::ObjectWriter;
use super::sensitive;
use crate::store::{Instance, Span};

/// At which point of its life a span is shown: a repeated key answers what its first use answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    AsCreated,
    AsItIs,
}

pub(crate) fn span(out: &mut Vec<u8>, span: &Span, instance: &Instance, view: View) {
    let finish = span.finish.as_ref().filter(|_| view == View::AsItIs);
    let status = finish.map_or(span.born, |finish| finish.status);

    let mut object = ObjectWriter::open(out);
    object.text("type", "agent_span");
    object.id("id", span.id);
    object.id("account_id", instance.account_id);
    object.id("agent_id", instance.agent_id);
    object.id("agent_instance_id", instance.id);
    object.optional_id("parent_span_id", span.parent_span_id);
    object.text("schema_name", &span.schema_name);
    object.optional_text("schema_title", instance.titles.get(&*span.schema_name).map(String::as_str));
    object.text("status", status.as_str());
    payload(object.field("payload"), &span.payload, span.is_sensitive);
    match finish.and_then(|finish| finish.result_payload.as_deref().zip(Some(finish.is_sensitive))) {
        Some((result, is_sensitive)) => payload(object.field("result_payload"), result, is_sensitive),
        None => match &span.result_payload {
            Some(result) => payload(object.field("result_payload"), result, span.is_sensitive),
            None => object.null("result_payload"),
        },
    }
    object.null("summary");
    object.optional_moment("started_at", span.started_at);
    object.moment("inserted_at", span.inserted_at);
    object.moment("updated_at", finish.map_or(span.inserted_at, |finish| finish.updated_at));
    object.optional_moment("finished_at", finish.map_or(span.finished_at, |finish| Some(finish.finished_at)));
    object.close();
}

fn payload(out: &mut Vec<u8>, payload: &RawValue, is_sensitive: bool) {
    if is_sensitive {
        sensitive::redacted(out, payload);
    } else {
        out.extend_from_slice(payload.get().as_bytes());
    }
}
