//! The telemetry pipeline: handles, instance, batcher and sender actors, ledger.
