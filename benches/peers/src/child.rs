//! A process that measures one thing and prints what it found.

use std::net::SocketAddr;
use std::time::Duration;

use crate::bare;
use crate::contenders::{Batches, Contender, Room, Server};
use crate::scenario::{self, Bursts, Figures};

/// Measures what the arguments say: a sink, a scenario and its numbers, as `plan` writes them.
pub fn measure(arguments: impl Iterator<Item = String>) {
    let arguments: Vec<String> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sink: SocketAddr = words[0].parse().expect("the sink's address");
    let figures = figures(sink, &words[1..]);
    println!("{}", serde_json::to_string(&figures).expect("numbers"));
}

fn figures(sink: SocketAddr, words: &[&str]) -> Figures {
    let number = |index: usize| words[index].parse::<u64>().expect("a number");
    let contender = || Contender::named(words[1]).expect("a contender");
    let bursts = || Bursts { threads: number(2) as usize, spans: number(3), spans_in_all: number(4) };
    match words[0] {
        "caller" => scenario::caller(contender(), sink, bursts()),
        "latency" => scenario::latency(contender(), sink, bursts()),
        "end-to-end" => match words[1] {
            "ceiling" => bare::ceiling(sink, number(3)),
            "wire" => bare::wire(sink, number(2), number(3)),
            _ => scenario::end_to_end(contender(), sink, number(2) as usize, number(3)),
        },
        "throughput" => {
            let server = if words[1] == "far" { Server::Far } else { Server::AtOnce };
            let batches = Batches { items: number(2) as usize, lanes: number(3) as usize };
            scenario::throughput(sink, server, batches, number(4))
        }
        "tight-loop" => scenario::tight_loop(contender(), sink, Room::Default, number(2)),
        "tight-loop-with-room" => {
            scenario::tight_loop(contender(), sink, Room::for_all(number(2)), number(2))
        }
        "memory-per-span" => scenario::memory_per_span(contender(), sink, number(2)),
        "memory-per-instance" => scenario::memory_per_instance(sink, number(2) as usize),
        "idle" => scenario::idle(sink, number(2) as usize, Duration::from_secs(number(3))),
        other => panic!("no scenario is called {other}"),
    }
}
