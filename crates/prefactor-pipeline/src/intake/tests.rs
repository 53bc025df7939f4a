use prefactor_http::FinishStatus;
use tokio::time::sleep;

use super::*;
use crate::fixture::{self, create, operation, partition, whole, words};
use crate::instance::Entry;
use crate::operation::{Action, CreateSpan, SpanEnd, SpanFinish};

/// Several of them are shorter than a nap.
const A_MOMENT: Duration = Duration::from_millis(1);

/// An intake, and what it hands on.
struct Station {
    pipeline: Arc<Pipeline>,
    batcher: Arc<BatcherInbox>,
    live: Arc<LiveRuns>,
}

impl Station {
    async fn start(pipeline: Arc<Pipeline>) -> Self {
        let (batcher, live) = (Arc::new(BatcherInbox::new()), Arc::new(LiveRuns::default()));
        let actor = IntakeActor {
            pipeline: Arc::clone(&pipeline),
            batcher: Arc::clone(&batcher),
            live: Arc::clone(&live),
        };
        Actor::spawn(None, actor, ()).await.expect("an actor");
        Self { pipeline, batcher, live }
    }

    fn submit(&self, run: &Arc<Run>, action: Action) {
        run.submit(action, Entry::Checked).expect("there is room");
    }

    /// A run whose start waits for the end of a nap.
    async fn napping(&self) -> Arc<Run> {
        let run = fixture::new_run(&self.pipeline, 1);
        for action in [fixture::register(), fixture::start()] {
            self.submit(&run, action);
            sleep(A_MOMENT).await;
        }
        assert_eq!(self.handed_on(), ["register"], "the intake naps");
        run
    }

    /// A span from its creation to its end, whose payload takes most of a block.
    fn large_span(&self, run: &Arc<Run>, n: u32) {
        let text = "x".repeat(8_000);
        let payload = self.pipeline.encoder().payload("agent:llm", &[&text, &text]);
        let create = |members| CreateSpan {
            id: fixture::stem(n),
            parent: None,
            started_at: fixture::at(1),
            members,
            end: SpanEnd::Open,
        };
        let place = run.create_span(&payload, create).expect("there is room");
        let finish = SpanFinish::new(FinishStatus::Complete, fixture::at(2));
        run.finish_span(fixture::stem(n), place, finish, None, Entry::Checked).expect("there is room");
    }

    fn handed_on(&self) -> Vec<String> {
        self.handed_on_together().concat()
    }

    /// The same, with what was handed on at once in one list.
    fn handed_on_together(&self) -> Vec<Vec<String>> {
        let inputs = std::iter::from_fn(|| self.batcher.pop());
        let operations = inputs.filter_map(|input| match input {
            BatcherInput::Operations(operations) => Some(words(operations.iter())),
            _ => None,
        });
        operations.collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_nothing_to_do_has_no_actor_until_it_has() {
    let station = Station::start(fixture::pipeline()).await;
    let run = fixture::new_run(&station.pipeline, 1);

    for action in [fixture::register(), fixture::start(), create(2, None)] {
        station.submit(&run, action);
        sleep(SWEEP / 2).await;
        assert!(!station.live.is_idle(), "it is at work");
    }
    sleep(3 * SWEEP).await;
    assert!(station.live.is_idle());
    station.submit(&run, fixture::finish_instance(FinishStatus::Complete));
    sleep(SWEEP / 2).await;

    assert_eq!(station.handed_on(), ["register", "start", "create 2", "finish 2 complete", "end complete"]);
}

#[tokio::test(start_paused = true)]
async fn spans_that_pass_their_actor_leave_no_spare_blocks_behind() {
    let station = Station::start(fixture::pipeline()).await;
    let run = fixture::new_run(&station.pipeline, 1);
    station.submit(&run, fixture::register());
    sleep(3 * SWEEP).await;
    assert_eq!(station.handed_on(), ["register"]);

    (1..=10).for_each(|n| station.large_span(&run, n));
    sleep(A_MOMENT).await;
    assert!(station.live.is_idle(), "they have passed it");
    sleep(3 * SWEEP).await;
    assert!(station.pipeline.spare_blocks().is_empty());
    assert_eq!(station.handed_on().len(), 10);
    assert!(!station.pipeline.spare_blocks().is_empty());
    sleep(5 * SWEEP).await;

    assert!(station.pipeline.spare_blocks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_does_not_wait_for_the_end_of_a_nap() {
    let station = Station::start(fixture::pipeline()).await;
    let _run = station.napping().await;
    station.pipeline.admission().acquire(1 << 20);

    let pipeline = Arc::clone(&station.pipeline);
    tokio::spawn(async move { pipeline.room().await });
    sleep(A_MOMENT).await;

    assert_eq!(station.handed_on(), ["start"]);
}

#[tokio::test(start_paused = true)]
async fn a_nap_ends_when_a_quarter_of_the_budget_is_taken() {
    let station = Station::start(fixture::pipeline()).await;
    let run = station.napping().await;
    let budget = station.pipeline.admission();
    budget.acquire((1 << 18) - budget.operations());
    assert!(!budget.is_filling());

    station.large_span(&run, 2);
    sleep(A_MOMENT).await;

    assert_eq!(station.handed_on(), ["start", "whole 2 complete"]);
}

#[tokio::test(start_paused = true)]
async fn naps_are_short_while_memory_fills() {
    let station = Station::start(fixture::pipeline()).await;
    station.pipeline.admission().acquire(1 << 19);
    let _run = station.napping().await;

    sleep(SHORT_NAP).await;

    assert_eq!(station.handed_on(), ["start"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_is_handed_on_at_once_run_by_run_and_in_order() {
    let station = Station::start(fixture::pipeline()).await;
    let [a, b] = [1, 2].map(|n| fixture::new_run(&station.pipeline, n));
    station.submit(&a, fixture::register());
    station.submit(&b, fixture::register());
    sleep(A_MOMENT).await;
    assert_eq!(station.handed_on(), ["register", "register"], "and the intake naps");

    let spans = [(&a, 3), (&a, 4), (&b, 5), (&a, 6)];
    let spans = spans.map(|(run, n)| operation(run, whole(n, None)));
    station.pipeline.give_back(spans.into());
    sleep(A_MOMENT).await;

    let whole = |n: u32| format!("whole {n} complete");
    assert_eq!(station.handed_on_together(), [vec![whole(3), whole(4)], vec![whole(5)], vec![whole(6)]]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_registration_wakes_what_waits_for_it() {
    let station = Station::start(fixture::pipeline_without_partition()).await;
    let run = fixture::new_run(&station.pipeline, 1);
    for action in [fixture::register(), fixture::start(), create(2, None)] {
        station.submit(&run, action);
    }
    sleep(3 * SWEEP).await;
    assert!(station.live.is_idle());
    assert_eq!(station.handed_on(), ["register"]);

    run.registered_as(fixture::stem(1).with_partition(partition()));
    sleep(SWEEP / 2).await;

    assert_eq!(station.handed_on(), ["start", "create 2"]);
}
