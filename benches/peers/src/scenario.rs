//! What is measured, each time in a process of its own, so that nobody inherits another's memory, threads or globals.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use crate::contenders::{Batches, Contender, Ours, Peer, Room, Server, Settings};
use crate::{memory, span};

/// What a process found out, by name. It is printed as one line of JSON.
pub type Figures = BTreeMap<String, f64>;

/// Spans between two looks at the clock.
const CHUNK: u64 = 1_000;

/// Callers come in so many bursts at the least.
const FEWEST_BURSTS: u64 = 2;

/// Callers as they are in the scenarios that are not about them.
const CALLERS: usize = 2;

/// Callers who come in bursts: each makes so many spans, and everything is delivered before the next burst.
#[derive(Clone, Copy)]
pub struct Bursts {
    pub threads: usize,
    pub spans: u64,
    /// Of all bursts and threads together, where that is enough for two bursts.
    pub spans_in_all: u64,
}

/// Nanoseconds that an accepted span takes its caller, whatever else its thread has to wait for. Beside that, the median over
/// stretches of a thousand spans, which does not show that a thread is preempted now and then.
pub fn caller(contender: Contender, sink: SocketAddr, bursts: Bursts) -> Figures {
    let (times, lost_share) = in_bursts(contender, sink, bursts, CHUNK);
    let made = times.len() as f64 * CHUNK as f64;
    let time: Duration = times.iter().sum();
    Figures::from([
        ("ns_per_span".to_owned(), time.as_nanos() as f64 / (made * (1.0 - lost_share))),
        ("ns_per_span_median_stretch".to_owned(), quantile(&times, 0.5) / CHUNK as f64),
        ("lost_share".to_owned(), lost_share),
    ])
}

/// How long single spans take their caller, by the share of spans that take no longer. Two looks at the clock are part of it.
pub fn latency(contender: Contender, sink: SocketAddr, bursts: Bursts) -> Figures {
    let (times, _) = in_bursts(contender, sink, bursts, 1);
    SHARES.into_iter().map(|share| (share.to_string(), quantile(&times, share))).collect()
}

/// Where the distribution of latencies is looked at.
pub const SHARES: [f64; 17] =
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999];

/// The time that each stretch of `chunk` spans took, in order of length, and the share of the spans that was lost.
fn in_bursts(
    contender: Contender,
    sink: SocketAddr,
    Bursts { threads, spans, spans_in_all }: Bursts,
    chunk: u64,
) -> (Vec<Duration>, f64) {
    // No more than a burst is ever queued: a queue with room for all would be memory that nobody has touched yet.
    let room = Room::for_all(spans * threads as u64);
    let peer = contender.start(&Settings { room, instances: threads, ..Settings::new(sink) });
    let bursts = (spans_in_all / spans / threads as u64).max(FEWEST_BURSTS);
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
                        for first in (0..spans).step_by(chunk as usize) {
                            let begun = Instant::now();
                            (first..first + chunk).for_each(&mut caller);
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
    let made = (bursts + 1) * spans * threads as u64;
    let lost = peer.finish(made).lost;
    times.sort_unstable();
    (times, lost as f64 / made as f64)
}

/// Nanoseconds that this share of the sorted times does not exceed.
fn quantile(times: &[Duration], share: f64) -> f64 {
    times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64
}

/// Spans per second and CPU time per span, from the first call until the last one is confirmed. What the peers have to do when
/// they end comes after that.
pub fn end_to_end(contender: Contender, sink: SocketAddr, instances: usize, spans: u64) -> Figures {
    let room = if contender == Contender::Ours { Room::Waiting } else { Room::for_all(spans) };
    let peer = contender.start(&Settings { room, instances, ..Settings::new(sink) });
    // What the runs themselves have to tell is no part of it.
    peer.flush();
    deliver(&peer, spans)
}

/// The same for ours with batches of other sizes, other lanes, and a server that may be far away.
pub fn throughput(sink: SocketAddr, server: Server, batches: Batches, spans: u64) -> Figures {
    let settings = Settings {
        server,
        room: Room::Waiting,
        instances: 1_000,
        batches: Some(batches),
        ..Settings::new(sink)
    };
    let peer = Contender::Ours.start(&settings);
    // What the runs themselves have to tell is no part of it.
    peer.flush();
    deliver(&peer, spans)
}

fn deliver(peer: &Peer, spans: u64) -> Figures {
    let (begun, cpu) = (Instant::now(), ProcessTime::now());
    call(peer, CALLERS, spans);
    let end = peer.finish(spans);
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    let mut figures = Figures::from([
        ("spans_per_s".to_owned(), spans as f64 / seconds),
        ("cpu_ns_per_span".to_owned(), cpu * 1e9 / spans as f64),
        ("lost".to_owned(), end.lost as f64),
    ]);
    if let Some((requests, bytes)) = end.traffic {
        figures.insert("spans_per_request".to_owned(), spans as f64 / requests as f64);
        figures.insert("bytes_per_span".to_owned(), bytes as f64 / spans as f64);
    }
    figures
}

/// The share of a tight loop's spans that is lost.
pub fn tight_loop(contender: Contender, sink: SocketAddr, room: Room, spans: u64) -> Figures {
    let peer = contender.start(&Settings { room, ..Settings::new(sink) });
    call(&peer, 1, spans);
    let lost = peer.finish(spans).lost;
    Figures::from([("lost_share".to_owned(), lost as f64 / spans as f64)])
}

/// Bytes that queued spans hold while the server does not answer, at the highest.
pub fn memory_per_span(contender: Contender, sink: SocketAddr, spans: u64) -> Figures {
    let before = memory::in_use();
    let (server, room) = (Server::Stalled, Room::for_all(spans));
    let peer = contender.start(&Settings { server, room, ..Settings::new(sink) });
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
    let ours = Ours::start(&Settings { instances: 8, ..Settings::new(sink) });
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
    let ours = Ours::start(&Settings { instances, ..Settings::new(sink) });
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
