//! The bench: acquisitions by our program and by others, of the same files to the same place in one sitting, and how close
//! ours comes to what arithmetic allows.
//!
//! What it measures of each run: wall time until the image is closed, processor time, peak of memory, bytes written; medians
//! of several rounds, in each of which every program has its turn. What it is not: a test. Nothing fails because it is
//! slow; who compares looks at rows of one sitting. Who calls it: `cargo xtask bench`.

mod contestant;
mod data;
mod limit;
mod run;
mod table;

pub use contestant::{Contestant, contestants};
pub use table::Row;

use crate::host_program::HostProgram;
use crate::{Doing, Result};
use std::path::{Path, PathBuf};

/// What a sitting is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where sources and images lie; best in memory, so that no disk limits anyone.
    pub folder: PathBuf,
    /// Bytes of each source.
    pub size: u64,
    /// Rounds.
    pub rounds: usize,
    /// Run everything on these cores only, as `taskset -c` takes them.
    pub cores: Option<String>,
    /// Our program, as it is in the image.
    pub pf_acquire: PathBuf,
    /// The program that measures the parts of an acquisition.
    pub parts: PathBuf,
    /// A newer libewf's `ewfacquire`, if there is one.
    pub new_ewfacquire: Option<PathBuf>,
}

/// Runs the whole sitting and returns a row for each case and program.
///
/// # Errors
/// When a program is missing or fails, or the folder is too small.
pub fn run(options: &Options) -> Result<Vec<Row>> {
    let folder = tempfile::Builder::new().prefix("permafrost-bench-").tempdir_in(&options.folder);
    let folder = folder.doing(|| format!("making a folder in {}", options.folder.display()))?;
    let mut rows = Vec::new();
    for case in data::CASES {
        let source = folder.path().join("source.bin");
        eprintln!("    {}: making {} MiB", case.name, options.size >> 20);
        (case.make)(&source, options.size, folder.path())?;
        let parts = limit::Parts::measure(options, &source, folder.path())?;
        let mut runs = vec![Vec::new(); contestants(options).len()];
        for round in 1..=options.rounds {
            for (contestant, runs) in contestants(options).iter().zip(&mut runs) {
                eprintln!("    {}, round {round}: {}", case.name, contestant.name);
                runs.push(run::once(contestant, options, &source, &images_in(folder.path())?)?);
            }
        }
        for (contestant, runs) in contestants(options).iter().zip(&runs) {
            let limit = parts.limit(contestant.parts, options);
            rows.push(Row::of(case.name, contestant, runs, options.size, limit));
        }
    }
    Ok(rows)
}

/// An empty folder for one image.
fn images_in(folder: &Path) -> Result<PathBuf> {
    let images = folder.join("images");
    if images.exists() {
        std::fs::remove_dir_all(&images).doing(|| format!("emptying {}", images.display()))?;
    }
    std::fs::create_dir(&images).doing(|| format!("making {}", images.display()))?;
    Ok(images)
}

/// Prints the rows as a table.
pub fn print(rows: &[Row]) {
    table::print(rows);
}

/// Programs that the contest needs, with their Debian packages.
pub const PROGRAMS: [(&str, &str); 5] = [
    ("ewfacquire", "ewf-tools"),
    ("dc3dd", "dc3dd"),
    ("dcfldd", "dcfldd"),
    ("ddrescue", "gddrescue"),
    ("mke2fs", "e2fsprogs"),
];

fn host(program: &str) -> Result<HostProgram> {
    let package =
        PROGRAMS.iter().find(|(name, _)| *name == program).map_or("coreutils", |(_, package)| package);
    HostProgram::new(program, package)
}
