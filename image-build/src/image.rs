//! From sources to everything under `target/permafrost`.

use crate::debian_packages::{self, Need};
use crate::error::Result;
use crate::stages::Stages;
use crate::{
    bill_of_materials, boot_media, disk_programs, initramfs, kernel_build, kernel_source, manifest, signing,
    static_tools, workspace,
};

/// Builds the tools, the kernel, and the ISO.
pub fn build(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the build", || {
        debian_packages::ensure(&[Need::Build])?;
        debian_packages::ensure_static_target()
    })?;
    // Before anything is read that gets into the image; git is one of the packages.
    let commit = manifest::commit();
    let tools = stages.run("static tools", static_tools::build)?;
    let _lock = workspace::lock_cache()?;
    let disk_programs = stages.run("disk programs", disk_programs::obtain)?;
    let source = stages.run("kernel source", kernel_source::obtain)?;
    let kernel = stages.run("kernel", || kernel_build::compile(&source))?;
    stages.run("image", || {
        debian_packages::demand_unchanged(&manifest::PACKAGES_IN_IMAGE)?;
        let kernel_release = kernel_build::release(&kernel)?;
        let release_file = release_file(&commit, &source, &kernel_release);
        let archive = initramfs::assemble(&tools, &disk_programs, &release_file)?;
        let folder = workspace::outputs()?;
        let (bz_image, inside) = (folder.join("bzImage"), folder.join("initramfs.cpio"));
        workspace::write(&inside, initramfs::bytes(&archive)?)?;
        kernel.link(&inside, &bz_image)?;
        signing::remove_outdated(&folder)?;
        boot_media::write(&bz_image, None, &folder.join("permafrost.iso"))?;
        manifest::write(&commit, &source, &kernel, &kernel_release, &disk_programs, &archive)?;
        bill_of_materials::write(&commit, &source, &kernel, &archive, &disk_programs)?;
        manifest::demand_same_commit(&commit, &manifest::commit())
    })?;
    say_what_was_made()
}

/// Names the image by its hash value, and the papers that belong to it.
fn say_what_was_made() -> Result<()> {
    let folder = workspace::outputs()?;
    let image = folder.join("permafrost.iso");
    eprintln!("    {}", image.display());
    eprintln!("    SHA-256 {}", workspace::sha256_of_file(&image)?);
    eprintln!("    what is in it: {}", folder.join("manifest.json").display());
    eprintln!("    and what that was made from: {}", folder.join("permafrost.spdx.json").display());
    Ok(())
}

/// Compiles the kernel alone.
pub fn kernel(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the build", || debian_packages::ensure(&[Need::Build]))?;
    let _lock = workspace::lock_cache()?;
    let source = stages.run("kernel source", kernel_source::obtain)?;
    stages.run("kernel", || kernel_build::compile(&source))?;
    Ok(())
}

/// Builds the programs that prepare a destination alone.
pub fn disk_programs(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the build", || debian_packages::ensure(&[Need::Build]))?;
    let _lock = workspace::lock_cache()?;
    stages.run("disk programs", disk_programs::obtain)?;
    Ok(())
}

/// Builds the static tools alone.
pub fn tools(stages: &mut Stages) -> Result<()> {
    stages.run("Rust target", debian_packages::ensure_static_target)?;
    stages.run("static tools", static_tools::build)?;
    Ok(())
}

/// What the running image says of itself in /etc/permafrost-release.
fn release_file(commit: &str, source: &kernel_source::KernelSource, kernel_release: &str) -> String {
    format!(
        "Permafrost {}\nCOMMIT={commit}\nKERNEL={kernel_release}\nKERNEL_SOURCE={}\nKERNEL_SOURCE_SHA256={}\n",
        manifest::VERSION,
        source.version,
        source.sha256,
    )
}
