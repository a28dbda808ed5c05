//! Writes the pages below the folder that its one argument names.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: tool-pages FOLDER");
        return ExitCode::from(2);
    };
    match tool_pages::write(&folder) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: writing below {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}
