//! The tree of a run on a terminal, drawn again in its place.

use chrono::{DateTime, Utc};
use console::Term;
use prefactor_http::AgentSpan;

use super::follow::{Run, has_ended};
use crate::commands::instances::spans_in_words;
use crate::failure::Failure;
use crate::output::tree::{Branch, branches};
use crate::output::{Cell, Out, time};
use crate::verbatim::Verbatim;

#[derive(Debug)]
pub(super) struct Screen {
    out: Out,
    /// Lines that stand there from the last time.
    drawn: usize,
}

impl Screen {
    pub(super) fn new(out: Out) -> Self {
        Self { out, drawn: 0 }
    }

    pub(super) fn draw(&mut self, run: &Run) -> Result<(), Failure> {
        let (rows, columns) = Term::stdout().size();
        // The cursor's line stays free: a full screen would scroll.
        let rows = usize::from(rows).saturating_sub(1).max(2);
        let lines = lines(run, Utc::now(), rows, |cell| self.out.paint(cell));
        if self.drawn > 0 {
            self.out.text(&format!("\x1b[{}A\x1b[J", self.drawn))?;
        }
        for line in &lines {
            // A line that wraps would be two when it is taken back.
            self.out.line(&console::truncate_str(line, usize::from(columns), "…"))?;
        }
        self.drawn = lines.len();
        self.out.flush()
    }
}

/// The run and its spans in at most so many lines. What does not fit gives way to what goes on or has ended last.
fn lines(run: &Run, now: DateTime<Utc>, rows: usize, paint: impl Fn(&Cell) -> String) -> Vec<String> {
    let instance = run.instance();
    let counts = instance.span_counts.map(spans_in_words).unwrap_or_default();
    let elapsed = time::elapsed(instance.started_at, instance.finished_at, now).unwrap_or_default();
    let mut lines = vec![format!(
        "{} {}  {elapsed}  {}",
        paint(&Cell::new(&instance.id)),
        paint(&Cell::status(instance.status.as_str())),
        paint(&Cell::faint(format!("spans: {counts}"))),
    )];
    if run.are_spans_hidden() {
        lines.push(paint(&Cell::faint("the spans are hidden: they need an account-wide token")));
    }
    let spans = run.spans();
    let things: Vec<(&str, Option<&str>)> =
        spans.iter().map(|span| (span.id.as_str(), span.parent_span_id.as_deref())).collect();
    let mut tree = branches(&things);
    let room = rows.saturating_sub(lines.len());
    if tree.len() > room {
        let left_out = tree.len() - room.saturating_sub(1);
        keep_the_latest(&mut tree, spans, room.saturating_sub(1));
        lines.push(paint(&Cell::faint(format!("… {left_out} more spans"))));
    }
    lines.extend(tree.iter().map(|branch| {
        let span = &spans[branch.index];
        let elapsed = time::elapsed(span.started_at, span.finished_at, now).unwrap_or_default();
        format!(
            "{}{}  {}  {}",
            paint(&Cell::faint(&branch.guides)),
            paint(&Cell::new(&span.schema_name)),
            paint(&Cell::status(span.status.as_str())),
            paint(&Cell::faint(elapsed)),
        )
    }));
    lines
}

fn keep_the_latest(tree: &mut Vec<Branch>, spans: &[Verbatim<AgentSpan>], number: usize) {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&index| {
        let span = &spans[index];
        std::cmp::Reverse((!has_ended(span), span.finished_at.or(span.started_at)))
    });
    let mut kept = vec![false; spans.len()];
    for index in order.into_iter().take(number) {
        kept[index] = true;
    }
    tree.retain(|branch| kept[branch.index]);
}

#[cfg(test)]
mod tests {
    use super::super::follow::tests::{run, span};
    use super::*;

    fn drawn(run: &Run, rows: usize) -> String {
        let now = "2024-05-01T12:00:04Z".parse().unwrap();
        lines(run, now, rows, |cell| cell.to_string()).join("\n")
    }

    #[test]
    fn the_tree_stands_below_the_run() {
        let spans = [
            span("agent", None, "active"),
            span("llm", Some("agent"), "complete"),
            span("tool", Some("agent"), "failed"),
        ];

        insta::assert_snapshot!(drawn(&run("active", spans), 10), @r"
        run-1 active  4.0 s  spans: 3 (1 active, 2 complete)
        agent:agent  active  3.0 s
        ├─ agent:llm  complete  1.0 s
        └─ agent:tool  failed  1.0 s
        ");
    }

    #[test]
    fn what_does_not_fit_gives_way_to_what_goes_on() {
        let ended = (0..20).map(|number| span(&number.to_string(), Some("agent"), "complete"));
        let spans =
            [span("agent", None, "active")].into_iter().chain(ended).chain([span("last", None, "active")]);

        insta::assert_snapshot!(drawn(&run("active", spans), 4), @r"
        run-1 active  4.0 s  spans: 3 (1 active, 2 complete)
        … 20 more spans
        agent:agent  active  3.0 s
        agent:last  active  3.0 s
        ");
    }
}
