//! Those who are compared, behind one face: how to start them, make a span, and wait until everything has arrived.

mod fastrace;
mod opentelemetry;
mod ours;

use std::net::SocketAddr;

pub use fastrace::Shape;
pub use ours::Ours;

/// Who makes the spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    Ours,
    OpenTelemetry,
    Fastrace(Shape),
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// What the library has by default.
    Default,
    /// The library's default, and callers wait for room.
    Waiting,
    /// Room for so many spans: nothing is lost, nobody waits.
    Spans(usize),
}

impl Room {
    pub fn for_all(spans: u64) -> Self {
        Self::Spans(spans as usize + 1_000)
    }
}

/// When the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    AtOnce,
    /// As one that is some thousand kilometres away.
    Far,
    /// It takes requests and never answers.
    Stalled,
}

impl Server {
    /// What paths to it begin with.
    pub fn path(self) -> &'static str {
        match self {
            Self::AtOnce => "",
            Self::Far => "/far",
            Self::Stalled => "/stall",
        }
    }
}

/// Settings of ours alone.
#[derive(Clone, Copy, Debug)]
pub struct Batches {
    pub items: usize,
    pub lanes: usize,
}

pub struct Settings {
    pub sink: SocketAddr,
    pub server: Server,
    pub room: Room,
    pub instances: usize,
    /// None: as they are by default.
    pub batches: Option<Batches>,
}

impl Settings {
    pub fn new(sink: SocketAddr) -> Self {
        Self { sink, server: Server::AtOnce, room: Room::Default, instances: 1, batches: None }
    }
}

/// What became of it all.
pub struct End {
    pub lost: u64,
    /// Requests and the bytes of their bodies, where that is told.
    pub traffic: Option<(u64, u64)>,
}

impl Contender {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ours" | "ours-on-mimalloc" => Self::Ours,
            "opentelemetry" => Self::OpenTelemetry,
            "fastrace" => Self::Fastrace(Shape::Roots),
            "fastrace-children" => Self::Fastrace(Shape::Children),
            _ => return None,
        })
    }

    pub fn start(self, settings: &Settings) -> Peer {
        match self {
            Self::Ours => Peer::Ours(Ours::start(settings)),
            Self::OpenTelemetry => Peer::OpenTelemetry(opentelemetry::OpenTelemetry::start(settings)),
            Self::Fastrace(shape) => Peer::Fastrace(fastrace::Fastrace::start(shape)),
        }
    }
}

/// A contender that is running.
pub enum Peer {
    Ours(Ours),
    OpenTelemetry(opentelemetry::OpenTelemetry),
    Fastrace(fastrace::Fastrace),
}

impl Peer {
    /// A function that makes the span of a given step, for one thread of several.
    pub fn caller(&self, thread: usize, threads: usize) -> Box<dyn FnMut(u64) + '_> {
        match self {
            Self::Ours(peer) => peer.caller(thread, threads),
            Self::OpenTelemetry(peer) => peer.caller(),
            Self::Fastrace(peer) => peer.caller(),
        }
    }

    /// Waits until everything has arrived that was made so far.
    pub fn flush(&self) {
        match self {
            Self::Ours(peer) => peer.flush(),
            Self::OpenTelemetry(peer) => peer.flush(),
            Self::Fastrace(peer) => peer.flush(),
        }
    }

    /// Waits until everything has arrived that can, of so many spans.
    pub fn finish(&self, made: u64) -> End {
        match self {
            Self::Ours(peer) => peer.finish(),
            Self::OpenTelemetry(peer) => peer.finish(made),
            Self::Fastrace(peer) => peer.finish(made),
        }
    }

    /// The process is about to end; what is queued need not arrive.
    pub fn abandon(self) {
        std::mem::forget(self);
    }
}
