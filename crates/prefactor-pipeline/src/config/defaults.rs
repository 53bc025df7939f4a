//! Every default of the pipeline, with its unit and its reason.

use std::time::Duration;

/// Bytes that may be queued, batched, in flight or waiting to be sent again: room for some 100,000 spans of 500 bytes,
/// which is little for a service that runs many agents.
pub const MEMORY_BUDGET: u64 = 64 * 1024 * 1024;

/// Items of one request. Beyond some 500 items a request's own cost is no longer felt, and what is lost or sent again with
/// it stays small.
pub const MAX_BATCH_ITEMS: usize = 500;

/// Bytes of one request, far below what proxies accept by default (nginx: 1 MiB).
pub const MAX_BATCH_BYTES: usize = 900 * 1024;

/// How long an operation waits for others to share its request. A fraction of what a person notices in a live view, and
/// long enough for the create and finish of short spans to become one item.
pub const LINGER: Duration = Duration::from_millis(100);

/// Requests in flight at the same time; more than 2 to 4 make no request faster.
pub const LANES: usize = 4;

/// The most of them that may be asked for: each needs its share of the budget.
pub const MAX_LANES: usize = 64;

/// Requests per second. The API's own limit is not published; with full batches this is 100,000 items per second.
pub const REQUESTS_PER_SECOND: u32 = 200;

/// How long a whole request may take, as in the existing clients.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long connecting may take, as in the existing clients.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after a refused token before one request finds out whether it is accepted again.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// How often the API is asked about the runs whose termination somebody waits for, as in the existing SDKs.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(30);

/// Characters of a string value in a payload, as in the existing SDKs; longer ones are cut and marked.
pub const MAX_INPUT_LENGTH: usize = 10_000;

/// Characters of a string value in a result, as in the existing SDKs; longer ones are cut and marked.
pub const MAX_OUTPUT_LENGTH: usize = 10_000;

/// Bytes of a spool's files: room for some three million spans with payloads of 300 bytes, which is hours of a busy service
/// and little of a disk.
pub const SPOOL_MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How long an operation may wait in a spool: long enough for a weekend, and what is older than a week tells nobody much.
pub const SPOOL_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a pipeline goes on delivering in the background whose last handle was dropped.
pub const DROP_TIMEOUT: Duration = Duration::from_secs(5);
