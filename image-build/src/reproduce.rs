//! `cargo xtask reproduce`: builds the image a second time, elsewhere and under other circumstances, and demands the same
//! bytes.
//!
//! What is different the second time: a clone in a folder of another name and length, cargo's home, the home folder, umask,
//! host name (where the system lets us), time zone, language, and the time itself. What is the same: the machine, its
//! compilers and Debian packages, the unpacked crates, the programs from Debian's sources, and the kernel, which is linked and
//! packed anew only where the initramfs came out otherwise. Those are built a second time by themselves, down to the packed
//! kernel, once for each state of their sources.

use crate::disk_programs::{self, Kept};
use crate::error::{Doing, Result, XtaskError};
use crate::kernel_build::{self, CompiledKernel};
use crate::kernel_source::{self, KernelSource};
use crate::process::Program;
use crate::stages::Stages;
use crate::static_tools::TOOLS;
use crate::{image, workspace};
use std::fs;
use std::path::{Path, PathBuf};

/// Below the cache. Longer than any usual place of a working copy, so that a path that got into a file also shifts it.
const ELSEWHERE: &str = "second-build-in-a-folder-whose-name-is-much-longer-than-that-of-the-first";

/// One second build at a time.
const LOCK: &str = "second-build.lock";

/// Sets the host name where that is possible, then takes everybody else's rights on new files away.
const OTHERWISE: &str = "hostname another-machine 2>/dev/null; umask 077; exec \"$0\" image";

/// What of cargo's home a build may use: what was downloaded, and from where.
const OF_CARGO: [&str; 4] = ["registry", "git", "config.toml", "config"];

/// Builds everything twice and compares, what the cache holds too where no mark says that this was done.
pub fn run(stages: &mut Stages) -> Result<()> {
    image::build(stages)?;
    let _lock = workspace::lock(LOCK)?;
    let (source, kernel) = kernel()?;
    let programs = disk_programs::keep()?;
    if !programs.was_compared() {
        stages.run("disk programs, once more from nothing", || build_programs_again(&programs))?;
    }
    if !kernel.was_compared() {
        stages.run("kernel, once more from nothing", || compile_again(&source, &kernel))?;
    }
    second_build(stages)
}

/// Builds what [`image::build`] has built a second time and compares. Of what comes out of the cache it says whether a second
/// build of that was compared: to do so takes as long as to compile a kernel.
pub fn image_again(stages: &mut Stages) -> Result<()> {
    let _lock = workspace::lock(LOCK)?;
    second_build(stages)?;
    let (_, kernel) = kernel()?;
    let standing = |was_compared: bool| match was_compared {
        true => "built twice, and compared",
        false => "built once so far: cargo xtask reproduce builds it again",
    };
    eprintln!("    out of the cache: the kernel, {}", standing(kernel.was_compared()));
    eprintln!("    and the disk programs, {}", standing(disk_programs::keep()?.was_compared()));
    Ok(())
}

/// The kernel that was just built.
fn kernel() -> Result<(KernelSource, CompiledKernel)> {
    let _lock = workspace::lock_cache()?;
    let source = kernel_source::obtain()?;
    let kernel = kernel_build::compile(&source)?;
    Ok((source, kernel))
}

fn second_build(stages: &mut Stages) -> Result<()> {
    let elsewhere = workspace::cache()?.join(ELSEWHERE);
    let copy = elsewhere.join("permafrost");
    stages.run("second build of the image", || {
        workspace::remove_folder(&elsewhere)?;
        clone(&workspace::root(), &copy)?;
        build_in(&copy, &elsewhere)
    })?;
    stages.run("comparison of both builds", || {
        let made = compare(&workspace::outputs()?, &copy.join("target/permafrost"), &names())?;
        eprintln!("    {made} files, byte for byte the same");
        workspace::remove_folder(&elsewhere)
    })
}

/// A clone of HEAD, and in it what is not committed yet.
fn clone(root: &Path, copy: &Path) -> Result<()> {
    let git = |words: &[&str]| Program::new("git").in_folder(root).args(words);
    Program::new("git").args(["clone", "--quiet", "--no-hardlinks"]).arg(root).arg(copy).run()?;
    let changed = git(&["diff", "--name-only", "-z", "HEAD"]).read()?
        + &git(&["ls-files", "--others", "--exclude-standard", "-z"]).read()?;
    let changed: Vec<&str> = changed.split('\0').filter(|name| !name.is_empty()).collect();
    for name in &changed {
        let (from, to) = (root.join(name), copy.join(name));
        if from.exists() {
            workspace::make_folder(to.parent().unwrap_or(copy))?;
            workspace::copy(&from, &to)?;
        } else if to.exists() {
            fs::remove_file(&to).doing(|| format!("removing {}", to.display()))?;
        }
    }
    let head = git(&["rev-parse", "HEAD"]).read()?;
    eprintln!("    from a clone of {}, and {} files that are not committed", head.trim(), changed.len());
    Ok(())
}

/// Runs this very program for the copy, under other circumstances.
fn build_in(copy: &Path, elsewhere: &Path) -> Result<()> {
    let of_this_process = |name: &str, below_home: &str| {
        let set = std::env::var_os(name).map(PathBuf::from);
        set.or_else(|| std::env::home_dir().map(|home| home.join(below_home))).unwrap_or_default()
    };
    let cargo_home = elsewhere.join("home-of-cargo");
    workspace::make_folder(&cargo_home)?;
    for name in OF_CARGO {
        let (original, link) = (of_this_process("CARGO_HOME", ".cargo").join(name), cargo_home.join(name));
        if original.exists() {
            std::os::unix::fs::symlink(&original, &link).doing(|| format!("making {}", link.display()))?;
        }
    }
    let home = elsewhere.join("home");
    workspace::make_folder(&home)?;
    let cache = workspace::cache()?;
    let this_program = std::env::current_exe().doing(|| "finding this program".to_owned())?;
    with_another_host_name()
        .args(["sh", "-c", OTHERWISE])
        .arg(this_program)
        .env(workspace::OTHER_ROOT, copy)
        .env("XDG_CACHE_HOME", cache.parent().unwrap_or(&cache))
        .env("RUSTUP_HOME", of_this_process("RUSTUP_HOME", ".rustup"))
        .env("CARGO_HOME", &cargo_home)
        .env("HOME", &home)
        .env("LC_ALL", "C")
        .env("LANG", "tr_TR.UTF-8")
        .env("TZ", "Asia/Kathmandu")
        .run()
}

/// The start of a command that may set the host name for itself alone; where there are no namespaces, the plain start.
fn with_another_host_name() -> Program {
    let ways: [&[&str]; 2] = [&["--uts"], &["--map-root-user", "--uts"]];
    let possible = |words: &&[&str]| Program::new("unshare").args(*words).arg("true").read().is_ok();
    match ways.into_iter().find(possible) {
        Some(words) => Program::new("unshare").args(words),
        None => {
            eprintln!("    with the same host name: this system gives us none of our own");
            Program::new("env")
        }
    }
}

/// What must be the same, in the order in which one goes into the other.
fn names() -> Vec<String> {
    let tools = TOOLS.iter().map(|(_, name)| format!("bin/{name}"));
    let rest = ["initramfs.cpio", "bzImage", "permafrost.iso", "manifest.json", "permafrost.spdx.json"];
    tools.chain(rest.map(str::to_owned)).collect()
}

/// How many files were compared; the first that differs is an error.
fn compare(first: &Path, second: &Path, names: &[String]) -> Result<usize> {
    for name in names {
        if let Some(difference) = difference(&first.join(name), &second.join(name))? {
            return Err(XtaskError::Unfit(format!(
                "{name} is not the same in both builds: {difference}; for more: diffoscope {0}/{name} {1}/{name}",
                first.display(),
                second.display()
            )));
        }
    }
    Ok(names.len())
}

/// What `cmp` says of two files; nothing where they are the same.
fn difference(one: &Path, other: &Path) -> Result<Option<String>> {
    for file in [one, other] {
        fs::metadata(file).doing(|| format!("looking at {}", file.display()))?;
    }
    let said =
        Program::new("sh").args(["-c", "cmp \"$0\" \"$1\" 2>&1 || true"]).arg(one).arg(other).read()?;
    Ok(Some(said.trim().to_owned()).filter(|said| !said.is_empty()))
}

/// Builds the programs that come from Debian's sources in another folder, and compares them.
fn build_programs_again(programs: &Kept) -> Result<()> {
    let elsewhere = workspace::cache()?.join(ELSEWHERE);
    workspace::remove_folder(&elsewhere)?;
    workspace::make_folder(&elsewhere)?;
    let again = elsewhere.join("disk-programs");
    programs.build_again(&again)?;
    let count = compare(programs.folder(), &again, &Kept::names())?;
    eprintln!("    {count} programs, byte for byte the same");
    programs.mark_as_compared()?;
    workspace::remove_folder(&elsewhere)
}

/// Compiles the kernel in another folder, from nothing but its sources, and compares every object and what was linked of them.
fn compile_again(source: &KernelSource, kernel: &CompiledKernel) -> Result<()> {
    let outputs = workspace::outputs()?;
    let (initramfs, bz_image) = (outputs.join("initramfs.cpio"), outputs.join("bzImage"));
    let elsewhere = workspace::cache()?.join(ELSEWHERE);
    workspace::remove_folder(&elsewhere)?;
    workspace::make_folder(&elsewhere)?;
    let again = kernel_build::compile_from_nothing(source, &elsewhere.join("kernel"), &initramfs)?;
    // Only now: whoever builds an image meanwhile has not to wait, and may have put another initramfs in.
    let _lock = workspace::lock_cache()?;
    kernel.link(&initramfs, &bz_image)?;
    let names = linked_files(&again)?;
    let count = compare(&kernel.build_folder(), &again, &names)?;
    eprintln!("    {count} objects, byte for byte the same");
    kernel.mark_as_compared()?;
    workspace::remove_folder(&elsewhere)
}

/// Objects of the kernel and what they were put together to; programs that only helped are left out.
fn linked_files(build: &Path) -> Result<Vec<String>> {
    // Those of the boot code and of real mode name their folder for a debugger; that goes when bzImage and realmode.bin are
    // made of them.
    let apart = ["arch/x86/boot/", "arch/x86/realmode/rm/", "scripts/", "tools/"];
    let is_object = |name: &String| name.ends_with(".o") && !apart.iter().any(|part| name.starts_with(part));
    let all = workspace::files_below(build)?.into_iter().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = all.filter(is_object).collect();
    if names.len() < 1000 {
        return Err(XtaskError::Unfit(format!("{} holds only {} objects", build.display(), names.len())));
    }
    let made =
        [".config", "vmlinux", "System.map", "arch/x86/realmode/rm/realmode.bin", "arch/x86/boot/bzImage"];
    names.extend(made.map(str::to_owned));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_that_differs_is_named_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        for build in [&first, &second] {
            fs::create_dir(build).unwrap();
            fs::write(build.join("one"), "the same").unwrap();
            fs::write(build.join("two"), "0123456789").unwrap();
        }
        let names = ["one".to_owned(), "two".to_owned()];
        assert_eq!(compare(&first, &second, &names).unwrap(), 2);
        fs::write(second.join("two"), "012345x789").unwrap();
        let said = compare(&first, &second, &names).unwrap_err().to_string();
        assert!(said.starts_with("two is not the same") && said.contains("7, line 1"), "{said}");
        fs::write(second.join("two"), "01234").unwrap();
        let said = compare(&first, &second, &names).unwrap_err().to_string();
        assert!(said.contains("EOF"), "{said}");
        fs::remove_file(second.join("two")).unwrap();
        assert!(compare(&first, &second, &names).is_err());
    }

    #[test]
    fn a_clone_has_what_is_not_committed_and_lacks_what_was_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, copy) = (folder.path().join("root"), folder.path().join("copy"));
        fs::create_dir(&root).unwrap();
        let git = |words: &[&str]| Program::new("git").in_folder(&root).args(words).run().unwrap();
        for (name, text) in [("kept", "1"), ("changed", "1"), ("removed", "1"), (".gitignore", "target")] {
            fs::write(root.join(name), text).unwrap();
        }
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "a"]);
        fs::write(root.join("changed"), "2").unwrap();
        fs::remove_file(root.join("removed")).unwrap();
        fs::create_dir(root.join("new folder")).unwrap();
        fs::write(root.join("new folder/new"), "3").unwrap();
        fs::write(root.join("target"), "built").unwrap();
        clone(&root, &copy).unwrap();
        assert_eq!(fs::read_to_string(copy.join("changed")).unwrap(), "2");
        assert_eq!(fs::read_to_string(copy.join("new folder/new")).unwrap(), "3");
        assert!(
            copy.join("kept").exists() && !copy.join("removed").exists() && !copy.join("target").exists()
        );
    }
}
