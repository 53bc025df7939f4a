//! The client against a real HTTP server on this machine, which answers by a script and keeps what it was sent.

/// What each endpoint's method puts on the wire, and what it makes of the answer.
mod endpoints;
/// Answers that are none: broken, endless, late, or from elsewhere.
mod failures;
/// What is sent again, when, and with which bytes.
mod retries;
/// Where the token goes, and where it never shows.
mod secrets;
mod support;
