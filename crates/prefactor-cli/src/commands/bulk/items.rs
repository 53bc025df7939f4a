//! Items of a bulk request as users write them, checked before anything is sent: pure.

use std::collections::HashMap;

use prefactor_http::{BulkItem, IdempotencyKey};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// Mistakes that are reported at once; a file of one kind of mistake should not scroll away.
const MAX_MISTAKES: usize = 10;

pub(super) fn parse(text: &str) -> Result<Vec<BulkItem>, Failure> {
    let values = values(text)?;
    let mut seen = HashMap::new();
    let mut items = Vec::with_capacity(values.len());
    let mut mistakes = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let item = item(value).and_then(|item| {
            match seen.insert(item.idempotency_key().as_str().to_owned(), index) {
                Some(first) => Err(format!("has the idempotency_key of items[{first}]")),
                None => Ok(item),
            }
        });
        match item {
            Ok(item) => items.push(item),
            Err(mistake) => mistakes.push(format!("items[{index}] {mistake}")),
        }
    }
    if mistakes.is_empty() && items.is_empty() {
        return Err(Failure::wrong_arguments("the input has no items"));
    }
    if mistakes.is_empty() {
        return Ok(items);
    }
    let failure = Failure::wrong_arguments("nothing was sent, for the input has mistakes");
    let more = mistakes.len().saturating_sub(MAX_MISTAKES);
    let failure = mistakes.iter().take(MAX_MISTAKES).fold(failure, Failure::place);
    Err(if more > 0 { failure.place(format!("and {more} more")) } else { failure })
}

/// An array, an object with `items`, or a stream of items.
fn values(text: &str) -> Result<Vec<Value>, Failure> {
    let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut documents = documents.map_err(|error| {
        Failure::wrong_arguments(format!("the input is not JSON: {error}"))
            .hint("write an array of items, {\"items\": […]}, or one item per line")
    })?;
    if let [document] = documents.as_mut_slice() {
        match document.take() {
            Value::Array(items) => return Ok(items),
            Value::Object(mut fields) if !fields.contains_key("_type") && fields.contains_key("items") => {
                return match fields.remove("items") {
                    Some(Value::Array(items)) => Ok(items),
                    _ => Err(Failure::wrong_arguments("`items` must be an array")),
                };
            }
            other => *document = other,
        }
    }
    Ok(documents)
}

fn item(value: Value) -> Result<BulkItem, String> {
    let Value::Object(mut fields) = value else {
        return Err("is not a JSON object".to_owned());
    };
    let action = match fields.remove("_type") {
        Some(Value::String(action)) if !action.is_empty() => action,
        Some(_) => return Err("has a `_type` that is no name, such as agent_spans/create".to_owned()),
        None => return Err("has no `_type`, such as agent_spans/create".to_owned()),
    };
    let key = match fields.remove("idempotency_key") {
        None | Some(Value::Null) => IdempotencyKey::random(),
        Some(Value::String(key)) => {
            IdempotencyKey::new(key).map_err(|error| format!("has a wrong idempotency_key: {error}"))?
        }
        Some(_) => return Err("has an `idempotency_key` that is no text".to_owned()),
    };
    wrapped_rightly(&action, &fields)?;
    BulkItem::new(action, key).with_fields(&fields).map_err(|error| format!("can't be sent: {error}"))
}

/// Both mistakes would be found out late or never: the API loses what is wrapped wrongly.
fn wrapped_rightly(action: &str, fields: &Map<String, Value>) -> Result<(), String> {
    let details = fields.get("details");
    match action {
        "agent_spans/create" if !details.is_some_and(Value::is_object) => {
            Err("has no `details` object, under which the fields of a new span stand".to_owned())
        }
        "agent_spans/finish" if details.is_some() => {
            Err("has `details`, whose contents the API would lose: write them beside `_type`".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{"_type": "agents/list", "idempotency_key": "key-0001"}"#;

    fn mistakes(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn items_come_in_three_forms() {
        let other = LIST.replace("0001", "0002");
        for text in [
            format!("[{LIST}, {other}]"),
            format!("{{\"items\": [{LIST}, {other}]}}"),
            format!("{LIST}\n{other}\n"),
        ] {
            let items = parse(&text).unwrap();

            assert_eq!(items.len(), 2, "{text}");
            assert_eq!(items[1].idempotency_key().as_str(), "key-0002");
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_index() {
        let text = format!(
            r#"[{LIST}, 7, {{}}, {{"_type": 3}}, {{"_type": "agents/list", "idempotency_key": "short"}}, {LIST},
                {{"_type": "agent_spans/create", "schema_name": "x"}}, {{"_type": "agent_spans/finish", "details": {{}}}}]"#
        );

        insta::assert_snapshot!(mistakes(&text), @r"
        nothing was sent, for the input has mistakes
          items[1] is not a JSON object
          items[2] has no `_type`, such as agent_spans/create
          items[3] has a `_type` that is no name, such as agent_spans/create
          items[4] has a wrong idempotency_key: an idempotency key has 8 to 64 characters, not 5
          items[5] has the idempotency_key of items[0]
          items[6] has no `details` object, under which the fields of a new span stand
          items[7] has `details`, whose contents the API would lose: write them beside `_type`
        ");
    }

    #[test]
    fn what_is_no_list_of_items_is_refused() {
        assert!(mistakes("").contains("no items"));
        assert!(mistakes("[]").contains("no items"));
        assert!(mistakes("{\"items\": 3}").contains("must be an array"));
        assert!(mistakes("[{]").contains("not JSON: "));
        let many = format!("[{}]", ["7"; 12].join(","));
        assert!(mistakes(&many).ends_with("items[9] is not a JSON object\n  and 2 more"));
    }

    #[test]
    fn a_key_is_made_up_where_none_is_given() {
        let items = parse("{\"_type\": \"agents/list\"}\n{\"_type\": \"agents/list\"}").unwrap();

        assert_ne!(items[0].idempotency_key(), items[1].idempotency_key());
    }
}
