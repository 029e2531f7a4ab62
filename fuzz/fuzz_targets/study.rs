#![no_main]

#[path = "../coverage.rs"]
mod coverage;

libfuzzer_sys::fuzz_target!(|data: &[u8]| coverage::run("study", data));
