//! Readers of images from PyPI, asked through one Python program.

use harness::python_venv::{PythonVenv, VenvPlan};
use serde_json::Value;
use std::path::Path;

/// The readers, by the names that `strangers.py` knows.
pub const LIBEWF: &str = "libewf";
pub const DISSECT: &str = "dissect";

const READERS: VenvPlan = VenvPlan {
    name: "ewf",
    packages: &[
        "libewf-python==20260924",
        "pytsk3==20260715",
        "dissect.evidence==3.13",
        "dissect.cstruct==4.7",
        "dissect.util==3.24",
    ],
    modules: &[],
};

/// What `reader` says of the image; it hashes the whole medium, or `ranges` of it.
pub fn ask(reader: &str, first: &Path, ranges: &[(u64, u64)]) -> Value {
    let venv = PythonVenv::obtain(&READERS).unwrap();
    let numbers = ranges.iter().flat_map(|(at, length)| [at.to_string(), length.to_string()]);
    let said = venv
        .program(include_str!("strangers.py"))
        .arg(reader)
        .arg(first)
        .args(numbers)
        .run()
        .unwrap_or_else(|error| panic!("{reader}: {error}"));
    serde_json::from_str(&said).unwrap()
}
