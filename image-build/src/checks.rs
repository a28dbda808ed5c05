//! All tests, stage by stage, and the look at the image in a window.

use crate::debian_packages::{self, Need};
use crate::emulator_tests;
use crate::error::{Doing, Result};
use crate::fuzzing;
use crate::image;
use crate::kernel_check;
use crate::kunit;
use crate::process::Program;
use crate::stages::Stages;
use crate::{reproduce, static_tools, stock_kernel, workspace};
use harness::artifacts::Artifacts;
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

/// Size of the scratch disk of `run`.
const SCRATCH_DISK: u64 = 256 << 20;

/// Runs every test of the project.
pub fn test(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the tests", || {
        debian_packages::ensure(&[Need::Build, Need::Emulate, Need::Sign, Need::Test])
    })?;
    stages.run("format", || cargo(&["fmt", "--all", "--check"]))?;
    stages.run("clippy", || {
        cargo(&[
            "clippy",
            "--quiet",
            "--locked",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ])
    })?;
    stages.run("licences and sources of dependencies", check_dependencies)?;
    kernel_check::run(stages)?;
    kunit::run(stages)?;
    image::build(stages)?;
    reproduce::image_again(stages)?;
    stages.run("unit and integration tests", || cargo(&["test", "--quiet", "--locked", "--workspace"]))?;
    fuzzing::run(stages, None, fuzzing::SECONDS_IN_TESTS)?;
    stages.run("tests in the emulator", || emulator_tests::run(None))
}

/// Tests of the guard's command gates alone. `PERMAFROST_RANDOM` says how many random commands each disk gets.
pub fn test_guard(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the tests", || debian_packages::ensure(&[Need::Build, Need::Emulate]))?;
    image::build(stages)?;
    stages.run("tests of the guard in the emulator", || emulator_tests::run(Some(&GUARD_SUITES)))
}

/// Test files that judge the command gates.
const GUARD_SUITES: [&str; 7] = [
    "flight_recorder",
    "guard_matrix",
    "destinations",
    "doors",
    "prove",
    "prove_file_systems",
    "guard_error_paths",
];

/// The same attacks on a stock Debian kernel whose disks are marked read-only, and on ours.
pub fn compare(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the comparison", || debian_packages::ensure(&[Need::Build, Need::Emulate]))?;
    image::build(stages)?;
    let tools = stages.run("static tools", static_tools::build)?;
    let stock = stages.run("stock kernel", || stock_kernel::obtain(&tools))?;
    let table = workspace::outputs()?.join("comparison.md");
    stages.run("attacks on both", || {
        let told: [(&str, &OsStr); 4] = [
            ("PERMAFROST_STOCK_NAME", stock.version.as_ref()),
            ("PERMAFROST_STOCK_KERNEL", stock.kernel.as_ref()),
            ("PERMAFROST_STOCK_INITRAMFS", stock.initramfs.as_ref()),
            ("PERMAFROST_COMPARISON", table.as_ref()),
        ];
        let test =
            ["test", "--locked", "--package", "harness", "--features", "vm", "--test", "stock_comparison"];
        let mut cargo = Program::new(env!("CARGO")).in_folder(&workspace::root()).args(test);
        for (name, value) in told {
            cargo = cargo.env(name, value);
        }
        cargo.args(["--", "--ignored", "--nocapture", "--test-threads", "2"]).run()
    })?;
    print!("{}", workspace::read_text(&table)?);
    Ok(())
}

/// How long it takes from power-on to the examiner's console.
pub fn start_time(stages: &mut Stages, rounds: u16) -> Result<()> {
    stages.run("packages for the emulator", || debian_packages::ensure(&[Need::Build, Need::Emulate]))?;
    image::build(stages)?;
    let artifacts = Artifacts::of_this_build();
    let rows = stages
        .run("starts by turns", || Ok(harness::start_time::measure(&artifacts, usize::from(rounds))?))?;
    print!("{}", harness::start_time::table(&rows));
    Ok(())
}

/// Builds all and shows the main job, end to end.
pub fn demo(stages: &mut Stages) -> Result<bool> {
    stages.run("packages for the demo", || debian_packages::ensure(&[Need::Build, Need::Emulate]))?;
    image::build(stages)?;
    let artifacts = Artifacts::of_this_build();
    let outcome =
        stages.run("demo", || Ok(harness::demo::run(&artifacts, &harness::demo::Options::default())?))?;
    Ok(outcome.as_it_should_be)
}

/// Boots the image in the emulator for a person to look at, with an empty disk that keeps nothing.
pub fn run(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the emulator", || debian_packages::ensure(&[Need::Build, Need::Emulate]))?;
    image::build(stages)?;
    let folder = workspace::outputs()?;
    let disk = folder.join("run-disk.raw");
    File::create(&disk)
        .and_then(|file| file.set_len(SCRATCH_DISK))
        .doing(|| format!("making {}", disk.display()))?;
    boot_for_a_person(&folder.join("permafrost.iso"), &disk)
}

fn boot_for_a_person(iso: &Path, disk: &Path) -> Result<()> {
    let screen: &[&str] =
        if std::env::var_os("DISPLAY").is_some() { &["-display", "gtk"] } else { &["-nographic"] };
    Program::new("qemu-system-x86_64")
        .args(["-machine", "q35", "-m", "1024", "-smp", "1", "-no-reboot", "-snapshot", "-cdrom"])
        .arg(iso)
        .args(["-device", "ide-hd,drive=scratch,serial=SCRATCH-1", "-drive"])
        .arg(format!("id=scratch,if=none,format=raw,file={}", disk.display()))
        .args(screen)
        .interactive()
        .run()
}

/// The checker of licences; compiling it takes minutes, so it is kept in the user's cache.
const CARGO_DENY: &str = "0.20.2";

fn check_dependencies() -> Result<()> {
    let folder = workspace::cache()?.join(format!("cargo-deny-{CARGO_DENY}"));
    let checker = folder.join("bin/cargo-deny");
    if !checker.exists() {
        eprintln!("    compiling cargo-deny {CARGO_DENY}");
        Program::new(env!("CARGO"))
            .args(["install", "--quiet", "--locked", "--version", CARGO_DENY, "cargo-deny", "--root"])
            .arg(&folder)
            .run()?;
    }
    // Advisories would need a database from the network; licences, bans and sources need nothing.
    Program::new(checker)
        .in_folder(&workspace::root())
        .args(["--all-features", "--log-level", "error", "check", "licenses", "bans", "sources"])
        .run()
}

fn cargo(words: &[&str]) -> Result<()> {
    Program::new(env!("CARGO")).in_folder(&workspace::root()).args(words).run()
}
