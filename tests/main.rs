//! The promises, kept: every test talks real HTTP to the emulator on loopback.

/// The byte budget: calls return at once and losses are counted, whatever the server does.
mod backpressure;
/// What holds for every pipeline with bad input: a clear outcome, counted, and nothing else disturbed.
mod bad_input;
/// A disk that is really full, or can only be read.
mod disk;
/// All the ways in which a pipeline ends.
mod endings;
/// What the environment variables of the API contract do, seen from the server.
mod environment;
/// Exactly once, in order, under every fault.
mod faults;
/// Input from outside, as odd as it may be.
mod hostile_input;
/// Servers that redirect, or never stop answering.
mod hostile_server;
/// What is recorded of payloads and results.
mod recording;
/// Recorded runs of a real agent arrive word for word.
mod replay;
/// Handles work on any thread, in any runtime and outside of all.
mod runtimes;
/// Flush and shutdown.
mod shutdown;
/// The tree of spans: parents, the current span, what is left open.
mod spans;
/// What is on disk survives the pipeline, arrives once and in order, and is bounded.
mod spool;
/// Servers, pipelines and questions to the ledger.
mod support;
/// Runs that an operator ends.
mod termination;
