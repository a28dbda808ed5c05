//! `pf-net`: see the library of the same package, which is the program.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    network::program()
}
