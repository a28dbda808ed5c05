//! The published schemas, asked through a validator of other people's: jsonschema from PyPI.

use harness::python_venv::{PythonVenv, VenvPlan};
use std::path::{Path, PathBuf};

const VALIDATOR: VenvPlan = VenvPlan {
    name: "jsonschema",
    packages: &[
        "jsonschema==4.26.0",
        "jsonschema-specifications==2025.9.1",
        "referencing==0.37.0",
        "rpds-py==2026.9.1",
        "attrs==26.1.0",
        "typing-extensions==4.16.0",
    ],
    modules: &[],
};

/// What of the files' lines does not fit the schema of that name; empty where all do.
pub fn misfits(schema: &str, files: &[PathBuf]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../record");
    let venv = PythonVenv::obtain(&VALIDATOR).unwrap();
    let program = std::fs::read_to_string(folder.join("tests/validate.py")).unwrap();
    let said = venv
        .program(&program)
        .arg(folder.join(format!("{schema}.schema.json")))
        .args(files)
        .run()
        .unwrap_or_else(|error| panic!("jsonschema: {error}"));
    said.lines().map(str::to_owned).collect()
}
