//! How runs look.

use chrono::Utc;
use prefactor_http::{AgentInstance, AgentInstanceSpanCounts};

use crate::output::{Cell, Shown, time};

impl Shown for AgentInstance {
    const PLURAL: &'static str = "instances";
    const COLUMNS: &'static [&'static str] = &["ID", "STATUS", "STARTED", "DURATION", "SPANS", "FAILED"];

    fn id(&self) -> &str {
        &self.id
    }

    fn row(&self) -> Vec<Cell> {
        let counts = self.span_counts.unwrap_or_default();
        vec![
            Cell::new(&self.id),
            Cell::status(self.status.as_str()),
            Cell::time(self.started_at),
            duration(self),
            Cell::new(counts.total.to_string()),
            Cell::new(counts.failed.to_string()),
        ]
    }

    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("id", Cell::new(&self.id)),
            ("status", Cell::status(self.status.as_str())),
            ("agent", Cell::new(&self.agent_id)),
            ("version", Cell::new(&self.agent_version_id)),
            ("environment", Cell::new(&self.environment_id)),
            ("external identifier", Cell::optional(self.external_identifier.as_deref())),
            ("registered", Cell::time(Some(self.inserted_at))),
            ("started", Cell::time(self.started_at)),
            ("finished", Cell::time(self.finished_at)),
            ("duration", duration(self)),
        ];
        if let Some(reason) = &self.termination_reason {
            fields.push(("terminated because", Cell::new(reason)));
        }
        if let Some(counts) = self.span_counts {
            fields.push(("spans", Cell::new(spans_in_words(counts))));
        }
        for (name, judgement) in self.quality_payloads.iter().flat_map(|judgements| judgements.iter()) {
            fields.push(("quality", Cell::new(format!("{name} {judgement}"))));
        }
        fields
    }
}

fn duration(run: &AgentInstance) -> Cell {
    let elapsed = time::elapsed(run.started_at, run.finished_at, Utc::now());
    Cell::optional(elapsed.as_deref())
}

/// `7 (1 active, 6 complete)`.
pub(crate) fn spans_in_words(counts: AgentInstanceSpanCounts) -> String {
    let states = [
        (counts.pending, "pending"),
        (counts.active, "active"),
        (counts.complete, "complete"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
    ];
    let states: Vec<String> = states
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    if states.is_empty() {
        counts.total.to_string()
    } else {
        format!("{} ({})", counts.total, states.join(", "))
    }
}
