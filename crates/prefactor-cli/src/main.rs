//! The prefactor command.
fn main() {}
