#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| prefactor_fuzz::spool_files::check(data));
