//! The pipeline beside its peers, on the same spans, in one run. `cargo bench --bench peers` in the project's root; the method
//! is in `docs/PERFORMANCE.md`.

pub mod bare;
pub mod child;
pub mod contenders;
pub mod goals;
pub mod http;
pub mod memory;
mod otlp;
pub mod plan;
pub mod plots;
pub mod report;
pub mod scenario;
pub mod sink;
mod span;
