//! A line per change, for files, pipes and programs: nothing is taken back.

use chrono::{DateTime, Utc};
use prefactor_http::{AgentInstance, AgentSpan};
use serde_json::json;

use super::follow::{Change, Run};
use crate::failure::Failure;
use crate::output::{Cell, Format, Out, time};

pub(super) fn print(out: &mut Out, run: &Run, changes: &[Change]) -> Result<(), Failure> {
    for change in changes {
        match (change, out.format()) {
            (Change::Run, Format::Json) => {
                out.json_line(&json!({ "event": "run", "instance": run.instance() }))?;
            }
            (Change::Span(place), Format::Json) => {
                out.json_line(&json!({ "event": "span", "span": run.spans()[*place] }))?;
            }
            (Change::SpansAreHidden, Format::Json) => {
                out.json_line(&json!({ "event": "spans_are_hidden" }))?
            }
            (Change::Run, _) => out.line(&of_run(run.instance()))?,
            (Change::Span(place), _) => out.line(&of_span(&run.spans()[*place]))?,
            (Change::SpansAreHidden, _) => {
                out.line("the spans are hidden: they need an account-wide token")?
            }
        }
    }
    out.flush()
}

fn of_run(run: &AgentInstance) -> String {
    let at = run.finished_at.or(run.started_at).unwrap_or(run.updated_at);
    line(at, "run", &run.id, run.status.as_str(), lasted(run.started_at, run.finished_at))
}

fn of_span(span: &AgentSpan) -> String {
    let at = span.finished_at.or(span.started_at).or(span.inserted_at).unwrap_or_default();
    let name = format!("{} {}", span.id, span.schema_name);
    line(at, "span", &name, span.status.as_str(), lasted(span.started_at, span.finished_at))
}

/// Only what has ended has lasted.
fn lasted(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> Option<String> {
    let end = end?;
    time::elapsed(start, Some(end), end)
}

fn line(at: DateTime<Utc>, kind: &str, name: &str, status: &str, lasted: Option<String>) -> String {
    let lasted = lasted.map(|lasted| format!(" {lasted}")).unwrap_or_default();
    Cell::new(format!("{} {kind} {name} {status}{lasted}", time::of_day(at))).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{instance, span};
    use super::*;

    #[test]
    fn a_change_is_a_line() {
        let lines = [
            of_run(&instance("active")),
            of_span(&span("a", None, "active")),
            of_span(&span("a", None, "failed")),
        ];

        insta::assert_snapshot!(lines.join("\n"), @r"
        2024-05-01 12:00:00 run run-1 active
        2024-05-01 12:00:01 span a agent:a active
        2024-05-01 12:00:02 span a agent:a failed 1.0 s
        ");
    }

    #[test]
    fn no_text_of_the_api_makes_a_second_line() {
        let mut span = AgentSpan::clone(&span("a", None, "active"));
        span.schema_name = "x\nerror: \x1b[2J".to_owned();

        assert!(of_span(&span).ends_with(r"x\nerror: \u{1b}[2J active"));
    }
}
