//! What must hold for any input from outside. Each module has a function `check`, which panics where it does not.

pub mod bulk_answer;
pub mod emulator_requests;
pub mod error_body;
pub mod pfid;
pub mod retry_after;
pub mod spool_files;
mod unique;
