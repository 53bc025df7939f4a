//! The seeds of the fuzzer, and what becomes of them when they are cut short or damaged: what must hold for any input is
//! checked for these with every build. docs/TESTING.md tells how to fuzz.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "the library of a workspace of its own")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

/// Every seed as it is, cut off at any place, and with any byte lost or changed.
fn replay(target: &str, check: fn(&[u8])) {
    let files = fs::read_dir(seeds().join(target)).expect("a folder of seeds");
    let mut count = 0;
    for file in files {
        let seed = fs::read(file.expect("an entry").path()).expect("a seed");
        check(&seed);
        count += 1;
        for at in 0..seed.len() {
            check(&seed[..at]);
            check(&[&seed[..at], &seed[at + 1..]].concat());
            for byte in [0, b'"', seed[at] ^ 1, seed[at] ^ 0x80] {
                let mut changed = seed.clone();
                changed[at] = byte;
                check(&changed);
            }
        }
    }
    assert!(count > 0, "seeds of {target}");
}

#[test]
fn bulk_answers_mean_what_their_json_says() {
    replay("bulk_answer", fuzz::bulk_answer::check);
}
