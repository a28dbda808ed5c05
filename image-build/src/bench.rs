//! The bench: builds what takes part, and lets it run.

use crate::debian_packages::{self, Need};
use crate::error::{Result, XtaskError};
use crate::process::Program;
use crate::stages::Stages;
use crate::{static_tools, workspace};
use clap::Args;
use harness::bench::{self, Options};
use std::path::{Path, PathBuf};

/// The newest libewf lies in the source package of its Python binding.
const LIBEWF: &str = "20260924";
const LIBEWF_SHA256: &str = "72f67b7bcb80987662b506d9a72825afe7ad07e87c0d7dfbdb0d187a32add671";

/// What can be said about a sitting.
#[derive(Args)]
pub struct Arguments {
    /// Write the rows as JSON as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// MiB of each kind of data
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = clap::value_parser!(u64).range(64..=65_536))]
    size: u64,
    /// Rounds; the medians are told
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u64).range(1..=99))]
    rounds: u64,
    /// Run all programs on these cores only, e.g. 0
    #[arg(long, value_name = "LIST")]
    cores: Option<String>,
    /// Where sources and images lie: three times the size must fit
    #[arg(long, value_name = "DIR", default_value = "/dev/shm")]
    folder: PathBuf,
}

/// Runs a sitting and prints its table.
pub fn run(arguments: &Arguments, stages: &mut Stages) -> Result<()> {
    stages.run("packages for the bench", || debian_packages::ensure(&[Need::Bench]))?;
    stages.run("Rust target", debian_packages::ensure_static_target)?;
    stages.run("static tools", static_tools::build)?;
    let parts = stages.run("the bench's own program", || static_tools::build_example("acquire", "parts"))?;
    let new_ewfacquire = stages.run("libewf", libewf)?;
    let options = Options {
        folder: arguments.folder.clone(),
        size: arguments.size << 20,
        rounds: usize::try_from(arguments.rounds).unwrap_or(usize::MAX),
        cores: arguments.cores.clone(),
        pf_acquire: workspace::outputs()?.join("bin/pf-acquire"),
        parts,
        new_ewfacquire: Some(new_ewfacquire),
    };
    let rows = stages.run("bench", || Ok(bench::run(&options)?))?;
    bench::print(&rows);
    if let Some(path) = &arguments.json {
        let rows: Vec<_> = rows.iter().map(bench::Row::json).collect();
        let text = serde_json::to_string_pretty(&rows)
            .map_err(|error| XtaskError::Unfit(format!("the rows make no JSON: {error}")))?;
        workspace::write(path, text + "\n")?;
    }
    Ok(())
}

/// Compiles ewfacquire of the newest libewf, once; it stays in the user's cache.
fn libewf() -> Result<PathBuf> {
    let _lock = workspace::lock_cache()?;
    let folder = workspace::cache()?.join(format!("libewf-{LIBEWF}"));
    let program = folder.join("ewfacquire");
    if program.exists() {
        return Ok(program);
    }
    eprintln!("    compiling libewf {LIBEWF}");
    let scratch = workspace::cache()?.join(format!("libewf-{LIBEWF}.part"));
    workspace::remove_folder(&scratch)?;
    workspace::make_folder(&scratch)?;
    let sources = fetch(&scratch)?;
    let log = |name: &str| scratch.join(name);
    Program::new("./configure")
        .args(["--enable-multi-threading-support", "--disable-shared"])
        .in_folder(&sources)
        .log_to(&log("configure.log"))?
        .run()?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    Program::new("make").arg(format!("-j{jobs}")).in_folder(&sources).log_to(&log("make.log"))?.run()?;
    workspace::make_folder(&folder)?;
    workspace::copy(&sources.join("ewftools/ewfacquire"), &program)?;
    workspace::remove_folder(&scratch)?;
    Ok(program)
}

/// Gets the sources from PyPI, makes sure that they are the ones meant, and unpacks them.
fn fetch(scratch: &Path) -> Result<PathBuf> {
    Program::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest"])
        .arg(scratch)
        .arg(format!("libewf-python=={LIBEWF}"))
        .run()?;
    let name = format!("libewf_python-{LIBEWF}");
    let archive = scratch.join(format!("{name}.tar.gz"));
    let found = workspace::sha256_of_file(&archive)?;
    if found != LIBEWF_SHA256 {
        return Err(XtaskError::Unfit(format!(
            "{} has SHA-256 {found}, not {LIBEWF_SHA256}",
            archive.display()
        )));
    }
    Program::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(scratch).run()?;
    Ok(scratch.join(name))
}
