//! Reads a bulk request. Well-formed items of the frequent actions are read in one pass over the body; anything else
//! is read again item by item, so that each gets its own verdict.

use std::fmt;

use rustc_hash::{FxBuildHasher, FxHashSet};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::action::{Action, ActionName};
use crate::error::{ApiError, FieldErrors};
use crate::read::{Record, Text};
use crate::rules;

/// One item: who it is, and what it asks for or why that can't be read.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) key: Text<'a>,
    pub(crate) action: Result<Action<'a>, ApiError>,
}

/// Reads all items. An error here is about the whole request: nothing was processed.
pub(crate) fn items(body: &[u8]) -> Result<Vec<Item<'_>>, ApiError> {
    // Checked once for all, which is cheaper than string by string.
    let body = str::from_utf8(body).map_err(|_| ApiError::bad_request("The body is not UTF-8."))?;
    let items = match serde_json::from_str::<Record<FrequentItems<'_>>>(body) {
        Ok(Record(request)) => request.items.into_iter().map(|item| item.0).collect(),
        Err(_) => one_by_one(body)?,
    };
    check_keys(&items)?;
    Ok(items)
}

fn check_keys(items: &[Item<'_>]) -> Result<(), ApiError> {
    let mut errors = FieldErrors::new();
    if items.is_empty() {
        errors.insert("items".into(), vec!["must have at least one item".into()]);
    }
    let mut seen = FxHashSet::with_capacity_and_hasher(items.len(), FxBuildHasher);
    for (index, item) in items.iter().enumerate() {
        let refusals = rules::check_idempotency_key(&item.key).err().map(|error| error.errors);
        for (field, texts) in refusals.into_iter().flatten() {
            errors.insert(format!("items[{index}].{field}"), texts);
        }
        if !seen.insert(&*item.key) {
            errors.insert(
                format!("items[{index}].idempotency_key"),
                vec!["is not unique in this request".into()],
            );
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::validation(errors)) }
}

fn one_by_one(body: &str) -> Result<Vec<Item<'_>>, ApiError> {
    let request: Record<AnyItems<'_>> =
        serde_json::from_str(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => ApiError::field("items", "must be a list of objects"),
            _ => ApiError::bad_request(format!("The body is not JSON: {error}.")),
        })?;
    let mut errors = FieldErrors::new();
    let mut items = Vec::with_capacity(request.0.items.len());
    for (index, raw) in request.0.items.into_iter().enumerate() {
        match read_item(raw) {
            Ok(item) => items.push(item),
            Err(error) => {
                errors.extend(
                    error.errors.into_iter().map(|(name, texts)| (format!("items[{index}].{name}"), texts)),
                );
            }
        }
    }
    if errors.is_empty() { Ok(items) } else { Err(ApiError::validation(errors)) }
}

fn read_item(raw: &RawValue) -> Result<Item<'_>, ApiError> {
    let json = raw.get().as_bytes();
    let head = crate::read::object::<Head<'_>>(json).map_err(|error| match error.errors.is_empty() {
        true => ApiError::field("_type", "must be given in an object"),
        false => error,
    })?;
    let action = match ActionName::find(&head.action) {
        Some(name) => Action::read(name, json),
        None => Err(ApiError::field("_type", "is not the name of an action")),
    };
    Ok(Item { key: head.idempotency_key, action })
}

#[derive(Debug, Deserialize)]
struct AnyItems<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(rename = "_type", borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    idempotency_key: Text<'a>,
}

impl<'a> crate::read::Params<'a> for Head<'a> {
    const FIELDS: &'static [crate::read::Field] = &[
        crate::read::Field::required("_type", crate::read::Kind::Text),
        crate::read::Field::required("idempotency_key", crate::read::Kind::Text),
    ];
}

#[derive(Debug, Deserialize)]
struct FrequentItems<'a> {
    #[serde(borrow)]
    items: Vec<FrequentItem<'a>>,
}

/// An item whose `_type` comes first and names a frequent action. Any other fails here, without a verdict.
#[derive(Debug)]
struct FrequentItem<'a>(Item<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for FrequentItem<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;

        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = FrequentItem<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item that starts with `_type`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                if map.next_key::<Text<'de>>()?.is_none_or(|key| &*key != "_type") {
                    return Err(A::Error::custom("the type does not come first"));
                }
                let name = ActionName::find(&map.next_value::<Text<'de>>()?);
                let rest = MapAccessDeserializer::new(map);
                let (key, action) = match name {
                    Some(ActionName::CreateSpan) => {
                        let mut params = crate::params::spans::CreateSpan::deserialize(rest)?;
                        (params.idempotency_key.take(), Action::CreateSpan(params))
                    }
                    Some(ActionName::FinishSpan) => {
                        let mut params = crate::params::spans::FinishSpan::deserialize(rest)?;
                        (params.idempotency_key.take(), Action::FinishSpan(params))
                    }
                    Some(ActionName::RegisterInstance) => {
                        let mut params = crate::params::instances::Register::deserialize(rest)?;
                        (params.idempotency_key.take(), Action::RegisterInstance(params))
                    }
                    Some(ActionName::StartInstance) => {
                        let mut params = crate::params::instances::StartInstance::deserialize(rest)?;
                        (params.idempotency_key.take(), Action::StartInstance(params))
                    }
                    Some(ActionName::FinishInstance) => {
                        let mut params = crate::params::instances::FinishInstance::deserialize(rest)?;
                        (params.idempotency_key.take(), Action::FinishInstance(params))
                    }
                    _ => return Err(A::Error::custom("not a frequent action")),
                };
                let key = key.ok_or_else(|| A::Error::missing_field("idempotency_key"))?;
                Ok(FrequentItem(Item { key, action: Ok(action) }))
            }
        }

        deserializer.deserialize_map(ItemVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequent(body: &str) -> bool {
        serde_json::from_str::<Record<FrequentItems<'_>>>(body).is_ok()
    }

    #[test]
    fn well_formed_items_are_read_in_one_pass_and_others_still_are_read() {
        let fast = r#"{"items":[{"_type":"agent_spans/finish","idempotency_key":"key-0001","agent_span_id":"x","result_payload":{"a":[1]}}]}"#;
        let slow = r#"{"items":[{"idempotency_key":"key-0001","_type":"agent_spans/finish","agent_span_id":"x","result_payload":{"a":[1]}}]}"#;

        assert!(frequent(fast));
        assert!(!frequent(slow));

        for body in [fast, slow] {
            let items = items(body.as_bytes()).unwrap();
            let [Item { key, action: Ok(Action::FinishSpan(finish)) }] = &items[..] else {
                panic!("one finish: {items:?}")
            };
            assert_eq!(&**key, "key-0001");
            assert_eq!(finish.agent_span_id.as_deref(), Some("x"));
            assert_eq!(finish.result_payload.unwrap().0.get(), r#"{"a":[1]}"#);
        }
    }

    #[test]
    fn an_item_that_can_not_be_read_spoils_only_itself() {
        let body = r#"{"items":[
            {"_type":"agent_instances/start","idempotency_key":"key-0001","timestamp":"noon"},
            {"_type":"agent_instances/dance","idempotency_key":"key-0002"},
            {"_type":"agent_spans/create","idempotency_key":"key-0003","schema_name":"flat"},
            {"_type":"agent_instances/show","idempotency_key":"key-0004","agent_instance_id":"x"}]}"#;

        let items = items(body.as_bytes()).unwrap();

        let names: Vec<_> = items
            .iter()
            .map(|item| item.action.as_ref().err().map(|e| e.errors.keys().cloned().collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            names,
            [
                Some(vec!["timestamp".to_owned()]),
                Some(vec!["_type".to_owned()]),
                Some(vec!["agent_instance_id".to_owned(), "status".to_owned()]),
                None
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_keys_or_shape_refuses_the_whole_request() {
        for (body, field) in [
            (r#"{"items":[]}"#, "items"),
            (r#"{}"#, "items"),
            (r#"{"items":{}}"#, "items"),
            (r#"{"items":[3]}"#, "items[0]._type"),
            (r#"{"items":[{"_type":"agents/list"}]}"#, "items[0].idempotency_key"),
            (r#"{"items":[{"_type":"agents/list","idempotency_key":"short"}]}"#, "items[0].idempotency_key"),
            (
                r#"{"items":[{"_type":"agents/list","idempotency_key":"key-0001"},{"_type":"agents/list","idempotency_key":"key-0001"}]}"#,
                "items[1].idempotency_key",
            ),
        ] {
            let error = items(body.as_bytes()).unwrap_err();
            assert_eq!(error.code, "validation_errors", "{body}");
            assert_eq!(error.errors.keys().collect::<Vec<_>>(), [field], "{body}");
        }
        assert_eq!(items(b"{").unwrap_err().code, "bad_request");
    }
}
