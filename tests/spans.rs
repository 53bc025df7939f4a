use prefactor::{AgentVersion, InSpan, Instance, RejectReason, SpanContext};
use prefactor_emulator::{Faults, IgnoredIds, InstanceStatus, SpanRecord, SpanStatus};
use serde_json::json;

use crate::support::{PATIENCE, Server, assert_all_delivered, assert_settled};

/// The only span of this schema name.
fn named<'a>(spans: &'a [SpanRecord], schema_name: &str) -> &'a SpanRecord {
    let mut found = spans.iter().filter(|span| span.schema_name == schema_name);
    let span = found.next().expect("a span of that name");
    assert!(found.next().is_none(), "only one span of that name");
    span
}

fn spans_of(server: &Server, run: &Instance) -> Vec<SpanRecord> {
    server.spans(run.id().expect("a registered run"))
}

#[test]
fn the_current_span_is_the_parent_without_being_passed() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let other = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    let outer = run.span("outer", &json!({}));
    outer.in_scope(|| {
        let inner = run.span("inner", &json!({}));
        inner.in_scope(|| {
            SpanContext::current().child("innermost", &json!({})).complete(&());
            other.span("of another run", &json!({})).complete(&());
            run.root_span("explicit root", &json!({})).complete(&());
        });
        run.span("second inner", &json!({})).complete(&());
    });
    run.span("after", &json!({})).complete(&());
    SpanContext::current().child("outside of all", &json!({})).complete(&());
    drop(outer);
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let spans = spans_of(&server, &run);
    let parent_of = |name| named(&spans, name).parent_span_id;
    assert_eq!(spans.len(), 6);
    assert_eq!(parent_of("outer"), None);
    assert_eq!(parent_of("inner"), Some(named(&spans, "outer").id));
    assert_eq!(parent_of("innermost"), Some(named(&spans, "inner").id));
    assert_eq!(parent_of("second inner"), Some(named(&spans, "outer").id));
    assert_eq!(parent_of("explicit root"), None);
    assert_eq!(parent_of("after"), None);
    assert_eq!(named(&spans_of(&server, &other), "of another run").parent_span_id, None);
}

#[tokio::test(flavor = "current_thread")]
async fn futures_keep_their_current_span_while_they_take_turns() {
    let server = tokio::task::spawn_blocking(Server::start).await.expect("a server");
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    async fn work(run: &Instance, name: &str) {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        run.span(name, &json!({})).complete(&());
    }
    let (left, right) = (run.span("left", &json!({})), run.span("right", &json!({})));
    tokio::join!(
        work(&run, "in left").in_span(&left),
        work(&run, "in right").in_span(&right),
        work(&run, "alone")
    );
    drop((left, right));
    let report = prefactor.shutdown(PATIENCE).await;

    assert_all_delivered(&prefactor, &report.ledger);
    let spans = spans_of(&server, &run);
    assert_eq!(named(&spans, "in left").parent_span_id, Some(named(&spans, "left").id));
    assert_eq!(named(&spans, "in right").parent_span_id, Some(named(&spans, "right").id));
    assert_eq!(named(&spans, "alone").parent_span_id, None);
    tokio::task::spawn_blocking(move || drop(server)).await.expect("a stopped server");
}

#[test]
fn children_may_begin_on_other_threads() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let parent = run.span("parent", &json!({}));

    std::thread::scope(|scope| {
        for _ in 0..4 {
            let context = parent.context();
            scope.spawn(move || context.child("child", &json!({})).complete(&()));
        }
    });
    parent.complete(&());
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let spans = spans_of(&server, &run);
    let parent = named(&spans, "parent").id;
    assert_eq!(spans.iter().filter(|span| span.parent_span_id == Some(parent)).count(), 4);
}

#[test]
fn dropping_finishes_and_a_panic_fails() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    drop(run.span("dropped", &json!({})));
    let panicked = std::panic::catch_unwind(|| {
        let _span = run.span("panicked", &json!({}));
        let _doomed = prefactor.instance(AgentVersion::new("doomed", "v2")).start();
        panic!("in the agent");
    });
    assert!(panicked.is_err());
    let id = run.id();
    drop(run);
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let instances = server.instances();
    let status_of = |name: &str| {
        let named =
            |run: &&prefactor_emulator::InstanceRecord| run.agent_version.name.as_deref() == Some(name);
        instances.iter().find(named).expect("a run of that agent").status
    };
    assert_eq!(status_of("agent"), InstanceStatus::Complete);
    assert_eq!(status_of("doomed"), InstanceStatus::Failed);
    let first =
        instances.iter().find(|run| run.agent_version.name.as_deref() == Some("agent")).expect("the run").id;
    assert!(id.is_none_or(|id| id == first));
    let spans = server.spans(first);
    assert_eq!(named(&spans, "dropped").status, SpanStatus::Complete);
    assert_eq!(named(&spans, "panicked").status, SpanStatus::Failed);
}

#[test]
fn spans_that_are_open_finish_with_their_run() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    let outer = run.span("outer", &json!({}));
    let inner = outer.child("inner", &json!({}));
    run.fail();
    drop((inner, outer));
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    let id = run.id().expect("a registered run");
    let instance = server.instance(id).expect("the run");
    assert_eq!(instance.status, InstanceStatus::Failed);
    for span in server.spans(id) {
        assert_eq!(span.status, SpanStatus::Failed);
        assert!(span.finished_sequence < instance.finished_sequence, "the run's finish comes last");
    }
}

#[test]
fn what_is_finished_can_not_be_used_again() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let other = prefactor.instance(AgentVersion::new("agent", "v1")).start();

    let twice = run.span("twice", &json!({}));
    twice.complete(&json!({ "first": true }));
    twice.fail(&json!({ "second": true }));
    let open = run.span("open", &json!({}));
    run.finish();
    run.finish();
    let late = open.child("late", &json!({}));
    late.complete(&());
    open.complete(&json!({ "late": true }));
    other.span("undisturbed", &json!({})).complete(&());
    other.finish();
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_settled(&prefactor, &report.ledger);
    assert_eq!(report.ledger.rejected_for(RejectReason::SpanFinished).operations, 1, "the second finish");
    assert_eq!(
        report.ledger.rejected_for(RejectReason::InstanceFinished).operations,
        4,
        "the run's second finish, the late child's two operations, the late finish"
    );
    assert_eq!(report.ledger.lost_total().operations, 0);
    let spans = spans_of(&server, &run);
    assert_eq!(spans.len(), 2);
    assert_eq!(named(&spans, "twice").result_payload, Some(json!({ "first": true })));
    assert_eq!(named(&spans, "open").status, SpanStatus::Complete);
    assert_eq!(named(&spans_of(&server, &other), "undisturbed").status, SpanStatus::Complete);
}

#[test]
fn a_span_can_be_cancelled_before_and_after_it_was_sent() {
    for strict in [false, true] {
        let server = Server::with(prefactor_emulator::Emulator::builder().strict_cancel(strict));
        let prefactor = server.pipeline().build().expect("a pipeline");
        let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();

        run.span("early", &json!({})).cancel();
        let sent = run.span("late", &json!({}));
        assert!(run.flush_blocking(PATIENCE).complete);
        sent.cancel();
        run.cancel();
        let report = prefactor.shutdown_blocking(PATIENCE);

        assert_all_delivered(&prefactor, &report.ledger);
        let spans = spans_of(&server, &run);
        // A server that cancels only what is pending gets a failure for what it knows as active.
        let active = if strict { SpanStatus::Failed } else { SpanStatus::Cancelled };
        assert_eq!(named(&spans, "early").status, SpanStatus::Cancelled);
        assert_eq!(named(&spans, "late").status, active);
        let instance = server.instance(run.id().expect("a registered run")).expect("the run");
        assert_eq!(instance.status, if strict { InstanceStatus::Failed } else { InstanceStatus::Cancelled });
    }
}

#[test]
fn ids_are_known_as_soon_as_the_partition_is() {
    let server = Server::start();
    let prefactor = server.pipeline().build().expect("a pipeline");
    let first = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    assert!(first.flush_blocking(PATIENCE).complete);

    let second = prefactor.instance(AgentVersion::new("agent", "v1")).start();
    let span = second.span("step", &json!({}));
    assert!(second.flush_blocking(PATIENCE).complete);

    assert!(server.instance(second.id().expect("an id")).is_some());
    assert_eq!(server.spans(second.id().expect("an id"))[0].id, span.id().expect("an id"));
    assert_eq!(span.id().expect("an id").partition(), first.id().expect("an id").partition());
}

/// A server may give its own ids to runs and spans: the tree arrives all the same.
#[test]
fn ids_that_the_server_gives_are_followed() {
    let server = Server::start();
    server.set_faults(Faults::new().ignored_ids(IgnoredIds::new().instances(true).spans(true)));
    let prefactor = server.pipeline().build().expect("a pipeline");
    let runs: Vec<_> =
        (0..20).map(|_| prefactor.instance(AgentVersion::new("agent", "v1")).start()).collect();
    for run in &runs {
        for _ in 0..10 {
            let root = run.span("root", &json!({}));
            let child = root.child("child", &json!({}));
            child.child("leaf", &json!({})).complete(&());
            child.complete(&());
            root.complete(&());
        }
        run.finish();
    }
    let report = prefactor.shutdown_blocking(PATIENCE);

    assert_all_delivered(&prefactor, &report.ledger);
    for run in &runs {
        let spans = server.spans(run.id().expect("an id"));
        assert_eq!(spans.len(), 30);
        let parent = |span: &SpanRecord| {
            spans
                .iter()
                .find(|other| Some(other.id) == span.parent_span_id)
                .map(|parent| &*parent.schema_name)
        };
        for span in &spans {
            let expected = match &*span.schema_name {
                "leaf" => Some("child"),
                "child" => Some("root"),
                _ => None,
            };
            assert_eq!(parent(span), expected);
            assert_eq!(span.status, SpanStatus::Complete);
        }
    }
}
