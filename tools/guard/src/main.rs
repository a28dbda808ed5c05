//! `pf-guard`: see the library of the same package, which holds the program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    guard::program()
}
