//! The static binaries that go onto lab machines and into the image.

use crate::debian_packages::STATIC_TARGET;
use crate::error::{Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use std::path::PathBuf;

/// Package of the workspace and binary it makes.
pub const TOOLS: &[(&str, &str)] = &[
    ("init", "pf-init"),
    ("guard", "pf-guard"),
    ("devices", "pf-devices"),
    ("acquire", "pf-acquire"),
    ("verify", "pf-verify"),
    ("convert", "pf-convert"),
    ("network", "pf-net"),
    ("prove", "pf-prove"),
    ("report", "pf-record"),
    ("examiner-console", "pf-console"),
];

/// Packages that ask more of shared crates than the others: compiled with them, each of the others would be 28 KiB larger.
const APART: [&str; 2] = ["report", "examiner-console"];

/// Largest size of a tool in bytes: all of them and the kernel share a small medium. The largest, pf-acquire, carries every
/// format, seven hashes and recovery.
pub const SIZE_LIMIT: u64 = 4 << 20;

/// Builds all tools and copies them to `target/permafrost/bin`.
pub fn build() -> Result<Vec<PathBuf>> {
    let is_apart = |package: &&str| APART.contains(package);
    let (apart, together): (Vec<&str>, Vec<&str>) =
        TOOLS.iter().map(|(package, _)| *package).partition(is_apart);
    let words = |packages: Vec<&'static str>| -> Vec<&str> {
        packages.into_iter().flat_map(|package| ["--package", package]).collect()
    };
    compile(&words(apart))?;
    let built = compile(&words(together))?;

    let folder = workspace::outputs()?.join("bin");
    workspace::make_folder(&folder)?;
    let mut binaries = Vec::new();
    for (_, name) in TOOLS {
        let binary = folder.join(name);
        workspace::copy(&built.join(name), &binary)?;
        let size = workspace::read(&binary)?.len();
        if u64::try_from(size).is_ok_and(|size| size > SIZE_LIMIT) {
            return Err(XtaskError::Unfit(format!(
                "{} has {size} bytes, more than {SIZE_LIMIT}",
                binary.display()
            )));
        }
        binaries.push(binary);
    }
    Ok(binaries)
}

/// Builds the program of a package that does not go into the image: `package` names both.
pub fn build_one(package: &str) -> Result<PathBuf> {
    Ok(compile(&["--package", package])?.join(package))
}

/// Builds an example of a package, of the same code as the tools.
pub fn build_example(package: &str, example: &str) -> Result<PathBuf> {
    Ok(compile(&["--package", package, "--example", example])?.join("examples").join(example))
}

/// Builds what the words for cargo name, and returns the folder that the binaries are in.
fn compile(words: &[&str]) -> Result<PathBuf> {
    let root = workspace::root();
    let cargo_home = std::env::var("CARGO_HOME")
        .ok()
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo").to_string_lossy().into_owned()))
        .unwrap_or_default();
    Program::new(env!("CARGO"))
        .in_folder(&root)
        .args(["build", "--quiet", "--release", "--locked", "--target", STATIC_TARGET, "--target-dir"])
        .arg(root.join("target"))
        // No path of the building machine in a binary: the same sources give the same bytes in any folder. Who aborts on a panic
        // needs no tables for unwinding, and the addresses that the start of a program moves stand packed (DT_RELR, which musl
        // reads since 1.2.4): together 200 KiB less in the largest.
        .env(
            "RUSTFLAGS",
            format!(
                "-Cforce-unwind-tables=no -Clink-arg=-Wl,-z,pack-relative-relocs \
                 --remap-path-prefix={}=/permafrost --remap-path-prefix={cargo_home}=/cargo",
                root.display()
            ),
        )
        .args(words)
        .run()?;
    Ok(root.join("target").join(STATIC_TARGET).join("release"))
}
