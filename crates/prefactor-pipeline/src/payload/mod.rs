//! What a caller hands over becomes compact JSON once, on the caller's thread: capture switches, redaction, length
//! limits and sensitive values are applied while it is written. Nobody parses or serializes it again.

mod buffer;
mod encode;
mod json;
mod redact;
mod scratch;
mod sensitive;
mod spare_blocks;
mod writer;

pub(crate) use encode::{Encoder, Part};
pub(crate) use json::{Json, JsonBlocks};
pub use redact::{Redactable, Redactor};
pub use sensitive::{Sensitive, SensitiveKind};
pub(crate) use spare_blocks::SpareBlocks;

pub(crate) use redact::SharedRedactor;
