//! Writes answers straight into a buffer. A single call's answer and a bulk output are the same object.

mod agent;
mod instance;
mod json;
mod page;
mod sensitive;
mod span;

pub(crate) use agent::agent;
pub(crate) use instance::{control, instance};
pub(crate) use json::ObjectWriter;
pub(crate) use page::page;
pub(crate) use span::{View, span};

use crate::error::ApiError;

/// What an error answers: the envelope of single calls and the output in bulk.
pub(crate) fn error(out: &mut Vec<u8>, error: &ApiError) {
    let mut object = ObjectWriter::open(out);
    object.text("status", "error");
    object.text("code", error.code);
    object.text("message", &error.message);
    if !error.errors.is_empty() {
        let mut errors = object.object("errors");
        for (field, texts) in &error.errors {
            json::texts(errors.entry(field), texts);
        }
        errors.close();
    }
    object.close();
}
