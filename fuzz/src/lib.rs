//! What must hold for any input from outside. Each module has a function `check`, which panics where it does not.

pub mod bulk_answer;
mod unique;
