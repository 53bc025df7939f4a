//! What the facade adds to a release binary that uses tokio and reqwest already, and how long it takes to compile.
//!
//! `cargo bench --bench binary_cost` builds the facade and all that it depends on from nothing, and then the application in
//! `benches/binary_cost` without telemetry and with it. It takes some minutes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

/// As many as a small machine has.
const CORES: &str = "2";

fn main() -> ExitCode {
    // `cargo test --all-targets` comes here too, and a measurement is no test.
    if !env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    // Cargo gives a directory inside of its target directory: what is built stands beside it.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("binary_cost");
    match fs::remove_dir_all(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let (facade, application) = ("Cargo.toml", "benches/binary_cost/Cargo.toml");
    // What is compiled should not wait for what is fetched.
    cargo(&target, &["fetch"], facade)?;
    let begun = Instant::now();
    cargo(&target, &["build", "--release", "--jobs", CORES, "--package", "prefactor"], facade)?;
    let seconds = begun.elapsed().as_secs_f64();
    let build = ["build", "--release"];
    cargo(&target, &build, application)?;
    let without = size(&target)?;
    cargo(&target, &[&build[..], &["--features", "telemetry"]].concat(), application)?;
    let with = size(&target)?;
    println!("without {without} bytes, with {with} bytes");
    println!("ratio binary_cost_bytes {} goal none", i128::from(with) - i128::from(without));
    println!("ratio cold_build_s {seconds:.1} goal none");
    Ok(())
}

/// Bytes of the application as it was built last.
fn size(target: &Path) -> io::Result<u64> {
    let application = format!("release/prefactor-binary-cost{}", env::consts::EXE_SUFFIX);
    Ok(fs::metadata(target.join(application))?.len())
}

fn cargo(target: &Path, arguments: &[&str], manifest: &str) -> Result<(), Box<dyn Error>> {
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let mut command = Command::new(cargo);
    command.args(arguments).arg("--locked").arg("--manifest-path").arg(manifest);
    let status = command.env("CARGO_TARGET_DIR", target).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`cargo {}` ended with {status}", arguments[0]).into())
    }
}
