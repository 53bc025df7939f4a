//! Items of a bulk request as the API wants them (API contract, Bulk), written straight into the request's body.

use bytes::Bytes;
use prefactor_http::FinishStatus;
use prefactor_pfid::Pfid;

use crate::clock::{Rfc3339, Timestamp};
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
    Request::new(operations).body
}

/// A bulk request, and what is needed to judge its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) body: Bytes,
    /// The key of each item, and how often it has failed.
    pub(crate) items: Vec<(Key, u8)>,
}

impl Request {
    pub(crate) fn new(operations: &[Operation]) -> Self {
        let capacity: usize = operations.iter().map(estimated_len).sum();
        let mut writer = Writer {
            out: Vec::with_capacity(capacity + FINISH_FRAME_LEN),
            instance: None,
            times: Rfc3339::new(),
        };
        writer.out.extend_from_slice(b"{\"items\":[");
        let mut items = Vec::with_capacity(operations.len());
        for operation in operations {
            if !items.is_empty() {
                writer.out.push(b',');
            }
            let key = key(operation);
            writer.item(operation, &key);
            items.push((key, operation.attempts));
        }
        writer.out.extend_from_slice(b"]}");
        Self { body: Bytes::from(writer.out), items }
    }
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

/// Writes items, one behind the other. What is the same in most of them is not made anew for each.
struct Writer {
    out: Vec<u8>,
    /// The id of an instance that was written last, as text.
    instance: Option<(Pfid, [u8; Pfid::CHARACTERS])>,
    times: Rfc3339,
}

impl Writer {
    fn item(&mut self, operation: &Operation, key: &Key) {
        let run = operation.run();
        match &operation.action {
            Action::Register { members } => {
                self.open(b"agent_instances/register", key);
                if let Some(id) = run.id() {
                    self.id_member(b",\"id\":\"", id);
                }
                if !members.is_empty() {
                    self.out.push(b',');
                    self.out.extend_from_slice(members);
                }
            }
            Action::Start { at } => {
                self.open(b"agent_instances/start", key);
                self.instance_member(b",\"agent_instance_id\":\"", run);
                self.time_member(b",\"timestamp\":\"", *at);
            }
            Action::FinishInstance { status, at } => {
                self.open(b"agent_instances/finish", key);
                self.instance_member(b",\"agent_instance_id\":\"", run);
                self.status_member(*status);
                self.time_member(b",\"timestamp\":\"", *at);
            }
            Action::RecordQuality { members, .. } => {
                self.open(b"agent_instances/record_quality", key);
                self.instance_member(b",\"agent_instance_id\":\"", run);
                self.out.push(b',');
                self.out.extend_from_slice(members);
            }
            Action::CreateSpan(create) => {
                self.open(b"agent_spans/create", key);
                self.out.extend_from_slice(b",\"details\":{");
                self.span(run, create);
                self.out.push(b'}');
            }
            // Flat, without `details`: the API would lose what is in there (API contract, Bulk).
            Action::FinishSpan { id, finish } => {
                self.open(b"agent_spans/finish", key);
                if let Some(id) = run.span_id(*id) {
                    self.id_member(b",\"agent_span_id\":\"", id);
                }
                self.status_member(finish.status);
                self.time_member(b",\"timestamp\":\"", finish.at);
                self.result_members(finish, finish.is_sensitive());
            }
        }
        self.out.push(b'}');
    }

    fn span(&mut self, run: &Run, create: &CreateSpan) {
        self.instance_member(b"\"agent_instance_id\":\"", run);
        if let Some(instance) = run.id() {
            self.id_member(b",\"id\":\"", create.id.with_partition(instance.partition()));
        }
        if let Some(parent) = create.parent.and_then(|parent| run.span_id(parent)) {
            self.id_member(b",\"parent_span_id\":\"", parent);
        }
        self.out.push(b',');
        self.out.extend_from_slice(&create.members);
        match &create.end {
            SpanEnd::Open => {
                self.out.extend_from_slice(b",\"status\":\"active\"");
                self.time_member(b",\"started_at\":\"", create.started_at);
                self.sensitive_member(create.members.is_sensitive());
            }
            SpanEnd::Cancelled => {
                self.out.extend_from_slice(b",\"status\":\"pending\"");
                self.time_member(b",\"started_at\":\"", create.started_at);
                self.sensitive_member(create.members.is_sensitive());
            }
            SpanEnd::Finished(finish) => {
                self.status_member(finish.status);
                self.time_member(b",\"started_at\":\"", create.started_at);
                self.time_member(b",\"finished_at\":\"", finish.at);
                self.result_members(finish, create.members.is_sensitive() || finish.is_sensitive());
            }
        }
    }

    fn open<const N: usize>(&mut self, kind: &[u8; N], key: &Key) {
        self.out.extend_from_slice(b"{\"_type\":\"");
        self.out.extend_from_slice(kind);
        self.out.extend_from_slice(b"\",\"idempotency_key\":\"");
        self.out.extend_from_slice(key);
        self.out.push(b'"');
    }

    /// A member of which all up to its text is given.
    #[inline]
    fn member<const N: usize, const M: usize>(&mut self, opening: &[u8; N], text: &[u8; M]) {
        self.out.extend_from_slice(opening);
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    fn instance_member<const N: usize>(&mut self, opening: &[u8; N], run: &Run) {
        // An instance whose id is not known yet holds everything but its registration back.
        let Some(id) = run.id() else { return };
        let text = match self.instance {
            Some((last, text)) if last == id => text,
            _ => self.instance.insert((id, id.encode())).1,
        };
        self.member(opening, &text);
    }

    fn id_member<const N: usize>(&mut self, opening: &[u8; N], id: Pfid) {
        self.member(opening, &id.encode());
    }

    fn status_member(&mut self, status: FinishStatus) {
        self.out.extend_from_slice(b",\"status\":\"");
        self.out.extend_from_slice(status.as_str().as_bytes());
        self.out.push(b'"');
    }

    fn time_member<const N: usize>(&mut self, opening: &[u8; N], at: Timestamp) {
        let text = *self.times.write(at);
        self.member(opening, &text);
    }

    fn result_members(&mut self, finish: &SpanFinish, sensitive: bool) {
        if let Some(result) = &finish.result {
            self.out.extend_from_slice(b",\"result_payload\":");
            self.out.extend_from_slice(result);
        }
        self.sensitive_member(sensitive);
    }

    fn sensitive_member(&mut self, sensitive: bool) {
        if sensitive {
            self.out.extend_from_slice(b",\"sensitive_encoding\":true");
        }
    }
}

#[cfg(test)]
mod tests;
