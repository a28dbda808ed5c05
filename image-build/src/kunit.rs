//! The policy's tests, run in a kernel that is an ordinary program (user-mode Linux): seconds, no emulator, no disk.

use crate::debian_packages::{self, Need};
use crate::error::{Result, XtaskError};
use crate::kernel_source::KernelSource;
use crate::kernel_tree::{self, Hooks};
use crate::process::Program;
use crate::side_tree::{Purpose, SideTree};
use crate::stages::Stages;
use crate::{kernel_config, kernel_source, ktap, workspace};

/// Its configuration, where the kernel's own tool would look for it.
const CONFIGURATION: &str = "block/evidence-guard/.kunitconfig";

/// How long the tests may take; they take less than a second.
const SECONDS: &str = "120";

/// Builds the kernel and runs the tests in it.
pub fn run(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the policy's tests", || debian_packages::ensure(&[Need::Build]))?;
    let _lock = workspace::lock_cache()?;
    let source = stages.run("kernel source", kernel_source::obtain)?;
    let tree = stages.run("kernel for the policy's tests", || {
        let tree = obtain_tree(&source)?;
        tree.make(&["linux"])?;
        Ok(tree)
    })?;
    stages.run("policy's tests", || tests(&tree))
}

/// The tree that the tests are built in.
pub fn obtain_tree(source: &KernelSource) -> Result<SideTree> {
    let purpose = Purpose {
        name: "kunit",
        arch: "um",
        hooks: Hooks::BuildAlone,
        wishes: kernel_config::read_fragment(&kernel_tree::guard().join(CONFIGURATION))?,
    };
    SideTree::obtain(source, &purpose)
}

fn tests(tree: &SideTree) -> Result<()> {
    let log = workspace::outputs()?.join("kunit.log");
    let outcome = Program::new("timeout")
        .args(["--kill-after=5", SECONDS])
        .arg(tree.build().join("linux"))
        .args(["mem=128M", "console=tty", "kunit_shutdown=halt"])
        .log_to(&log)?
        .run();
    let results = ktap::read(&workspace::read_text(&log)?);
    outcome?;
    let results = results.map_err(|complaint| {
        XtaskError::Unfit(format!("{complaint}; the whole output: {}", log.display()))
    })?;
    for failed in &results.failed {
        eprintln!("    failed: {failed}");
    }
    eprintln!("    {} passed, {} failed", results.passed.len(), results.failed.len());
    if results.failed.is_empty() {
        return Ok(());
    }
    Err(XtaskError::Unfit(format!("the policy is not as its tests say: {}", log.display())))
}
