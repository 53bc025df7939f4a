use std::sync::Arc;

use super::*;
use crate::batcher::Trouble;
use crate::fixture::{self, create, finish, operation, word, words};
use crate::instance::Run;
use crate::ledger::Tally;
use crate::operation::Action;
use crate::pipeline::Pipeline;
use crate::wire;

const SECOND: Duration = Duration::from_secs(1);

fn limits(items: usize, bytes: usize) -> Limits {
    Limits { items, bytes, linger: SECOND }
}

fn backlog() -> Backlog {
    Backlog::new(limits(100, usize::MAX))
}

/// Operations of a run that do not merge.
fn creates(run: &Arc<Run>, spans: impl IntoIterator<Item = u32>) -> Segments<Operation> {
    spans.into_iter().map(|span| operation(run, create(span, None))).collect()
}

fn runs<const N: usize>(pipeline: &Arc<Pipeline>) -> [Arc<Run>; N] {
    std::array::from_fn(|n| fixture::run(pipeline, 1_000 + n as u32))
}

fn completed(runs: Vec<Stem>) -> Completed {
    Completed { runs, ..Completed::default() }
}

#[test]
fn a_batch_takes_the_instances_in_the_order_of_their_waiting() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let now = Instant::now();

    backlog.add(creates(&a, [1]), now);
    backlog.add(creates(&b, [2]), now);
    backlog.add(creates(&a, [3]), now);

    let Cut { operations, runs: in_flight, .. } = backlog.cut(100);
    assert_eq!(words(&operations), ["create 1", "create 3", "create 2"]);
    assert_eq!(in_flight, [a.key(), b.key()]);
    assert_eq!(backlog.next_items(), 0);
}

#[test]
fn a_batch_is_due_when_its_first_operation_has_waited_long_enough() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let start = Instant::now();
    assert!(!backlog.is_due(start, true), "nothing is there");

    backlog.add(creates(&a, [1]), start);
    backlog.add(creates(&b, [2]), start + SECOND / 2);

    assert!(!backlog.is_due(start + SECOND / 2, false));
    assert!(backlog.is_due(start, true), "a flush waits for nothing");
    assert_eq!(backlog.next_due(), Some(start + SECOND));
    assert!(backlog.is_due(start + SECOND, false));
}

#[test]
fn a_batch_is_due_when_it_is_full() {
    let [run] = runs(&fixture::pipeline());
    let now = Instant::now();
    let item = wire::estimated_len(&operation(&run, create(9, None)));
    let mut by_items = Backlog::new(limits(2, usize::MAX));
    let mut by_bytes = Backlog::new(limits(100, 2 * item));

    for backlog in [&mut by_items, &mut by_bytes] {
        backlog.add(creates(&run, [1]), now);
        assert!(!backlog.is_due(now, false));
        backlog.add(creates(&run, [2]), now);
        assert!(backlog.is_due(now, false));
    }
}

#[test]
fn a_batch_holds_no_more_items_than_allowed() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(3, usize::MAX));
    backlog.add(creates(&a, [1, 2]), Instant::now());
    backlog.add(creates(&b, [3, 4]), Instant::now());

    let Cut { operations, runs: in_flight, .. } = backlog.cut(100);

    assert_eq!(words(&operations), ["create 1", "create 2", "create 3"]);
    assert_eq!(in_flight.len(), 2);
    assert!(backlog.cut(100).operations.is_empty(), "both instances are in flight");
}

#[test]
fn the_pace_may_ask_for_fewer_items() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    backlog.add(creates(&run, [1, 2, 3]), Instant::now());

    assert_eq!(words(&backlog.cut(2).operations), ["create 1", "create 2"]);
}

#[test]
fn a_batch_holds_no_more_bytes_than_allowed_but_for_its_first_item() {
    let [a, b] = runs(&fixture::pipeline());
    let item = wire::estimated_len(&operation(&a, create(9, None)));
    let now = Instant::now();

    let mut two = Backlog::new(limits(100, 2 * item + 1));
    two.add(creates(&a, [1, 2, 3]), now);
    assert_eq!(words(&two.cut(100).operations), ["create 1", "create 2"]);

    let mut tiny = Backlog::new(limits(100, 1));
    tiny.add(creates(&a, [1, 2]), now);
    tiny.add(creates(&b, [3]), now);
    assert_eq!(words(&tiny.cut(100).operations), ["create 1"]);
    assert_eq!(words(&tiny.cut(100).operations), ["create 3"], "the other instance is not in flight");
}

#[test]
fn an_instance_in_flight_is_not_cut_again_before_it_is_back() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let now = Instant::now();
    backlog.add(creates(&run, [1]), now);
    let Cut { operations: sent, runs: in_flight, .. } = backlog.cut(100);

    backlog.add(creates(&run, [2]), now);

    assert!(!backlog.is_due(now + SECOND, true));
    assert_eq!(backlog.next_due(), None);
    drop(sent);
    backlog.complete(completed(in_flight), now);
    assert_eq!(words(&backlog.cut(100).operations), ["create 2"]);
}

#[test]
fn returned_operations_come_before_what_has_arrived_meanwhile() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let now = Instant::now();
    backlog.add(creates(&a, [1, 2]), now);
    backlog.add(creates(&b, [3]), now);
    let Cut { operations: returned, runs, .. } = backlog.cut(100);
    backlog.add(Segments::from_iter([operation(&a, finish(1)), operation(&a, create(4, None))]), now);

    backlog.complete(Completed { runs, returned, ..Completed::default() }, now);

    assert_eq!(
        words(&backlog.cut(100).operations),
        ["create 1", "create 2", "finish 1 complete", "create 4", "create 3"]
    );
}

#[test]
fn a_parked_instance_waits_and_the_others_do_not() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let now = Instant::now();
    backlog.add(creates(&a, [1]), now);
    backlog.add(creates(&b, [2]), now);
    let Cut { operations: returned, runs, .. } = backlog.cut(100);
    let until = now + 5 * SECOND;

    backlog
        .complete(Completed { runs, returned, parked: vec![(a.key(), until)], ..Completed::default() }, now);
    backlog.add(creates(&a, [3]), now);

    assert_eq!(words(&backlog.cut(100).operations), ["create 2"]);
    backlog.unpark(until - Duration::from_millis(1));
    assert!(!backlog.is_due(until, true));
    assert_eq!(backlog.next_due(), Some(until));
    backlog.unpark(until);
    assert_eq!(words(&backlog.cut(100).operations), ["create 1", "create 3"]);
}

#[test]
fn a_size_that_was_refused_is_not_tried_again() {
    let [run] = runs(&fixture::pipeline());
    let item = wire::estimated_len(&operation(&run, create(9, None)));
    let mut backlog = backlog();
    let now = Instant::now();
    backlog.add(creates(&run, 1..=8), now);
    let Cut { operations: returned, runs, .. } = backlog.cut(100);
    let limit = Some(LimitLesson::TooManyBytes(8 * item));

    backlog.complete(Completed { runs, returned, limit, ..Completed::default() }, now);

    assert_eq!(backlog.cut(100).operations.len(), 4);
}

#[test]
fn a_number_of_items_that_was_refused_is_halved_until_a_single_one_is_refused() {
    let mut backlog = backlog();

    backlog.learn(LimitLesson::RefusedItems(40));
    assert_eq!(backlog.limits.items, 20);
    backlog.learn(LimitLesson::RefusedItems(80));
    assert_eq!(backlog.limits.items, 20, "an older, larger batch teaches nothing new");
    backlog.learn(LimitLesson::RefusedItems(1));
    assert_eq!(backlog.limits.items, 1);

    backlog.learn(LimitLesson::RefusedAlone);

    assert_eq!(backlog.limits.items, 100, "it was that item, and not the number of them");
}

#[test]
fn a_refused_instance_is_rejected_wherever_its_operations_wait() {
    let pipeline = fixture::pipeline();
    let [refused, other] = runs(&pipeline);
    let mut backlog = backlog();
    let now = Instant::now();
    backlog.add(creates(&refused, [1, 2]), now);
    backlog.add(creates(&other, [3]), now);
    let Cut { operations: mut returned, runs, .. } = backlog.cut(100);
    let delivered = returned.remove(0);
    backlog.add(creates(&refused, [4]), now);

    refused.registration_refused();
    delivered.settle(Fate::Delivered);
    backlog.complete(Completed { runs, returned, ..Completed::default() }, now);
    backlog.add(creates(&refused, [5]), now);

    assert_eq!(words(&backlog.cut(100).operations), ["create 3"]);
    let ledger = refused.account().ledger();
    assert_eq!(ledger.rejected_for(RejectReason::RegistrationRefused).operations, 3);
    assert_eq!(ledger.in_flight(), Tally::default());
}

#[test]
fn nothing_is_kept_of_an_instance_that_has_nothing_to_send() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    backlog.add(creates(&run, [1]), Instant::now());

    let Cut { operations, runs: in_flight, .. } = backlog.cut(100);
    drop(operations);
    backlog.complete(completed(in_flight), Instant::now());

    assert!(backlog.queues.is_empty());
    assert!(backlog.ready.is_empty());
}

#[test]
fn a_finish_still_merges_while_another_instance_is_in_flight() {
    let [a, b] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(1, usize::MAX));
    let now = Instant::now();
    backlog.add(creates(&a, [1]), now);
    backlog.add(creates(&b, [2]), now);
    let Cut { operations: sent, .. } = backlog.cut(100);

    backlog.add(Segments::from_iter([operation(&b, finish(2))]), now);

    assert_eq!(words(&sent), ["create 1"]);
    assert_eq!(backlog.cut(100).operations.iter().map(word).collect::<Vec<_>>(), ["whole 2 complete"]);
    assert_eq!((backlog.ready_items, backlog.ready_bytes), (0, 0));
}

#[test]
fn clearing_counts_everything_as_lost() {
    let pipeline = fixture::pipeline();
    let [run] = runs(&pipeline);
    let mut backlog = backlog();
    backlog.add(creates(&run, [1, 2]), Instant::now());

    pipeline.close();
    drop(backlog.take_all());

    assert_eq!(pipeline.ledger().lost_total().operations, 2);
    assert_eq!(pipeline.admission().held(), 0);
}

/// The register of an unknown run comes back alone: what follows must not overtake it.
#[test]
fn what_was_never_processed_is_sent_again_as_it_was() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = backlog();
    let now = Instant::now();
    let actions: [Action; 3] = [fixture::register(), fixture::start(), create(1, None)];
    backlog.add(actions.into_iter().map(|action| operation(&run, action)).collect(), now);
    let Cut { operations: returned, runs, .. } = backlog.cut(100);
    let first = wire::body(&returned);

    backlog.complete(Completed { runs, returned, ..Completed::default() }, now);

    assert_eq!(wire::body(&backlog.cut(100).operations), first);
}

/// What comes of a batch that has failed often; suspected, where others got through meanwhile.
fn given_up(cut: Cut, until: Instant, suspected: bool) -> Completed {
    let Cut { operations, runs, doubt } = cut;
    let (items, successes) = (operations.len(), u64::from(suspected));
    let first = doubt.failed(items, 0);
    let doubt = (0..3).fold(first, |doubt, _| doubt.failed(items, successes));
    let trouble = Some(Trouble { until, doubt, rests: !suspected });
    Completed { runs, returned: operations, trouble, ..Completed::default() }
}

#[test]
fn what_fails_comes_back_in_smaller_batches_apart_from_the_rest() {
    let [a, b, other] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(8, usize::MAX));
    let now = Instant::now();
    backlog.add(creates(&a, 11..=14), now);
    backlog.add(creates(&b, 21..=24), now);
    let cut = backlog.cut(100);

    backlog.complete(given_up(cut, now + SECOND, true), now);
    backlog.add(creates(&other, [5, 6, 7]), now);

    assert_eq!(words(&backlog.cut(100).operations), ["create 5", "create 6", "create 7"]);
    backlog.unpark(now + SECOND);
    backlog.add(creates(&fixture::run(&fixture::pipeline(), 9), [8]), now + SECOND);
    assert_eq!(backlog.next_items(), 2);
    let one = backlog.cut(100);
    assert_eq!(words(&one.operations), ["create 11", "create 12"]);
    let other = backlog.cut(100);
    assert_eq!(words(&other.operations), ["create 21", "create 22"]);
    assert_eq!(words(&backlog.cut(100).operations), ["create 8"]);

    backlog.complete(given_up(one, now + 2 * SECOND, true), now + SECOND);
    backlog.unpark(now + 2 * SECOND);
    assert_eq!(words(&backlog.cut(100).operations), ["create 11"], "the suspects get fewer");
}

#[test]
fn a_success_lowers_the_doubt() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(8, usize::MAX));
    let now = Instant::now();
    backlog.add(creates(&run, 1..=8), now);
    let cut = backlog.cut(100);
    backlog.complete(given_up(cut, now, true), now);
    backlog.unpark(now);

    let Cut { operations, runs, .. } = backlog.cut(100);
    assert_eq!(operations.len(), 2);
    backlog.complete(Completed { runs, processed: true, ..Completed::default() }, now);

    assert_eq!(backlog.cut(100).operations.len(), 6);
}

#[test]
fn an_outage_leaves_no_doubt_behind() {
    let [resting, parked] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(8, usize::MAX));
    let (now, later) = (Instant::now(), Instant::now() + 60 * SECOND);
    backlog.add(creates(&resting, 1..=8), now);
    let cut = backlog.cut(100);
    backlog.complete(given_up(cut, later, false), now);
    backlog.add(creates(&parked, [9]), now);
    let cut = backlog.cut(100);
    backlog.complete(given_up(cut, later, true), now);
    assert_eq!(backlog.next_items(), 0);

    backlog.recovered(now);

    assert!(backlog.is_due(now, false), "it has waited long enough");
    assert_eq!(backlog.cut(100).operations.len(), 8);
    assert_eq!(backlog.next_due(), Some(later), "who is suspected waits on");
}

#[test]
fn what_was_left_behind_does_not_wait_for_company_again() {
    let [run] = runs(&fixture::pipeline());
    let mut backlog = Backlog::new(limits(2, usize::MAX));
    let now = Instant::now();
    backlog.add(creates(&run, [1, 2, 3]), now);
    let Cut { runs, .. } = backlog.cut(100);

    backlog.complete(completed(runs), now + SECOND / 2);

    assert!(backlog.is_due(now + SECOND / 2, false));
    let Cut { runs, .. } = backlog.cut(100);
    backlog.add(creates(&run, [4]), now + SECOND / 2);
    backlog.complete(completed(runs), now + SECOND);
    assert!(!backlog.is_due(now + SECOND, false), "this one is new");
}
