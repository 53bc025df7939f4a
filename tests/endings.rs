//! Every way to end a pipeline, in every surrounding, with every kind of server: it ends by its deadline and tells the truth.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use prefactor::{AgentVersion, Prefactor, Report};
use prefactor_emulator::{Faults, Latency};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::support::{PATIENCE, Server, assert_settled, wait_until};

/// The deadline where the server is dead: it is reached.
const SHORT: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Debug)]
enum Surrounding {
    NoRuntime,
    CurrentThread,
    Workers(usize),
}

impl Surrounding {
    const ALL: [Self; 4] = [Self::NoRuntime, Self::CurrentThread, Self::Workers(1), Self::Workers(3)];

    fn runtime(self) -> Option<Runtime> {
        let runtime = match self {
            Self::NoRuntime => return None,
            Self::CurrentThread => Builder::new_current_thread().enable_all().build(),
            Self::Workers(workers) => {
                Builder::new_multi_thread().worker_threads(workers).enable_all().build()
            }
        };
        Some(runtime.expect("a runtime"))
    }

    /// Runs a future as a task of the runtime, or on this thread without any.
    fn run<T: Send + 'static>(self, future: impl Future<Output = T> + Send + 'static) -> T {
        match self.runtime() {
            Some(runtime) => runtime.block_on(async { runtime.spawn(future).await.expect("the task") }),
            None => block_on(future),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Await,
    Blocking,
    GuardAwaited,
    GuardDropped,
    Drop,
    DropWhilePanicking,
    AfterTheRuntime,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::Await,
        Self::Blocking,
        Self::GuardAwaited,
        Self::GuardDropped,
        Self::Drop,
        Self::DropWhilePanicking,
        Self::AfterTheRuntime,
    ];

    /// Does a run's work and ends the pipeline. Gives a handle to look on with, where the last one was not to be dropped.
    fn end(self, surrounding: Surrounding, prefactor: Prefactor, api: Api) -> Option<Prefactor> {
        let timeout = api.timeout();
        let check = move |report: Report| assert_eq!(report.complete, !matches!(api, Api::Dead));
        let work = |prefactor: &Prefactor| {
            let run = prefactor.instance(AgentVersion::new("agent", "v1")).start();
            run.span("step", &json!({})).complete(&());
            run.finish();
        };
        let observer = (!matches!(self, Self::Drop | Self::DropWhilePanicking)).then(|| prefactor.clone());
        surrounding.run(async move {
            work(&prefactor);
            match self {
                Self::Await => check(prefactor.shutdown(timeout).await),
                Self::Blocking => check(prefactor.shutdown_blocking(timeout)),
                Self::GuardAwaited => check(prefactor.shutdown_on_drop(timeout).shutdown().await),
                Self::GuardDropped => drop(prefactor.shutdown_on_drop(timeout)),
                Self::Drop => drop(prefactor),
                Self::DropWhilePanicking => {
                    let panicked = catch_unwind(AssertUnwindSafe(|| {
                        let _prefactor = prefactor;
                        std::panic::resume_unwind(Box::new("not worth a message"));
                    }));
                    assert!(panicked.is_err());
                }
                Self::AfterTheRuntime => {}
            }
        });
        if let (Self::AfterTheRuntime, Some(prefactor)) = (self, &observer) {
            check(prefactor.shutdown_blocking(timeout));
        }
        observer
    }
}

#[derive(Clone, Copy, Debug)]
enum Api {
    Fine,
    Slow,
    Dead,
}

impl Api {
    fn timeout(self) -> Duration {
        match self {
            Self::Fine | Self::Slow => PATIENCE,
            Self::Dead => SHORT,
        }
    }
}

fn end(surrounding: Surrounding, way: Way, api: Api) {
    let server = Server::start();
    server.set_faults(match api {
        Api::Fine => Faults::new(),
        Api::Slow => Faults::new().latency(Latency::new().min_ms(20).max_ms(20)),
        Api::Dead => Faults::new().black_hole(),
    });
    let told = Arc::new(AtomicU64::new(0));
    let count = {
        let told = Arc::clone(&told);
        move |undelivered: &prefactor::Undelivered| {
            told.fetch_add(undelivered.tally.operations, Ordering::Relaxed);
        }
    };
    let prefactor =
        server.pipeline().drop_timeout(api.timeout()).on_undelivered(count).build().expect("a pipeline");

    let Some(observer) = way.end(surrounding, prefactor, api) else {
        // Delivering goes on in the background; the hook hears of what it could not do.
        return wait_until("the hook hears of all that is lost", || match api {
            Api::Dead => told.load(Ordering::Relaxed) == 5,
            Api::Fine | Api::Slow => server.instances().iter().any(|run| run.finished_at.is_some()),
        });
    };
    // A guard that is dropped in a runtime waits for nothing.
    wait_until("nothing is held any more", || observer.memory_in_use() == 0);
    let ledger = observer.ledger();
    assert_settled(&observer, &ledger);
    match api {
        Api::Dead => {
            assert_eq!(ledger.lost_total(), ledger.accepted);
            // Each of them, perhaps a moment later.
            let all = ledger.accepted.operations;
            wait_until("the hook hears of all that is lost", || told.load(Ordering::Relaxed) == all);
        }
        Api::Fine | Api::Slow => {
            assert_eq!(ledger.delivered, ledger.accepted);
            assert_eq!(server.span_count(), 1);
        }
    }
}

#[test]
fn every_ending_in_every_surrounding_keeps_its_deadline_and_tells_the_truth() {
    for surrounding in Surrounding::ALL {
        for way in Way::ALL {
            for api in [Api::Fine, Api::Slow, Api::Dead] {
                let (done, ended) = mpsc::channel();
                let ending = thread::spawn(move || {
                    end(surrounding, way, api);
                    let _ = done.send(());
                });
                let in_time = ended.recv_timeout(PATIENCE);
                if ending.is_finished() || in_time.is_ok() {
                    ending.join().unwrap_or_else(|_| panic!("{surrounding:?}, {way:?}, {api:?}"));
                } else {
                    panic!("{surrounding:?}, {way:?}, {api:?}: it did not end");
                }
            }
        }
    }
}

/// Drives a future on this thread, without any runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
