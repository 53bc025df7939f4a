//! Report what your AI agents do to Prefactor: fire-and-forget spans, batched, bounded, never in the way.
//!
//! ```
//! use prefactor::{AgentVersion, Prefactor};
//! use serde_json::json;
//! use std::time::Duration;
//!
//! // `Prefactor::from_env()?` in a program; disabled here, so that the example needs no token.
//! let prefactor = Prefactor::disabled();
//!
//! let run = prefactor.instance(AgentVersion::new("research-agent", "v1.4.0")).start();
//! let llm = run.span("agent:llm", &json!({ "model": "m", "prompt": "why is the sky blue?" }));
//! let tool = llm.child("agent:tool", &json!({ "name": "search", "query": "sky" }));
//! tool.complete(&json!({ "hits": 3 }));
//! llm.complete(&json!({ "answer": "short waves scatter most" }));
//! run.finish();
//!
//! let report = prefactor.shutdown_blocking(Duration::from_secs(5));
//! assert!(report.complete);
//! ```
//!
//! # Runs and spans
//!
//! A *run* (the API calls it an agent instance) is one execution of an agent: [`Prefactor::instance`] describes it,
//! [`InstanceBuilder::start`] begins it, and the [`Instance`] that this gives can be used at once; the registration goes on
//! in the background. A [`Span`] is one step of a run. Spans form a tree: [`Span::child`] begins one below another, and
//! [`Instance::span`] begins one below the *current* span of the run, if there is one. A span becomes the current one while a
//! closure runs ([`Span::in_scope`]) or while a future is polled ([`InSpan::in_span`]); code that knows neither run nor span
//! asks [`SpanContext::current`].
//!
//! Spans and runs finish as complete, failed or cancelled. Dropping finishes them too: as failed while panicking, and as
//! complete otherwise. What is open when a run finishes is finished with it.
//!
//! # What is recorded
//!
//! Payloads and results are anything that implements [`serde::Serialize`](https://docs.rs/serde). They are written into JSON
//! at the call, on the calling thread, and on the way
//!
//! - left out, where [`Builder::capture_inputs`] or [`Builder::capture_outputs`] says so,
//! - changed by your hook, if there is one ([`Builder::redact`]),
//! - cut where a string is longer than [`Builder::max_input_length`] or [`Builder::max_output_length`] characters,
//! - marked where a value is [`Sensitive`], so that the API stores it apart.
//!
//! [`Builder::sample_rate`] records a share of the runs, each with its whole tree or not at all.
//!
//! # What a call costs, and what can go wrong
//!
//! A call serializes, takes an id, reads the clock and enqueues. It never waits, panics or returns an error, also when your
//! own `Serialize` does: then the span is sent with a placeholder ([`Prefactor::unserializable_payloads`]). Everything that is
//! handed over is counted, and the [`Ledger`] says what became of it: delivered, rejected for a [`RejectReason`], lost for a
//! [`LossReason`], or still in flight. [`Builder::on_undelivered`] tells you of every operation that does not arrive.
//!
//! All that waits is held within [`Builder::memory_budget`] bytes; what finds no room is lost, newest first, unless there is a
//! [`Spool`] to put it on disk, which also survives the process. An outage of the API is no error: the pipeline backs off,
//! keeps what fits and goes on by itself ([`Prefactor::health`]). A refused token is tried again every
//! [`Builder::probe_interval`].
//!
//! # The end of the program
//!
//! Call [`Prefactor::shutdown`] (or [`shutdown_blocking`](Prefactor::shutdown_blocking) outside of async code) and wait for
//! it: it delivers what there is, ends by its deadline, and reports what did not make it. Dropping all handles instead goes on
//! in the background for [`Builder::drop_timeout`], which a process that exits cuts short.
//!
//! # Threads and runtimes
//!
//! By default the pipeline runs on threads of its own, so that it works without a runtime and outlives the caller's;
//! [`Builder::runtime`] puts it onto yours. Handles may be used anywhere.
//!
//! # The rest of the API
//!
//! [`http`] is the typed client for everything else: reading back, managing agents, bulk requests by hand. [`pfid`] is the
//! identifier that all of it uses.

pub use prefactor_http as http;
pub use prefactor_pfid as pfid;
pub use prefactor_pipeline::*;

/// The examples in the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
