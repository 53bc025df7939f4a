//! What became of one item.

use prefactor_http::{BulkItem, BulkOutput};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::field_errors;
use crate::output::{Cell, Shown};

#[derive(Debug, Serialize)]
pub(super) struct Outcome<'a> {
    index: usize,
    #[serde(rename = "_type")]
    action: &'a str,
    idempotency_key: &'a str,
    /// `success`, `error` or `not_processed`.
    status: &'static str,
    /// The rest of the API's output: `details`, `summaries`, `control`, or `code` and `message`.
    #[serde(flatten)]
    output: Map<String, Value>,
    #[serde(skip)]
    says: String,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(index: usize, item: &'a BulkItem, output: Option<&BulkOutput>) -> Self {
        let status = match output {
            None => "not_processed",
            Some(output) if output.is_success() => "success",
            Some(_) => "error",
        };
        Self {
            index,
            action: item.action(),
            idempotency_key: item.idempotency_key().as_str(),
            status,
            output: output.map(fields).unwrap_or_default(),
            says: output.map(says).unwrap_or_default(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.status == "success"
    }
}

fn fields(output: &BulkOutput) -> Map<String, Value> {
    match serde_json::to_value(output) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("status");
            fields
        }
        _ => Map::new(),
    }
}

/// The id of what was made, the number of what was listed, or the error.
fn says(output: &BulkOutput) -> String {
    if let Some(error) = output.error() {
        let fields =
            error.errors.iter().map(|(field, errors)| format!("; {field}: {}", field_errors(errors)));
        return format!("{error}{}", fields.collect::<String>());
    }
    if let Some(Value::Array(listed)) = output.summaries() {
        return format!("{} listed", listed.len());
    }
    let id = output.details().and_then(|details| details.get("id"));
    id.and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Shown for Outcome<'_> {
    const PLURAL: &'static str = "outputs";
    const COLUMNS: &'static [&'static str] = &["ITEM", "TYPE", "STATUS", "KEY", "OUTPUT"];

    fn id(&self) -> &str {
        self.idempotency_key
    }

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.index.to_string()),
            Cell::new(self.action),
            Cell::status(self.status),
            Cell::new(self.idempotency_key),
            Cell::new(&self.says),
        ]
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![("key", Cell::new(self.idempotency_key)), ("status", Cell::status(self.status))]
    }
}
