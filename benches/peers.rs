//! The pipeline beside its peers: builds and runs the workspace in `benches/peers`, which no other command compiles.
//!
//! `cargo bench --bench peers` in less than three minutes once it is built; `cargo bench --bench peers -- --help` for more.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    // `cargo test --all-targets` comes here too, and no test compiles the peers.
    if !env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    // Cargo gives a directory inside of its target directory: what is built stands beside it.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/Cargo.toml");
    let build = ["build", "--release", "--locked", "--manifest-path", manifest];
    let built = Command::new(cargo).args(build).arg("--target-dir").arg(&target).status();
    if !built.is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    let ran = Command::new(target.join("release/prefactor-peers")).args(env::args_os().skip(1)).status();
    if ran.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
