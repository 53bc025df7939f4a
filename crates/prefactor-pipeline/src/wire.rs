//! Items of a bulk request as the API wants them (API contract, Bulk), written straight into the request's body.

use bytes::Bytes;
use prefactor_http::FinishStatus;
use prefactor_pfid::Pfid;

use crate::clock::Timestamp;
use crate::instance::Run;
use crate::operation::{Action, CreateSpan, Operation, SpanEnd, SpanFinish};

/// The idempotency key of an operation: a letter for its kind and what is known of its id from the moment of the call.
pub type Key = [u8; 27];

/// The largest part of an item that is not content: names, ids and times.
const FRAME_LEN: usize = 420;

/// What a finish adds to the item of its create.
const FINISH_FRAME_LEN: usize = 100;

/// About how many bytes an item takes; never less than it does.
pub(crate) fn estimated_len(operation: &Operation) -> usize {
    FRAME_LEN + operation.action.content_len()
}

/// About how many bytes a finish adds to the create it is merged into.
pub(crate) fn estimated_finish_len(finish: &SpanFinish) -> usize {
    finish.result.as_ref().map_or(0, |result| result.len())
}

/// The body of a bulk request.
pub(crate) fn body(operations: &[Operation]) -> Bytes {
    let capacity: usize = operations.iter().map(estimated_len).sum();
    let mut out = Vec::with_capacity(capacity + FINISH_FRAME_LEN);
    out.extend_from_slice(b"{\"items\":[");
    for (index, operation) in operations.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_item(&mut out, operation);
    }
    out.extend_from_slice(b"]}");
    Bytes::from(out)
}

pub(crate) fn key(operation: &Operation) -> Key {
    let run = operation.run().key();
    let (kind, stem) = match &operation.action {
        Action::Register { .. } => (b'r', run),
        Action::Start { .. } => (b's', run),
        // Another letter for a cancellation: one that the API does not allow is followed by a finish as failed.
        Action::FinishInstance { status: FinishStatus::Cancelled, .. } => (b'y', run),
        Action::FinishInstance { .. } => (b'e', run),
        Action::CreateSpan(create) => (b'c', create.id),
        Action::FinishSpan { id, finish } if finish.status == FinishStatus::Cancelled => (b'x', *id),
        Action::FinishSpan { id, .. } => (b'f', *id),
        Action::RecordQuality { key, .. } => (b'q', *key),
    };
    let mut key = [kind; 27];
    key[1..].copy_from_slice(&stem.encode());
    key
}

fn write_item(out: &mut Vec<u8>, operation: &Operation) {
    let run = operation.run();
    match &operation.action {
        Action::Register { members } => {
            open(out, "agent_instances/register", operation);
            if let Some(id) = run.id() {
                id_member(out, ",\"id\":", id);
            }
            if !members.is_empty() {
                out.push(b',');
                out.extend_from_slice(members);
            }
        }
        Action::Start { at } => {
            open(out, "agent_instances/start", operation);
            instance_member(out, ",\"agent_instance_id\":", run);
            time_member(out, "timestamp", *at);
        }
        Action::FinishInstance { status, at } => {
            open(out, "agent_instances/finish", operation);
            instance_member(out, ",\"agent_instance_id\":", run);
            status_member(out, *status);
            time_member(out, "timestamp", *at);
        }
        Action::RecordQuality { members, .. } => {
            open(out, "agent_instances/record_quality", operation);
            instance_member(out, ",\"agent_instance_id\":", run);
            out.push(b',');
            out.extend_from_slice(members);
        }
        Action::CreateSpan(create) => {
            open(out, "agent_spans/create", operation);
            out.extend_from_slice(b",\"details\":{");
            write_span(out, run, create);
            out.push(b'}');
        }
        // Flat, without `details`: the API would lose what is in there (API contract, Bulk).
        Action::FinishSpan { id, finish } => {
            open(out, "agent_spans/finish", operation);
            if let Some(id) = run.span_id(*id) {
                id_member(out, ",\"agent_span_id\":", id);
            }
            status_member(out, finish.status);
            time_member(out, "timestamp", finish.at);
            result_members(out, finish, finish.is_sensitive());
        }
    }
    out.push(b'}');
}

fn write_span(out: &mut Vec<u8>, run: &Run, create: &CreateSpan) {
    instance_member(out, "\"agent_instance_id\":", run);
    if let Some(instance) = run.id() {
        id_member(out, ",\"id\":", create.id.with_partition(instance.partition()));
    }
    if let Some(parent) = create.parent.and_then(|parent| run.span_id(parent)) {
        id_member(out, ",\"parent_span_id\":", parent);
    }
    out.push(b',');
    out.extend_from_slice(&create.members);
    match &create.end {
        SpanEnd::Open => {
            out.extend_from_slice(b",\"status\":\"active\"");
            time_member(out, "started_at", create.started_at);
            sensitive_member(out, create.members.is_sensitive());
        }
        SpanEnd::Cancelled => {
            out.extend_from_slice(b",\"status\":\"pending\"");
            time_member(out, "started_at", create.started_at);
            sensitive_member(out, create.members.is_sensitive());
        }
        SpanEnd::Finished(finish) => {
            status_member(out, finish.status);
            time_member(out, "started_at", create.started_at);
            time_member(out, "finished_at", finish.at);
            result_members(out, finish, create.members.is_sensitive() || finish.is_sensitive());
        }
    }
}

fn open(out: &mut Vec<u8>, kind: &str, operation: &Operation) {
    out.extend_from_slice(b"{\"_type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"idempotency_key\":\"");
    out.extend_from_slice(&key(operation));
    out.push(b'"');
}

fn instance_member(out: &mut Vec<u8>, member: &str, run: &Run) {
    // An instance whose id is not known yet holds everything but its registration back.
    if let Some(id) = run.id() {
        id_member(out, member, id);
    }
}

fn id_member(out: &mut Vec<u8>, member: &str, id: Pfid) {
    out.extend_from_slice(member.as_bytes());
    out.push(b'"');
    out.extend_from_slice(&id.encode());
    out.push(b'"');
}

fn status_member(out: &mut Vec<u8>, status: FinishStatus) {
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b'"');
}

fn time_member(out: &mut Vec<u8>, name: &str, at: Timestamp) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    at.write_rfc3339(out);
    out.push(b'"');
}

fn result_members(out: &mut Vec<u8>, finish: &SpanFinish, sensitive: bool) {
    if let Some(result) = &finish.result {
        out.extend_from_slice(b",\"result_payload\":");
        out.extend_from_slice(result);
    }
    sensitive_member(out, sensitive);
}

fn sensitive_member(out: &mut Vec<u8>, sensitive: bool) {
    if sensitive {
        out.extend_from_slice(b",\"sensitive_encoding\":true");
    }
}

#[cfg(test)]
mod tests;
