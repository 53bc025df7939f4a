//! What callers hold. No call on a handle blocks, waits, panics or fails: it costs the serializing of a payload, an id, a
//! clock read and one enqueue, and what can't be delivered is counted.

mod agent_version;
mod context;
mod in_span;
mod instance;
mod span;

pub use agent_version::AgentVersion;
pub use context::SpanContext;
pub use in_span::{InSpan, WithSpan};
pub use instance::{Instance, InstanceBuilder};
pub use span::Span;
