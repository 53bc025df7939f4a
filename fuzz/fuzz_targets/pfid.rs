#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| prefactor_fuzz::pfid::check(data));
