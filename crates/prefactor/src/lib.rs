//! Report what your AI agents do to Prefactor: fire-and-forget spans, batched, bounded, never in the way.

pub use prefactor_http as http;
pub use prefactor_pfid as pfid;
pub use prefactor_pipeline::*;
