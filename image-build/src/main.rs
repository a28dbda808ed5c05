//! `cargo xtask`: builds the tools, the kernel and the bootable image, runs them in the emulator, and tests all of it.
//!
//! What it is: the project's chores, each of which first installs what it needs. What it is not: part of any image;
//! nothing here runs on evidence. Who calls it: people and `.ci/run`.
//!
//! ```text
//! cargo xtask demo     # everything from nothing, ending in one screen of proof
//! cargo xtask test     # all tests
//! ```
#![forbid(unsafe_code)]

mod bench;
mod bill_of_materials;
mod boot_media;
mod boot_menu;
mod checks;
mod console_font;
mod cpio;
mod debian_packages;
mod disk_programs;
mod downloads;
mod emulator_tests;
mod error;
mod fuzzing;
mod image;
mod initramfs;
mod install;
mod kernel_build;
mod kernel_check;
mod kernel_config;
mod kernel_source;
mod kernel_tree;
mod keymaps;
mod ktap;
mod kunit;
mod manifest;
mod policy_page;
mod policy_tables;
mod process;
mod recorder_cost;
mod reproduce;
mod side_tree;
mod signing;
mod source_packages;
mod stages;
mod static_tools;
mod stock_kernel;
mod usb_stick;
mod workspace;

use clap::{Parser, Subcommand};
use error::Result;
use stages::Stages;
use std::process::ExitCode;

/// Permafrost's chores. Each installs the Debian packages it needs (through sudo where you are not root) and says why.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    after_help = "Outputs: target/permafrost. Exit codes: 0 done; 1 something is not as it should be; 2 usage."
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the static tools: target/permafrost/bin/pf-*
    Tools,
    /// Compile the kernel with the evidence guard (8 minutes on 2 cores; kept in the user's cache)
    Kernel,
    /// Build mke2fs, mkfs.exfat, mkntfs and sfdisk, static, from Debian's sources: target/permafrost/disk-programs
    DiskPrograms,
    /// Build the bootable image: target/permafrost/permafrost.iso and bzImage
    Image,
    /// Make an image whose kernel Secure Boot accepts by a key of your own: target/permafrost/permafrost-signed.iso
    Sign(signing::Arguments),
    /// Build the image a second time, elsewhere and under other circumstances, and demand the same bytes
    Reproduce,
    /// Write the image onto a USB stick, and read it back from there
    Usb(usb_stick::Arguments),
    /// Put the tools on this workstation, with man pages and completions
    Install(install::Arguments),
    /// Boot the image in the emulator to look at it
    Run,
    /// Build all, boot it against disks with real file systems, image them, and check everything from outside
    Demo,
    /// Run the tests of the guard's policy, in a kernel that is an ordinary program
    Kunit,
    /// Check the guard's C and the hook patches: compiler, sparse, checkpatch
    KernelCheck,
    /// Measure what the guard's flight recorder costs a read: two kernels that are ordinary programs, with and without it
    RecorderCost {
        /// How often each kernel has its turn; more is more exact, and slower
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        rounds: u16,
    },
    /// Write kernel-config/POLICY.md from the guard's tables
    Policy,
    /// Run all tests, or some of them
    Test {
        /// Which; all when not named
        #[arg(value_enum)]
        only: Option<Suite>,
    },
    /// Fuzz every parser that takes hostile input, or one of them, two at a time on two cores
    Fuzz {
        /// Which; all when not named
        target: Option<String>,
        /// How long each is fuzzed
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Image the same files with our program and with others, in one sitting, and print how fast each is
    Bench(bench::Arguments),
    /// Measure how long a machine of the emulator takes from power-on to the examiner's console, by each way of starting
    StartTime {
        /// How often each is started; the medians are told
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
        rounds: u16,
    },
    /// Attack disks under a stock Debian kernel with read-only flags set, and under ours; write the table of what leaks
    Compare,
}

/// Tests that can be run alone.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// The command gates: every transport, the flight recorder, error paths
    Guard,
}

fn main() -> ExitCode {
    let chore = Arguments::parse().chore;
    let mut stages = Stages::default();
    let outcome = carry_out(&chore, &mut stages);
    match (&chore, &outcome) {
        // Its summary is the last thing on the screen.
        (Chore::Demo | Chore::Run, Ok(_)) => {}
        _ => stages.summary(),
    }
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// False when all could be done but something is not as it should be.
fn carry_out(chore: &Chore, stages: &mut Stages) -> Result<bool> {
    match chore {
        Chore::Tools => image::tools(stages)?,
        Chore::Kernel => image::kernel(stages)?,
        Chore::DiskPrograms => image::disk_programs(stages)?,
        Chore::Image => image::build(stages)?,
        Chore::Sign(arguments) => signing::run(arguments, stages)?,
        Chore::Reproduce => reproduce::run(stages)?,
        Chore::Usb(arguments) => usb_stick::run(arguments, stages)?,
        Chore::Install(arguments) => install::run(arguments, stages)?,
        Chore::Run => checks::run(stages)?,
        Chore::Demo => return checks::demo(stages),
        Chore::Kunit => kunit::run(stages)?,
        Chore::KernelCheck => kernel_check::run(stages)?,
        Chore::RecorderCost { rounds } => recorder_cost::run(stages, *rounds)?,
        Chore::Policy => stages.run("policy page", policy_page::write)?,
        Chore::Test { only: None } => checks::test(stages)?,
        Chore::Test { only: Some(Suite::Guard) } => checks::test_guard(stages)?,
        Chore::Fuzz { target, seconds } => fuzzing::run(stages, target.as_deref(), *seconds)?,
        Chore::Bench(arguments) => bench::run(arguments, stages)?,
        Chore::StartTime { rounds } => checks::start_time(stages, *rounds)?,
        Chore::Compare => checks::compare(stages)?,
    }
    Ok(true)
}
