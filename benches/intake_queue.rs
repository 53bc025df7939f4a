//! What a caller pays to hand an operation to the pipeline, for each kind of queue that could stand between them.
//!
//! `cargo bench --bench intake_queue`: nanoseconds per operation as a producer feels it, with one and two producers and a
//! consumer that empties the queue meanwhile. The decision made of it: `docs/decisions/0002-one-intake-queue.md`.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::{ArrayQueue, SegQueue};
use ractor::{Actor, ActorProcessingErr, ActorRef};

/// About as large as an operation of the pipeline.
type Operation = [u64; 16];

const OPERATION: Operation = [7; 16];

/// Operations that each producer hands over between two looks at the clock.
const RUN: u64 = 20_000;

/// A queue as both of its sides see it.
trait Queue: Send + Sync + 'static {
    fn push(&self, operation: Operation);
    /// Takes what is there; tells how much that was.
    fn drain(&self) -> u64;
}

impl Queue for SegQueue<Operation> {
    fn push(&self, operation: Operation) {
        SegQueue::push(self, operation);
    }

    fn drain(&self) -> u64 {
        std::iter::from_fn(|| self.pop()).count() as u64
    }
}

/// Bounded: a producer spins where it is full.
impl Queue for ArrayQueue<Operation> {
    fn push(&self, mut operation: Operation) {
        while let Err(refused) = ArrayQueue::push(self, operation) {
            operation = refused;
            thread::yield_now();
        }
    }

    fn drain(&self) -> u64 {
        std::iter::from_fn(|| self.pop()).count() as u64
    }
}

impl Queue for Mutex<Vec<Operation>> {
    fn push(&self, operation: Operation) {
        self.lock().expect("no producer panics").push(operation);
    }

    fn drain(&self) -> u64 {
        let taken = std::mem::take(&mut *self.lock().expect("no producer panics"));
        taken.len() as u64
    }
}

/// The two ends of a channel in one.
struct Channel<S, R> {
    sender: S,
    receiver: Mutex<R>,
}

impl Queue for Channel<mpsc::Sender<Operation>, mpsc::Receiver<Operation>> {
    fn push(&self, operation: Operation) {
        self.sender.send(operation).expect("the receiver lives as long");
    }

    fn drain(&self) -> u64 {
        self.receiver.lock().expect("one consumer").try_iter().count() as u64
    }
}

type CrossbeamSender = crossbeam_channel::Sender<Operation>;
type CrossbeamReceiver = crossbeam_channel::Receiver<Operation>;

impl Queue for Channel<CrossbeamSender, CrossbeamReceiver> {
    fn push(&self, operation: Operation) {
        self.sender.send(operation).expect("the receiver lives as long");
    }

    fn drain(&self) -> u64 {
        self.receiver.lock().expect("one consumer").try_iter().count() as u64
    }
}

type TokioSender = tokio::sync::mpsc::UnboundedSender<Operation>;
type TokioReceiver = tokio::sync::mpsc::UnboundedReceiver<Operation>;

impl Queue for Channel<TokioSender, TokioReceiver> {
    fn push(&self, operation: Operation) {
        self.sender.send(operation).expect("the receiver lives as long");
    }

    fn drain(&self) -> u64 {
        let mut receiver = self.receiver.lock().expect("one consumer");
        std::iter::from_fn(|| receiver.try_recv().ok()).count() as u64
    }
}

/// An actor per instance, and a message per operation.
struct Counter;

impl Actor for Counter {
    type Msg = Operation;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Operation>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Operation>,
        _: Operation,
        seen: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        *seen += 1;
        Ok(())
    }
}

/// The time that `producers` threads take for their operations, per thread.
fn produce(producers: usize, runs: u64, push: impl Fn(Operation) + Sync) -> Duration {
    let start = Barrier::new(producers);
    let times = thread::scope(|scope| {
        let threads: Vec<_> = (0..producers)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let begun = Instant::now();
                    for _ in 0..runs * RUN {
                        push(OPERATION);
                    }
                    begun.elapsed()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a producer")).collect::<Vec<_>>()
    });
    times.into_iter().sum::<Duration>() / producers as u32
}

fn with_consumer<Q: Queue>(queue: Q, producers: usize, runs: u64) -> Duration {
    let queue = Arc::new(queue);
    let over = Arc::new(AtomicBool::new(false));
    let consumer = {
        let (queue, over) = (Arc::clone(&queue), Arc::clone(&over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                if queue.drain() == 0 {
                    thread::sleep(Duration::from_micros(100));
                }
            }
        })
    };
    let time = produce(producers, runs, |operation| queue.push(operation));
    over.store(true, Ordering::Relaxed);
    consumer.join().expect("the consumer");
    time
}

fn with_actor(producers: usize, runs: u64) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let (actor, _) = runtime.block_on(Actor::spawn(None, Counter, ())).expect("an actor");
    produce(producers, runs, |operation| actor.cast(operation).expect("the actor lives"))
}

fn queues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("intake_queue");
    group.throughput(Throughput::Elements(RUN)).sample_size(10).measurement_time(Duration::from_secs(2));
    for producers in [1, 2] {
        let mut bench = |name: &str, measure: &dyn Fn(u64) -> Duration| {
            group.bench_function(BenchmarkId::new(name, producers), |bencher| bencher.iter_custom(measure));
        };
        bench("SegQueue", &|runs| with_consumer(SegQueue::new(), producers, runs));
        bench("ArrayQueue", &|runs| with_consumer(ArrayQueue::new(1 << 20), producers, runs));
        bench("Mutex<Vec>", &|runs| with_consumer(Mutex::new(Vec::new()), producers, runs));
        bench("std mpsc", &|runs| {
            let (sender, receiver) = mpsc::channel();
            with_consumer(Channel { sender, receiver: Mutex::new(receiver) }, producers, runs)
        });
        bench("crossbeam channel", &|runs| {
            let (sender, receiver) = crossbeam_channel::unbounded();
            with_consumer(Channel { sender, receiver: Mutex::new(receiver) }, producers, runs)
        });
        bench("tokio mpsc", &|runs| {
            let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
            with_consumer(Channel { sender, receiver: Mutex::new(receiver) }, producers, runs)
        });
        bench("ractor cast", &|runs| with_actor(producers, runs));
    }
    group.finish();
}

criterion_group!(benches, queues);
criterion_main!(benches);
