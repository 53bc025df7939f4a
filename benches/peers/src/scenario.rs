//! What is measured, each time in a process of its own, so that nobody inherits another's memory, threads or globals.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use crate::contenders::{Contender, Ours, Peer, Room, Settings};
use crate::{memory, span};

/// What a process found out, by name. It is printed as one line of JSON.
pub type Figures = BTreeMap<String, f64>;

/// Spans between two looks at the clock.
const CHUNK: u64 = 1_000;

/// Spans that a caller makes between two flushes.
const BURST: u64 = 10_000;

/// Callers as they are in the scenarios that are not about them.
const CALLERS: usize = 2;

/// Nanoseconds that a span takes its caller: the median over stretches of a thousand, which a thread that is preempted now
/// and then does not move. Callers come in bursts, and everything is delivered in between: a queue that only ever grows
/// would measure how fast the kernel finds memory.
pub fn caller(contender: Contender, sink: SocketAddr, threads: usize, spans: u64) -> Figures {
    let peer =
        contender.start(&Settings { sink, stalled: false, room: Room::for_all(spans), instances: threads });
    let bursts = spans / BURST / threads as u64;
    let at_once = Barrier::new(threads);
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let callers: Vec<_> = (0..threads)
            .map(|thread| {
                let (peer, at_once) = (&peer, &at_once);
                scope.spawn(move || {
                    let mut caller = peer.caller(thread, threads);
                    let mut times = Vec::new();
                    for burst in 0..=bursts {
                        at_once.wait();
                        for chunk in 0..BURST / CHUNK {
                            let begun = Instant::now();
                            (0..CHUNK).for_each(|step| caller(chunk * CHUNK + step));
                            let took = begun.elapsed();
                            // The first burst warms up.
                            times.extend((burst > 0).then_some(took));
                        }
                        if at_once.wait().is_leader() {
                            peer.flush();
                        }
                    }
                    times
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("a caller")).collect()
    });
    let lost = peer.finish((bursts + 1) * BURST * threads as u64).lost;
    times.sort_unstable();
    let median = times[times.len() / 2].as_nanos() as f64 / CHUNK as f64;
    let best_tenth = times[times.len() / 10].as_nanos() as f64 / CHUNK as f64;
    Figures::from([
        ("ns_per_span".to_owned(), median),
        ("ns_per_span_best_tenth".to_owned(), best_tenth),
        ("lost".to_owned(), lost as f64),
    ])
}

/// Spans per second and CPU time per span, from the first call until the last one is confirmed.
pub fn end_to_end(contender: Contender, sink: SocketAddr, instances: usize, spans: u64) -> Figures {
    let room = if contender == Contender::Ours { Room::Waiting } else { Room::for_all(spans) };
    let peer = contender.start(&Settings { sink, stalled: false, room, instances });
    let (begun, cpu) = (Instant::now(), ProcessTime::now());
    call(&peer, CALLERS, spans);
    let end = peer.finish(spans);
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    let mut figures = Figures::from([
        ("spans_per_s".to_owned(), spans as f64 / seconds),
        ("cpu_ns_per_span".to_owned(), cpu * 1e9 / spans as f64),
        ("lost".to_owned(), end.lost as f64),
    ]);
    if let Some(requests) = end.requests {
        figures.insert("spans_per_request".to_owned(), spans as f64 / requests as f64);
    }
    figures
}

/// The share of a tight loop's spans that is lost.
pub fn tight_loop(contender: Contender, sink: SocketAddr, room: Room, spans: u64) -> Figures {
    let peer = contender.start(&Settings { sink, stalled: false, room, instances: 1 });
    call(&peer, 1, spans);
    let lost = peer.finish(spans).lost;
    Figures::from([("lost_share".to_owned(), lost as f64 / spans as f64)])
}

/// Bytes that queued spans hold while the server does not answer, at the highest.
pub fn memory_per_span(contender: Contender, sink: SocketAddr, spans: u64) -> Figures {
    let before = memory::in_use();
    let peer = contender.start(&Settings { sink, stalled: true, room: Room::for_all(spans), instances: 1 });
    let mut peak = 0;
    {
        let mut caller = peer.caller(0, 1);
        for step in 0..spans {
            caller(step);
            if step % 256 == 0 {
                peak = peak.max(memory::in_use() - before);
            }
        }
        // What was only just queued is still to be sorted in.
        for _ in 0..50 {
            thread::sleep(Duration::from_millis(10));
            peak = peak.max(memory::in_use() - before);
        }
    }
    let settled = memory::in_use() - before;
    peer.abandon();
    let (peak, settled) = (peak as f64 / spans as f64, settled as f64 / spans as f64);
    let content = span::Texts::new().content_len() as f64;
    Figures::from([
        ("bytes_per_span".to_owned(), peak),
        ("bytes_per_span_beyond_content".to_owned(), peak - content),
        ("bytes_per_span_when_sorted".to_owned(), settled),
    ])
}

/// Bytes per run that is registered, started and idle.
pub fn memory_per_instance(sink: SocketAddr, instances: usize) -> Figures {
    let ours = Ours::start(&Settings { sink, stalled: false, room: Room::Default, instances: 8 });
    ours.flush();
    let before = memory::in_use();
    let runs = ours.begin(instances);
    ours.flush();
    // Actors without work end after a while.
    thread::sleep(Duration::from_secs(3));
    let bytes = (memory::in_use() - before) as f64 / instances as f64;
    std::mem::forget((runs, ours));
    Figures::from([("bytes_per_instance".to_owned(), bytes)])
}

/// The share of a core that a pipeline takes which has open runs and nothing to do.
pub fn idle(sink: SocketAddr, instances: usize, time: Duration) -> Figures {
    let ours = Ours::start(&Settings { sink, stalled: false, room: Room::Default, instances });
    ours.flush();
    thread::sleep(Duration::from_secs(1));
    let cpu = ProcessTime::now();
    thread::sleep(time);
    let share = cpu.elapsed().as_secs_f64() / time.as_secs_f64();
    std::mem::forget(ours);
    Figures::from([("cpu_share".to_owned(), share)])
}

fn call(peer: &Peer, threads: usize, spans: u64) {
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut caller = peer.caller(thread, threads);
                (0..spans / threads as u64).for_each(&mut caller);
            });
        }
    });
}
