//! The seeds of the fuzzer, and what becomes of them when they are cut short or damaged: what must hold for any input is
//! checked for these with every build. docs/TESTING.md tells how to fuzz.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prefactor_emulator::workbench::Workbench;
use prefactor_pfid::Partition;

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

#[test]
fn nesting_without_end_overflows_no_stack() {
    const KEY: &str = "caaaaaaaaaaaaaaaaaaaaaaaaaa";
    let nested = |open: &str, close: &str| (open.repeat(100_000), close.repeat(100_000));
    for (open, close) in [nested("[", "]"), nested("{\"id\":", "}")] {
        for inner in [open.clone(), format!("{open}1{close}")] {
            for answer in [
                inner.clone(),
                format!("{{\"outputs\":{inner}}}"),
                format!("{{\"outputs\":{{\"{KEY}\":{inner}}}}}"),
                format!("{{\"outputs\":{{\"{KEY}\":{{\"status\":\"success\",\"details\":{inner}}}}}}}"),
                format!("{{\"outputs\":{{\"{KEY}\":{{\"status\":{inner}}}}}}}"),
                format!("{{\"status\":{inner},\"control\":{inner}}}"),
            ] {
                fuzz::bulk_answer::check(answer.as_bytes());
                for status in [200, 422] {
                    fuzz::error_body::check(format!("{status} {answer}").as_bytes());
                }
            }
            for request in [
                inner.clone(),
                format!("{{\"items\":{inner}}}"),
                format!("{{\"items\":[{inner}]}}"),
                format!(
                    "{{\"items\":[{{\"_type\":\"agents/create\",\"idempotency_key\":\"key-0001\",\"name\":{inner}}}]}}"
                ),
                format!("{{\"details\":{inner},\"agent_version\":{inner}}}"),
            ] {
                for path in ["bulk", "agent_spans", "agent_instance/register"] {
                    fuzz::emulator_requests::check(format!("POST /api/v1/{path}\n{request}").as_bytes());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_request_beyond_all_bounds_is_refused_by_the_emulator() {
    let api = Workbench::new(Partition::MAX);
    let body = Bytes::from(vec![0; 257 << 20]);

    let answer = api.call("POST", "/api/v1/bulk", prefactor_emulator::DEFAULT_TOKEN, body).await;

    let (status, body) = answer.expect("an answer");
    assert_eq!(status, 413);
    assert!(String::from_utf8_lossy(&body).contains("payload_too_large"), "{body:?}");
}
