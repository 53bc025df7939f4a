//! Report what your AI agents do to Prefactor: fire-and-forget spans, batched, bounded, never in the way.
