#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aquarium_fuzz::expression(bytes));
