//! `cargo bench --bench peers -- [--full] [--rounds N] [--only WORDS] [--json FILE] [--plots DIR]`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use prefactor_peers::plan::{self, Extent};
use prefactor_peers::{child, goals, plots, report, sink};

const USAGE: &str = "usage: cargo bench --bench peers -- [OPTIONS]
  --quick        five rounds, in less than three minutes once it is built (the default)
  --full         eleven rounds of longer measurements
  --rounds N     so many rounds
  --only WORDS   only measurements whose name contains this, for example `caller` or `end-to-end ours`
  --json FILE    write everything that was measured as JSON
  --plots DIR    measure for the plots instead, in some minutes, and write them as SVG into this folder";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> io::Result<()> {
    let (mut extent, mut only, mut json, mut plots) = (Extent::QUICK, String::new(), None, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| io::Error::other(USAGE));
        match argument.as_str() {
            "sink" => return sink::serve(),
            "measure" => {
                child::measure(arguments);
                return Ok(());
            }
            "--quick" => extent = Extent { rounds: extent.rounds, ..Extent::QUICK },
            "--full" => extent = Extent::FULL,
            "--rounds" => extent.rounds = rounds(&value()?)?,
            "--only" => only = value()?,
            "--json" => json = Some(PathBuf::from(value()?)),
            "--plots" => plots = Some(PathBuf::from(value()?)),
            // From cargo.
            "--bench" => {}
            "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    if let Some(folder) = plots {
        return plots::make(&folder);
    }
    let measured = plan::run(plan::comparison(&extent), extent.rounds, &only)?;
    let ratios = goals::ratios(&extent, &measured);
    report::print(&measured, &ratios);
    if let Some(file) = json {
        report::write_json(&file, &measured, &ratios)?;
    }
    Ok(())
}

fn rounds(number: &str) -> io::Result<usize> {
    match number.parse() {
        Ok(rounds) if rounds > 0 => Ok(rounds),
        _ => Err(io::Error::other(format!("--rounds takes a number from 1, not {number:?}"))),
    }
}
