//! libFuzzer around one target, which the environment names. `cargo xtask fuzz` builds and calls it.
#![no_main]
// The entry point that libFuzzer looks for by name is made by its macro.
#![allow(missing_docs, clippy::expect_used)]

use std::path::PathBuf;
use std::sync::OnceLock;

fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static CHOSEN: OnceLock<(&'static fuzz::Target, PathBuf)> = OnceLock::new();
    let (target, scratch) = CHOSEN.get_or_init(|| {
        let target = fuzz::find(&given("PERMAFROST_FUZZ_TARGET"));
        (target.expect("PERMAFROST_FUZZ_TARGET names no target"), given("PERMAFROST_FUZZ_SCRATCH").into())
    });
    (target.run)(input, scratch);
});
