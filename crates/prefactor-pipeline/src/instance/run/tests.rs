use std::sync::Weak;
use std::thread;

use super::*;
use crate::fixture::{self, cancel, create, finish, finish_instance, operation, partition, whole, words};
use crate::ledger::{Ledger, LossReason};

/// Lets these actions arrive; tells what goes on at once.
fn arrive(run: &Arc<Run>, actions: impl IntoIterator<Item = Action>) -> Segments<Operation> {
    let operations = actions.into_iter().map(|action| operation(run, action)).collect();
    let mut forward = Segments::default();
    run.arrive(operations, |operations| forward = operations);
    forward
}

fn advance(run: &Arc<Run>) -> Segments<Operation> {
    let mut forward = Segments::default();
    run.advance(|operations| forward = operations);
    forward
}

/// What goes on of these actions, in words.
fn forwarded(run: &Arc<Run>, actions: impl IntoIterator<Item = Action>) -> Vec<String> {
    let mut forward = arrive(run, actions);
    forward.append(advance(run));
    words(forward.iter())
}

fn begin() -> [Action; 2] {
    [fixture::register(), fixture::start()]
}

fn rejected(run: &Run, reason: RejectReason) -> u64 {
    run.account().ledger().rejected_for(reason).operations
}

#[test]
fn with_a_known_partition_a_run_chooses_its_id_and_nothing_waits() {
    let run = fixture::new_run(&fixture::pipeline(), 1);

    let forwarded = forwarded(&run, begin().into_iter().chain([create(2, None)]));

    assert_eq!(forwarded, ["register", "start", "create 2"]);
    assert_eq!(run.id(), Some(run.key().with_partition(partition())));
}

#[test]
fn without_a_partition_all_but_the_registration_is_held_until_it_is_answered() {
    let run = fixture::new_run(&fixture::pipeline_without_partition(), 1);

    assert_eq!(forwarded(&run, begin()), ["register"]);
    assert_eq!(run.id(), None);
    assert_eq!(forwarded(&run, [create(2, None)]), [""; 0]);

    run.registered_as(fixture::stem(77).with_partition(partition()));

    assert_eq!(forwarded(&run, [finish(2)]), ["start", "create 2", "finish 2 complete"]);
}

#[test]
fn the_first_registration_tells_the_partition_to_the_next_run() {
    let pipeline = fixture::pipeline_without_partition();
    let [first, second] = [1, 2].map(|n| fixture::new_run(&pipeline, n));
    forwarded(&first, begin());

    first.registered_as(fixture::stem(1).with_partition(partition()));

    assert_eq!(forwarded(&second, begin()), ["register", "start"]);
    assert_eq!(second.id(), Some(second.key().with_partition(partition())));
}

#[test]
fn a_server_that_assigns_another_id_is_believed_and_later_runs_wait_for_theirs() {
    let pipeline = fixture::pipeline();
    let [first, second] = [1, 2].map(|n| fixture::new_run(&pipeline, n));
    let other = fixture::stem(77).with_partition(partition());
    forwarded(&first, begin());

    first.registered_as(other);

    assert_eq!(first.id(), Some(other));
    assert_eq!(forwarded(&second, begin()), ["register"]);
}

#[test]
fn a_finish_closes_what_was_left_open_from_the_leaves_up() {
    let pipeline = fixture::pipeline();
    let run = fixture::new_run(&pipeline, 1);
    let spans = [create(2, None), create(3, Some(2)), create(4, Some(3)), finish(3)];

    let forwarded =
        forwarded(&run, begin().into_iter().chain(spans).chain([finish_instance(FinishStatus::Failed)]));

    assert_eq!(forwarded[5..], ["finish 3 complete", "finish 4 failed", "finish 2 failed", "end failed"]);
    let ledger = run.account().ledger();
    assert_eq!(ledger.accepted.operations, 9, "the finishes of the pipeline's own are accounted for");
    assert_eq!(ledger.in_flight(), Ledger::default().accepted, "and lost here, with what was forwarded");
    assert_eq!(pipeline.admission().held(), 0);
}

#[test]
fn what_was_held_is_judged_when_it_goes_on() {
    let run = fixture::new_run(&fixture::pipeline_without_partition(), 1);
    let end = [finish_instance(FinishStatus::Complete), finish(2)];
    forwarded(&run, begin().into_iter().chain([create(2, None)]).chain(end));

    run.registered_as(fixture::stem(1).with_partition(partition()));

    assert_eq!(words(advance(&run).iter()), ["start", "create 2", "finish 2 complete", "end complete"]);
    assert_eq!(rejected(&run, RejectReason::InstanceFinished), 1);
    assert!(run.is_over());
}

#[test]
fn a_span_finishes_once() {
    let run = fixture::new_run(&fixture::pipeline(), 1);

    let forwarded =
        forwarded(&run, begin().into_iter().chain([create(2, None), finish(2), cancel(2), finish(9)]));

    assert_eq!(forwarded[2..], ["create 2", "finish 2 complete"]);
    assert_eq!(rejected(&run, RejectReason::SpanFinished), 2);
}

#[test]
fn a_run_of_an_earlier_process_finishes_what_that_had_begun() {
    let id = fixture::stem(1).with_partition(partition());
    let run = Run::revive(fixture::pipeline(), fixture::stem(1), Some(id), false);

    let forwarded = forwarded(&run, [finish(2), create(3, None), finish_instance(FinishStatus::Complete)]);

    assert_eq!(forwarded, ["finish 2 complete", "create 3", "finish 3 complete", "end complete"]);
    assert_eq!(run.account().ledger().rejected_total().operations, 0);
}

#[test]
fn a_run_of_an_earlier_process_that_may_have_been_registered_chooses_no_id() {
    let run = Run::revive(fixture::pipeline(), fixture::stem(1), None, true);

    assert_eq!(forwarded(&run, begin()), ["register"]);
    assert_eq!(run.id(), None);

    run.registered_as(fixture::stem(77).with_partition(partition()));
    assert_eq!(forwarded(&run, [finish(2)]), ["start", "finish 2 complete"]);
}

#[test]
fn nothing_follows_the_finish_of_the_run() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    let end = || finish_instance(FinishStatus::Complete);
    forwarded(&run, begin().into_iter().chain([end()]));

    let late = forwarded(&run, [create(2, None), fixture::quality(3), end()]);

    assert!(late.is_empty());
    assert_eq!(rejected(&run, RejectReason::InstanceFinished), 3);
    assert!(run.is_over());
}

#[test]
fn a_refused_registration_rejects_what_is_held_and_what_comes() {
    let pipeline = fixture::pipeline_without_partition();
    let run = fixture::new_run(&pipeline, 1);
    let [register, start] = begin();
    assert_eq!(forwarded(&run, [register]), ["register"]);
    forwarded(&run, [start, create(2, None)]);

    run.registration_refused();

    assert!(forwarded(&run, [finish(2)]).is_empty());
    assert_eq!(rejected(&run, RejectReason::RegistrationRefused), 3);
    assert!(run.is_over());
    let late = run.submit(finish_instance(FinishStatus::Complete), Entry::Forced);
    assert_eq!(late, Err(Fate::Rejected(RejectReason::RegistrationRefused)));
    assert_eq!(pipeline.admission().held(), 0);
}

#[test]
fn the_actor_is_told_of_the_first_arrival_only() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    let is_told = |action| run.arrive(Segments::from_iter([operation(&run, action)]), drop);

    assert!(is_told(fixture::register()));
    assert!(!is_told(fixture::start()));
    assert!(run.has_arrivals());
    advance(&run);
    assert!(is_told(create(2, None)));
}

#[test]
fn finished_spans_go_on_without_the_actor_where_nothing_is_before_them() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    let span = |n| arrive(&run, [whole(n, None)]).len();
    arrive(&run, begin());
    assert_eq!(span(2), 0, "the run's beginning is before it");
    advance(&run);

    assert_eq!(span(3), 1);
    assert!(!run.has_arrivals());
    arrive(&run, [create(4, None)]);
    assert_eq!(span(5), 0, "its parent may be the one before it");
    assert_eq!(words(advance(&run).iter()), ["create 4", "whole 5 complete"]);
}

#[test]
fn what_arrives_while_the_actor_hands_on_stays_behind_it() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    forwarded(&run, begin());
    arrive(&run, [create(2, None)]);

    let mut overtaken = false;
    run.advance(|_| overtaken = !arrive(&run, [whole(3, Some(2))]).is_empty());

    assert!(!overtaken);
    assert_eq!(words(advance(&run).iter()), ["whole 3 complete"]);
}

#[test]
fn operations_keep_their_order_while_intake_and_actor_are_both_at_work() {
    const SPANS: u32 = 50_000;
    let run = fixture::new_run(&fixture::pipeline(), 1);
    forwarded(&run, begin());
    let forward = Mutex::new(Vec::new());
    let hand_on = |operations| lock(&forward).extend(operations);

    thread::scope(|scope| {
        let intake = scope.spawn(|| {
            for n in 2..SPANS {
                let action = if n % 5 == 0 { create(n, None) } else { whole(n, None) };
                run.arrive(Segments::from_iter([operation(&run, action)]), hand_on);
            }
        });
        while !intake.is_finished() {
            run.advance(hand_on);
        }
    });
    run.advance(hand_on);

    let order = lock(&forward)
        .iter()
        .map(|operation| match &operation.action {
            Action::CreateSpan(create) => create.id,
            other => panic!("{other:?} is no span"),
        })
        .collect::<Vec<_>>();
    assert!(order.into_iter().eq((2..SPANS).map(fixture::stem)));
}

#[test]
fn what_does_not_fit_is_lost_and_what_is_forced_is_not() {
    let pipeline = fixture::pipeline();
    let run = fixture::new_run(&pipeline, 1);
    pipeline.admission().acquire(1 << 20);

    let checked = run.submit(create(2, None), Entry::Checked);
    let forced = run.submit(fixture::start(), Entry::Forced);

    assert_eq!(checked, Err(Fate::Lost(LossReason::QueueFull)));
    assert_eq!(forced, Ok(()));
    let ledger = run.account().ledger();
    assert_eq!(ledger.lost_for(LossReason::QueueFull).operations, 1);
    assert_eq!(ledger.in_flight().operations, 1);
}

#[test]
fn what_comes_after_the_end_is_lost() {
    let pipeline = fixture::pipeline();
    let run = fixture::new_run(&pipeline, 1);
    pipeline.end();

    let late = run.submit(create(2, None), Entry::Checked);

    assert_eq!(late, Err(Fate::Lost(LossReason::ShutDown)));
    assert_eq!(pipeline.ledger().lost_for(LossReason::ShutDown), pipeline.ledger().accepted);
    assert_eq!(pipeline.admission().held(), 0);
}

#[test]
fn an_abandoned_run_counts_what_it_held_as_lost_and_is_not_kept_alive_by_it() {
    let pipeline = fixture::pipeline_without_partition();
    let run = fixture::new_run(&pipeline, 1);
    forwarded(&run, begin());
    arrive(&run, [create(2, None)]);
    pipeline.close();

    run.abandon();

    let weak: Weak<Run> = Arc::downgrade(&run);
    assert_eq!(run.account().ledger().lost_total().operations, 3);
    drop(run);
    assert_eq!(weak.strong_count(), 0);
    assert!(pipeline.registry().accounts().is_empty());
    assert_eq!(pipeline.ledger().in_flight(), Ledger::default().accepted);
}

#[test]
fn a_flush_waits_for_the_finishes_of_open_spans_too_which_come_into_being_after_it_began() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    arrive(&run, begin().into_iter().chain([create(2, None)]));
    for operation in advance(&run) {
        operation.settle(Fate::Delivered);
    }
    arrive(&run, [finish_instance(FinishStatus::Complete)]);
    let mark = run.account().mark();
    assert!(run.account().seal(mark));

    let mut forwarded: Vec<_> = advance(&run).into_iter().collect();
    assert_eq!(words(&forwarded), ["finish 2 complete", "end complete"]);
    forwarded.pop().expect("the end of the run").settle(Fate::Delivered);

    assert!(!run.account().is_drained(mark), "the span is not finished yet");
    drop(forwarded);
    assert!(run.account().is_drained(mark));
}

#[test]
fn a_span_that_is_left_open_never_ends_before_it_began() {
    let run = fixture::new_run(&fixture::pipeline(), 1);
    let mut late = create(2, None);
    let Action::CreateSpan(create) = &mut late else { panic!("a create") };
    create.started_at = Timestamp::from_micros(u64::MAX / 2);
    let began = create.started_at;

    arrive(&run, begin().into_iter().chain([late, finish_instance(FinishStatus::Complete)]));

    let finished = advance(&run).iter().find_map(|operation| operation.action.finished_at());
    assert_eq!(finished, Some(began));
}

#[test]
fn what_comes_behind_the_last_look_into_the_queues_is_not_left_there() {
    let pipeline = fixture::pipeline();
    let run = fixture::run(&pipeline, 1);
    let submit = |n| run.submit(create(n, None), Entry::Checked).expect("the pipeline is open");
    let in_flight = || run.account().ledger().in_flight().operations;
    submit(2);
    // The end knows of the run, and has looked at it before the second call.
    pipeline.intake().pop();
    assert_eq!(in_flight(), 1);
    pipeline.sweep();

    submit(3);
    assert_eq!(in_flight(), 0);
    // Now nobody is told of the run.
    submit(4);

    assert_eq!(in_flight(), 0);
    assert_eq!(run.account().ledger().lost_total().operations, 3);
    assert_eq!(pipeline.admission().held(), 0);
}
