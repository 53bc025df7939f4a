//! What is known of a run, and how little must be asked to know what has changed.

use std::collections::HashMap;
use std::ops::ControlFlow;

use prefactor_http::{
    AgentInstance, AgentInstanceSpanCounts, AgentSpan, InstanceStatus, ListSpansQuery, PrefactorClient,
    PrefactorError, SpanStatus,
};

use crate::failure::Failure;
use crate::pages::{PAGE_SIZE, each_page};
use crate::verbatim::{self, Verbatim};

/// Something that was not so at the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The run's status.
    Run,
    /// The status of the span at this place of [`Run::spans`], or its existence.
    Span(usize),
    /// It turned out that the token may not read spans.
    SpansAreHidden,
}

#[derive(Debug)]
pub(super) struct Run {
    instance: Verbatim<AgentInstance>,
    /// In the order of the API's list.
    spans: Vec<Verbatim<AgentSpan>>,
    places: HashMap<String, usize>,
    are_spans_hidden: bool,
    /// As of the last look; `None` before the first one.
    seen: Option<(InstanceStatus, Option<AgentInstanceSpanCounts>)>,
}

impl Run {
    pub(super) fn new(instance: Verbatim<AgentInstance>) -> Self {
        Self { instance, spans: Vec::new(), places: HashMap::new(), are_spans_hidden: false, seen: None }
    }

    pub(super) fn instance(&self) -> &Verbatim<AgentInstance> {
        &self.instance
    }

    pub(super) fn spans(&self) -> &[Verbatim<AgentSpan>] {
        &self.spans
    }

    pub(super) fn are_spans_hidden(&self) -> bool {
        self.are_spans_hidden
    }

    /// A status that is not known yet counts as an end when the run has a time of its end.
    pub(super) fn has_ended(&self) -> bool {
        match self.instance.status {
            InstanceStatus::Pending | InstanceStatus::Active => false,
            InstanceStatus::Complete
            | InstanceStatus::Failed
            | InstanceStatus::Cancelled
            | InstanceStatus::Terminated => true,
            _ => self.instance.finished_at.is_some(),
        }
    }

    /// Asks what is new. The run comes first: what its end says is then true of the spans that are read after it.
    pub(super) async fn look(&mut self, client: &PrefactorClient) -> Result<Vec<Change>, Failure> {
        self.instance = verbatim::instances(client).get(&self.instance.id).await?;
        let now = (self.instance.status.clone(), self.instance.span_counts);
        let mut changes = Vec::new();
        // Without counts nobody knows without looking; at the end everything is read once more.
        let counts_changed = now.1.is_none() || self.seen.as_ref().is_none_or(|seen| seen.1 != now.1);
        if !self.are_spans_hidden && (counts_changed || self.has_ended()) {
            self.read_spans(client, &mut changes).await?;
        }
        if self.seen.as_ref().is_none_or(|seen| seen.0 != now.0) {
            // The start stands before the spans, the end after them.
            let place = if self.has_ended() { changes.len() } else { 0 };
            changes.insert(place, Change::Run);
        }
        self.seen = Some(now);
        Ok(changes)
    }

    async fn read_spans(
        &mut self,
        client: &PrefactorClient,
        changes: &mut Vec<Change>,
    ) -> Result<(), Failure> {
        for offset in self.stale_pages() {
            match self.read_from(client, offset, changes).await? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(()) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Offsets of the pages that can have changed: those with a span that has not ended, and the one where new spans appear. All of
    /// them at the end.
    fn stale_pages(&self) -> Vec<u64> {
        let size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
        let full = self.spans.chunks_exact(size);
        let stale =
            |page: &[Verbatim<AgentSpan>]| self.has_ended() || page.iter().any(|span| !has_ended(span));
        let offsets = (0..).step_by(size);
        let mut stale: Vec<u64> =
            full.zip(offsets).filter(|(page, _)| stale(page)).map(|(_, offset)| offset).collect();
        let last = self.spans.len() / size * size;
        stale.push(u64::try_from(last).unwrap_or(u64::MAX));
        stale
    }

    /// Reads one page, or from the last one on all there are. `Break` when nothing more can be read.
    async fn read_from(
        &mut self,
        client: &PrefactorClient,
        offset: u64,
        changes: &mut Vec<Change>,
    ) -> Result<ControlFlow<()>, Failure> {
        let id = self.instance.id.clone();
        let known = u64::try_from(self.spans.len()).unwrap_or(u64::MAX);
        let is_known_page = offset + PAGE_SIZE <= known;
        let hidden = std::cell::Cell::new(false);
        let fetch = async |offset| {
            let query = ListSpansQuery::new(id.as_str()).offset(offset).page_size(PAGE_SIZE);
            let page = verbatim::spans(client).list(query).await;
            hidden.set(matches!(page, Err(PrefactorError::Auth(_))));
            page
        };
        let read = each_page(offset, fetch, async |page| {
            for span in page {
                changes.extend(self.learn(span).map(Change::Span));
            }
            Ok(if is_known_page { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await;
        if hidden.get() {
            self.are_spans_hidden = true;
            changes.push(Change::SpansAreHidden);
            return Ok(ControlFlow::Break(()));
        }
        read.map(|_| ControlFlow::Continue(()))
    }

    /// The span's place if it is new or its status has changed.
    fn learn(&mut self, span: Verbatim<AgentSpan>) -> Option<usize> {
        match self.places.get(&span.id) {
            Some(&place) => {
                let is_changed = self.spans[place].status != span.status;
                self.spans[place] = span;
                is_changed.then_some(place)
            }
            None => {
                let place = self.spans.len();
                self.places.insert(span.id.clone(), place);
                self.spans.push(span);
                Some(place)
            }
        }
    }
}

pub(super) fn has_ended(span: &AgentSpan) -> bool {
    !matches!(span.status, SpanStatus::Pending | SpanStatus::Active)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in super::super) fn instance(status: &str) -> Verbatim<AgentInstance> {
        serde_json::from_value(json!({
            "type": "agent_instance", "id": "run-1", "account_id": "a", "agent_id": "g", "agent_version_id": "v",
            "environment_id": "e", "status": status,
            "inserted_at": "2024-05-01T12:00:00Z", "updated_at": "2024-05-01T12:00:00Z",
            "started_at": "2024-05-01T12:00:00Z", "span_counts": { "total": 3, "active": 1, "complete": 2 },
        }))
        .unwrap()
    }

    pub(in super::super) fn span(id: &str, parent: Option<&str>, status: &str) -> Verbatim<AgentSpan> {
        let finished = (status != "active").then_some("2024-05-01T12:00:02Z");
        serde_json::from_value(json!({
            "type": "agent_span", "id": id, "agent_instance_id": "run-1", "schema_name": format!("agent:{id}"),
            "status": status, "parent_span_id": parent,
            "started_at": "2024-05-01T12:00:01Z", "finished_at": finished,
        }))
        .unwrap()
    }

    pub(in super::super) fn run(status: &str, spans: impl IntoIterator<Item = Verbatim<AgentSpan>>) -> Run {
        let mut run = Run::new(instance(status));
        spans.into_iter().for_each(|span| {
            run.learn(span);
        });
        run
    }

    #[test]
    fn only_new_spans_and_new_statuses_are_changes() {
        let mut run = run("active", [span("a", None, "active")]);

        assert_eq!(run.learn(span("a", None, "active")), None);
        assert_eq!(run.learn(span("b", None, "active")), Some(1));
        assert_eq!(run.learn(span("a", None, "complete")), Some(0));
    }

    #[test]
    fn only_pages_that_can_have_changed_are_read_again() {
        let spans = |open: usize, number: usize| {
            (0..number).map(move |place| {
                span(&place.to_string(), None, if place == open { "active" } else { "complete" })
            })
        };

        assert_eq!(run("active", []).stale_pages(), [0]);
        assert_eq!(run("active", spans(150, 350)).stale_pages(), [100, 300]);
        assert_eq!(run("active", spans(999, 200)).stale_pages(), [200]);
        assert_eq!(run("complete", spans(999, 200)).stale_pages(), [0, 100, 200]);
    }
}
