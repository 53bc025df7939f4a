//! Agreement with the other implementations of the format, by their recorded answers.
//!
//! The recording is not part of the project: where it is absent these tests say so and pass. `src/` holds vectors of its own.

use prefactor_pfid::{Partition, Pfid, PfidError};
use serde_json::Value;

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn vectors() -> Option<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/pfid-vectors.json");
    match std::fs::read_to_string(path) {
        Ok(text) => Some(serde_json::from_str(&text).expect("the recording is JSON")),
        Err(_) => {
            println!("skipped: no recorded vectors on this machine");
            None
        }
    }
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    vectors[name].as_array().filter(|list| !list.is_empty()).expect("the recording has this list")
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("hex is a string");
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("hex digits")).collect()
}

#[test]
fn parts_bytes_and_text_agree() {
    let Some(vectors) = vectors() else { return };

    for vector in list(&vectors, "encode").iter().chain(list(&vectors, "fixtures")) {
        let text = vector["out"].as_str().unwrap();
        let unix_ms = vector["timestamp_ms"].as_u64().unwrap();
        let partition = Partition::new(vector["partition"].as_u64().unwrap().try_into().unwrap()).unwrap();
        let random = bytes(&vector["random_hex"]).try_into().unwrap();

        let id = Pfid::from_parts(unix_ms, partition, random).unwrap();

        assert_eq!(id.to_string(), text);
        assert_eq!(id.to_bytes().as_slice(), bytes(&vector["binary_hex"]));
        assert_eq!(text.parse(), Ok(id));
        assert_eq!((id.timestamp_ms(), id.partition(), id.random()), (unix_ms, partition, random));
    }
}

#[test]
fn texts_are_read_or_refused_alike() {
    let Some(vectors) = vectors() else { return };

    for vector in list(&vectors, "parse") {
        let name = &vector["name"];
        // Some inputs of the original are no strings, which the type system rules out here.
        let Some(text) = vector["in"].as_str() else { continue };
        let parsed = text.parse::<Pfid>();

        if text.contains('\u{212a}') {
            assert!(matches!(parsed, Err(PfidError::Character { found: '\u{212a}', .. })), "{name}");
        } else if vector["decode"]["ok"].is_string() {
            assert_eq!(parsed.unwrap().to_bytes().as_slice(), bytes(&vector["decode"]["ok"]), "{name}");
        } else {
            assert!(parsed.is_err(), "{name}");
        }
    }
}

#[test]
fn binary_forms_are_read_or_refused_alike_save_for_padding() {
    let Some(vectors) = vectors() else { return };

    for vector in list(&vectors, "binary") {
        let name = vector["name"].as_str().unwrap();
        let parsed = Pfid::from_bytes(&bytes(&vector["in_hex"]));

        if name.starts_with("padding") {
            assert!(matches!(parsed, Err(PfidError::Padding { .. })), "{name}");
        } else {
            assert_eq!(parsed.is_ok(), vector["encode"]["ok"].is_string(), "{name}");
        }
    }
}

#[test]
fn ranges_are_checked_alike() {
    let Some(vectors) = vectors() else { return };

    for vector in list(&vectors, "generate_range") {
        let made = vector["partition"]
            .as_u64()
            .and_then(|value| Partition::new(value.try_into().ok()?).ok())
            .zip(vector["timestamp_ms"].as_u64())
            .and_then(|(partition, unix_ms)| Pfid::from_parts(unix_ms, partition, [0; 10]).ok());

        assert_eq!(made.is_some(), vector["ok"].as_bool().unwrap(), "{vector}");
    }
}
