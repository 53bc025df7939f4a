//! An operation as bytes, with all that is needed to send it again under the same ids and keys. Pure.

use std::collections::HashMap;

use prefactor_http::FinishStatus;
use prefactor_pfid::{Pfid, Stem};
use serde::{Deserialize, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::operation::{Action, CreateSpan, Operation, SpanEnd, SpanFinish};
use crate::payload::Json;
use crate::random_key::RandomKeyed;

/// The first byte of every record. Another one is another format.
const VERSION: u8 = 2;

/// What a record says.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) run: Stem,
    /// The run's id, as far as it was known then, or the one that it was to have.
    instance: Option<Pfid>,
    /// The API's own id of the span that the operation refers to, as far as it was known then.
    referred: Option<Pfid>,
    /// Calls that the operation stands for, by the epoch in which they were accepted.
    pub(crate) operations: [u16; 2],
    pub(crate) action: Action,
}

/// What notes tell: the ids under which the API has made runs and spans.
pub(crate) type Ids = HashMap<Stem, Pfid, RandomKeyed>;

impl Decoded {
    /// The run's id. A note about it knows better than the record.
    pub(crate) fn instance(&self, ids: &Ids) -> Option<Pfid> {
        ids.get(&self.run).copied().or(self.instance)
    }

    /// The span that the operation refers to, where the API has made it under an id of its own.
    pub(crate) fn referred(&self, ids: &Ids) -> Option<(Stem, Pfid)> {
        let span = self.action.refers_to()?;
        Some((span, ids.get(&span).copied().or(self.referred)?))
    }
}

/// Writes an operation.
pub(crate) fn encode(operation: &Operation) -> Vec<u8> {
    let run = operation.run();
    let referred = operation.action.refers_to().and_then(|span| run.assigned_span_id(span));
    let record = Record {
        run: run.key().into(),
        instance: run.id().map(Pfid::to_bytes),
        referred: referred.map(Pfid::to_bytes),
        operations: operation.ticket.operations(),
        action: (&operation.action).into(),
    };
    let mut out = Vec::with_capacity(operation.action.content_len() + 100);
    out.push(VERSION);
    // Nothing in there can fail to be written into memory.
    postcard::to_extend(&record, out).unwrap_or_default()
}

/// Reads an operation; `None` for what is none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let (version, bytes) = bytes.split_first()?;
    let record: Record<'_> = (*version == VERSION).then(|| postcard::from_bytes(bytes).ok())??;
    let id = |bytes: Option<[u8; Pfid::BYTES]>| bytes.map(|bytes| Pfid::from_bytes(&bytes)).transpose().ok();
    Some(Decoded {
        run: record.run.read()?,
        instance: id(record.instance)?,
        referred: id(record.referred)?,
        operations: record.operations,
        action: record.action.read()?,
    })
}

/// The note that the API has made a run, or a span, under this id.
pub(crate) fn encode_id(thing: Stem, id: Pfid) -> Vec<u8> {
    let mut note = vec![VERSION];
    note.extend(thing.as_u128().to_le_bytes());
    note.extend(id.to_bytes());
    note
}

pub(crate) fn decode_id(note: &[u8]) -> Option<(Stem, Pfid)> {
    let (version, note) = note.split_first()?;
    let (thing, id) = note.split_first_chunk::<16>()?;
    (*version == VERSION)
        .then(|| Some((stem_of(u128::from_le_bytes(*thing))?, Pfid::from_bytes(id).ok()?)))?
}

fn stem_of(number: u128) -> Option<Stem> {
    let [_, _, _, _, _, _, random @ ..] = number.to_be_bytes();
    Stem::new(u64::try_from(number >> 80).ok()?, random).ok()
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    run: Id,
    instance: Option<[u8; Pfid::BYTES]>,
    referred: Option<[u8; Pfid::BYTES]>,
    operations: [u16; 2],
    #[serde(borrow)]
    action: Written<'a>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Id([u8; 16]);

impl From<Stem> for Id {
    fn from(stem: Stem) -> Self {
        Self(stem.as_u128().to_le_bytes())
    }
}

impl Id {
    fn read(self) -> Option<Stem> {
        stem_of(u128::from_le_bytes(self.0))
    }
}

/// JSON that was encoded at the call.
#[derive(Serialize, Deserialize)]
struct Text<'a>(#[serde(serialize_with = "in_one_piece")] &'a [u8]);

fn in_one_piece<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

impl Text<'_> {
    fn read(&self) -> Json {
        Json::from(self.0)
    }
}

#[derive(Serialize, Deserialize)]
enum Written<'a> {
    Register {
        #[serde(borrow)]
        members: Text<'a>,
    },
    Start {
        at: u64,
    },
    CreateSpan {
        id: Id,
        parent: Option<Id>,
        started_at: u64,
        members: Text<'a>,
        sensitive: bool,
        end: WrittenEnd<'a>,
    },
    FinishSpan {
        id: Id,
        finish: WrittenFinish<'a>,
    },
    RecordQuality {
        key: Id,
        members: Text<'a>,
    },
    FinishInstance {
        status: u8,
        at: u64,
    },
}

#[derive(Serialize, Deserialize)]
enum WrittenEnd<'a> {
    Open,
    Cancelled,
    Finished(#[serde(borrow)] WrittenFinish<'a>),
}

#[derive(Serialize, Deserialize)]
struct WrittenFinish<'a> {
    status: u8,
    at: u64,
    #[serde(borrow)]
    result: Option<Text<'a>>,
    sensitive: bool,
}

impl<'a> From<&'a Action> for Written<'a> {
    fn from(action: &'a Action) -> Self {
        match action {
            Action::Register { members } => Self::Register { members: Text(members) },
            Action::Start { at } => Self::Start { at: at.as_micros() },
            Action::CreateSpan(create) => Self::CreateSpan {
                id: create.id.into(),
                parent: create.parent.map(Id::from),
                started_at: create.started_at.as_micros(),
                members: Text(&create.members),
                sensitive: create.members.is_sensitive(),
                end: match &create.end {
                    SpanEnd::Open => WrittenEnd::Open,
                    SpanEnd::Cancelled => WrittenEnd::Cancelled,
                    SpanEnd::Finished(finish) => WrittenEnd::Finished(finish.into()),
                },
            },
            Action::FinishSpan { id, finish } => Self::FinishSpan { id: (*id).into(), finish: finish.into() },
            Action::RecordQuality { key, members } => {
                Self::RecordQuality { key: (*key).into(), members: Text(members) }
            }
            Action::FinishInstance { status, at } => {
                Self::FinishInstance { status: number_of(*status), at: at.as_micros() }
            }
        }
    }
}

impl Written<'_> {
    fn read(self) -> Option<Action> {
        Some(match self {
            Self::Register { members } => Action::Register { members: members.read() },
            Self::Start { at } => Action::Start { at: Timestamp::from_micros(at) },
            Self::CreateSpan { id, parent, started_at, members, sensitive, end } => {
                let parent = match parent {
                    Some(parent) => Some(parent.read()?),
                    None => None,
                };
                let end = match end {
                    WrittenEnd::Open => SpanEnd::Open,
                    WrittenEnd::Cancelled => SpanEnd::Cancelled,
                    WrittenEnd::Finished(finish) => SpanEnd::Finished(finish.read()?),
                };
                let (id, started_at) = (id.read()?, Timestamp::from_micros(started_at));
                Action::CreateSpan(CreateSpan {
                    id,
                    parent,
                    started_at,
                    members: members.read().marked(sensitive),
                    end,
                })
            }
            Self::FinishSpan { id, finish } => Action::FinishSpan { id: id.read()?, finish: finish.read()? },
            Self::RecordQuality { key, members } => {
                Action::RecordQuality { key: key.read()?, members: members.read() }
            }
            Self::FinishInstance { status, at } => {
                Action::FinishInstance { status: status_of(status)?, at: Timestamp::from_micros(at) }
            }
        })
    }
}

impl<'a> From<&'a SpanFinish> for WrittenFinish<'a> {
    fn from(finish: &'a SpanFinish) -> Self {
        Self {
            status: number_of(finish.status),
            at: finish.at.as_micros(),
            result: finish.result.as_ref().map(|result| Text(result)),
            sensitive: finish.is_sensitive(),
        }
    }
}

impl WrittenFinish<'_> {
    fn read(self) -> Option<SpanFinish> {
        Some(SpanFinish {
            status: status_of(self.status)?,
            at: Timestamp::from_micros(self.at),
            result: self.result.map(|result| result.read().marked(self.sensitive)),
        })
    }
}

const fn number_of(status: FinishStatus) -> u8 {
    match status {
        FinishStatus::Complete => 0,
        FinishStatus::Failed => 1,
        FinishStatus::Cancelled => 2,
    }
}

const fn status_of(number: u8) -> Option<FinishStatus> {
    match number {
        0 => Some(FinishStatus::Complete),
        1 => Some(FinishStatus::Failed),
        2 => Some(FinishStatus::Cancelled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{self, cancel, create, finish, finish_as, operation, partition, stem};
    use crate::wire;

    #[test]
    fn an_operation_comes_back_as_the_same_item() {
        let pipeline = fixture::pipeline();
        let run = fixture::run(&pipeline, 1);
        let mut whole = create(4, Some(2));
        if let (Action::CreateSpan(create), Action::FinishSpan { finish, .. }) = (&mut whole, finish(4)) {
            create.end = SpanEnd::Finished(finish);
            create.members = create.members.clone().marked(true);
        }
        let mut pending = create(5, None);
        if let Action::CreateSpan(create) = &mut pending {
            create.end = SpanEnd::Cancelled;
        }
        let actions = [
            fixture::register(),
            fixture::start(),
            create(2, None),
            create(3, Some(2)),
            whole,
            pending,
            finish(2),
            finish_as(3, FinishStatus::Failed, None),
            cancel(5),
            fixture::quality(6),
            fixture::finish_instance(FinishStatus::Cancelled),
        ];

        for action in actions {
            let before = operation(&run, action);
            let decoded = decode(&encode(&before)).expect("what was encoded");
            assert_eq!((decoded.run, decoded.instance), (run.key(), run.id()));
            assert_eq!(decoded.operations, before.ticket.operations());
            assert_eq!(decoded.action.content_len(), before.action.content_len());
            let after = operation(&run, decoded.action);
            assert_eq!(wire::body(&[before]), wire::body(&[after]));
        }
    }

    #[test]
    fn ids_that_the_api_gave_come_from_the_record_or_from_a_later_note() {
        let run = fixture::run(&fixture::pipeline(), 1);
        let [told, noted] = [8, 9].map(|n| stem(n).with_partition(partition()));
        run.span_created_as(stem(2), told);
        let read = |action| decode(&encode(&operation(&run, action))).expect("what was encoded");
        let (none, notes) = (Ids::default(), Ids::from_iter([(run.key(), noted), (stem(3), noted)]));

        assert_eq!(read(finish(2)).referred(&none), Some((stem(2), told)));
        assert_eq!(read(create(4, Some(2))).referred(&notes), Some((stem(2), told)));
        assert_eq!(read(finish(3)).referred(&none), None);
        assert_eq!(read(finish(3)).referred(&notes), Some((stem(3), noted)));
        assert_eq!(read(create(2, None)).referred(&notes), None);
        assert_eq!(read(finish(2)).instance(&none), run.id());
        assert_eq!(read(finish(2)).instance(&notes), Some(noted), "it was only to have the other one");
    }

    #[test]
    fn a_note_comes_back_with_its_id() {
        let id = stem(9).with_partition(partition());

        assert_eq!(decode_id(&encode_id(stem(1), id)), Some((stem(1), id)));
        assert_eq!(decode_id(b"\x01short"), None);
    }

    #[test]
    fn what_another_version_wrote_is_none_of_ours() {
        let mut bytes = encode(&operation(&fixture::run(&fixture::pipeline(), 1), create(2, None)));
        bytes[0] += 1;

        assert!(decode(&bytes).is_none());
        assert!(decode(&[]).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (decode(&bytes), decode_id(&bytes));
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = (decode(&bytes), decode_id(&bytes));
        }
    }
}
