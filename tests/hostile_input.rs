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

/// Every seed as it is, and cut off, with a byte lost or with a byte changed at so many places.
fn replay(target: &str, places: usize, check: fn(&[u8])) {
    let files = fs::read_dir(seeds().join(target)).expect("a folder of seeds");
    let mut count = 0;
    for file in files {
        let seed = fs::read(file.expect("an entry").path()).expect("a seed");
        check(&seed);
        count += 1;
        for at in (0..seed.len()).step_by(seed.len().div_ceil(places).max(1)) {
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

/// All places of any seed.
const ALL: usize = usize::MAX;

#[test]
fn bulk_answers_mean_what_their_json_says() {
    replay("bulk_answer", ALL, fuzz::bulk_answer::check);
}

#[test]
fn errors_say_what_the_api_says_and_show_no_secret() {
    replay("error_body", ALL, fuzz::error_body::check);
}

#[test]
fn retry_after_is_a_number_of_seconds_or_a_date() {
    replay("retry_after", ALL, fuzz::retry_after::check);
}

#[test]
fn ids_are_read_digit_by_digit() {
    replay("pfid", ALL, fuzz::pfid::check);
}

#[test]
fn a_spool_works_on_with_what_can_be_read_of_its_files() {
    replay("spool_files", 8, fuzz::spool_files::check);
}

#[test]
fn any_request_is_answered_in_the_form_of_the_api() {
    replay("emulator_requests", 60, fuzz::emulator_requests::check);
}
