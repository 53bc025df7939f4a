//! How a pipeline is configured: defaults, the builder, and the environment.

mod builder;
pub mod defaults;
mod environment;
mod error;
mod sample_rate;

pub use builder::Builder;
pub(crate) use builder::Settings;
pub use error::BuildError;
pub use sample_rate::{InvalidSampleRate, SampleRate};
