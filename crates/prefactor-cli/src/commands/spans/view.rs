//! How spans look.

use chrono::Utc;
use prefactor_http::{AgentSpan, Payload};

use crate::output::{Cell, Shown, time};

impl Shown for AgentSpan {
    const PLURAL: &'static str = "spans";
    const COLUMNS: &'static [&'static str] = &["ID", "STATUS", "STARTED", "DURATION", "TYPE"];

    fn id(&self) -> &str {
        &self.id
    }

    fn row(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::status(self.status.as_str()),
            Cell::time(self.started_at),
            duration(self),
            Cell::new(&self.schema_name),
        ]
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("id", Cell::new(&self.id)),
            ("type", Cell::new(&self.schema_name)),
            ("status", Cell::status(self.status.as_str())),
            ("instance", Cell::new(&self.agent_instance_id)),
            ("parent", Cell::optional(self.parent_span_id.as_deref())),
            ("started", Cell::time(self.started_at)),
            ("finished", Cell::time(self.finished_at)),
            ("duration", duration(self)),
            ("payload", payload(&self.payload)),
        ];
        if let Some(result) = &self.result_payload {
            fields.push(("result", payload(result)));
        }
        fields
    }
}

fn duration(span: &AgentSpan) -> Cell {
    let elapsed = time::elapsed(span.started_at, span.finished_at, Utc::now());
    Cell::optional(elapsed.as_deref())
}

/// As JSON, cut off where it gets long: `--json` has all of it.
fn payload(payload: &Payload) -> Cell {
    const CHARACTERS: usize = 200;
    let text = serde_json::to_string(payload).unwrap_or_default();
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => Cell::new(format!("{}…", &text[..end])),
        None => Cell::new(text),
    }
}
