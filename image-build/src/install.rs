//! `cargo xtask install`: puts the tools on a workstation, with man pages and completions, and takes them away again.
//!
//! What was put where stands in a list, so that only that is ever replaced or removed.

use crate::debian_packages;
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::stages::Stages;
use crate::static_tools::{self, TOOLS};
use crate::workspace;
use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// Process 1, and the console of a machine whose kernel has the guard, are of no use elsewhere.
const ONLY_IN_THE_IMAGE: [&str; 2] = ["pf-init", "pf-console"];

/// Below the prefix: one line for each file, and for each folder that was made, with a slash at its end.
const LIST: &str = "share/permafrost/installed.txt";

/// Where to.
#[derive(Args)]
pub struct Arguments {
    /// The folder that bin and share are in
    #[arg(long, value_name = "DIR", default_value = "/usr/local")]
    prefix: PathBuf,
    /// Put everything below this folder, for packages of a distribution
    #[arg(long, value_name = "DIR")]
    destdir: Option<PathBuf>,
    /// Remove what was put there, and nothing else
    #[arg(long)]
    uninstall: bool,
}

impl Arguments {
    /// The prefix as it is on this machine.
    fn place(&self) -> PathBuf {
        match &self.destdir {
            Some(below) => below.join(self.prefix.strip_prefix("/").unwrap_or(&self.prefix)),
            None => self.prefix.clone(),
        }
    }
}

/// Installs, or removes.
pub fn run(arguments: &Arguments, stages: &mut Stages) -> Result<()> {
    let place = arguments.place();
    if arguments.uninstall {
        let removed = stages.run("removing", || remove(&place))?;
        println!("{}: {removed} files removed", place.display());
        return Ok(());
    }
    must_be_writable(&place)?;
    stages.run("Rust target", debian_packages::ensure_static_target)?;
    let binaries = stages.run("static tools", static_tools::build)?;
    let draft = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
    stages.run("man pages and completions", || {
        Program::new(env!("CARGO"))
            .in_folder(&workspace::root())
            .args(["run", "--quiet", "--locked", "--package", "tool-pages", "--"])
            .arg(draft.path())
            .run()
    })?;
    for (binary, _) in binaries.iter().zip(TOOLS).filter(|(_, (_, name))| !ONLY_IN_THE_IMAGE.contains(name)) {
        let to = draft.path().join("bin").join(binary.file_name().unwrap_or_default());
        workspace::make_folder(&draft.path().join("bin"))?;
        workspace::copy(binary, &to)?;
    }
    let count = stages.run("installing", || put(draft.path(), &place))?;
    println!(
        "{}: {count} files; to remove them: cargo xtask install --uninstall, with the same words",
        place.display()
    );
    Ok(())
}

/// Asked before minutes are spent on building what could not be put there.
fn must_be_writable(place: &Path) -> Result<()> {
    let there = place.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match tempfile::tempfile_in(there) {
        Ok(_) => Ok(()),
        Err(error) => Err(XtaskError::Unfit(format!(
            "{}: cannot be written to: {error}; choose a folder of your own: --prefix ~/.local, or --destdir DIR, and copy what is \
             in that as root",
            there.display()
        ))),
    }
}

/// Puts all files of `draft` below `place`, and removes those of an earlier time that are no more. Returns how many.
fn put(draft: &Path, place: &Path) -> Result<usize> {
    let before = read_list(place)?;
    let files = workspace::files_below(draft)?;
    for file in &files {
        let there = place.join(file);
        if fs::symlink_metadata(&there).is_ok() && !before.contains(&file.to_string_lossy().into_owned()) {
            let there = there.display();
            return Err(XtaskError::Unfit(format!(
                "{there} is there already, and not from here: move it away, or choose another --prefix"
            )));
        }
    }
    let mut list: BTreeSet<String> = files.iter().map(|file| file.to_string_lossy().into_owned()).collect();
    list.extend(before.iter().filter(|line| line.ends_with('/')).cloned());
    let all = files.iter().map(PathBuf::as_path).chain([Path::new(LIST)]);
    list.extend(all.flat_map(|file| folders_to_make(place, file)));
    // First the list, so that what an interrupted run left can be removed as well.
    let both: BTreeSet<&String> = before.union(&list).collect();
    write_list(place, &both)?;

    for stale in before.difference(&list).filter(|line| !line.ends_with('/')) {
        remove_file(&place.join(stale))?;
    }
    for file in &files {
        let to = place.join(file);
        workspace::make_folder(to.parent().unwrap_or(place))?;
        // A program that runs keeps its old file.
        remove_file(&to)?;
        workspace::copy(&draft.join(file), &to)?;
        let mode = if file.starts_with("bin") { 0o755 } else { 0o644 };
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&to, permissions).doing(|| format!("setting permissions of {}", to.display()))?;
    }
    write_list(place, &list.iter().collect())?;
    Ok(files.len())
}

/// Removes what the list names, the list, and the folders that were made for it and hold nothing else. Returns how many files.
fn remove(place: &Path) -> Result<usize> {
    let list = read_list(place)?;
    if list.is_empty() {
        return Err(XtaskError::Unfit(format!(
            "{} does not exist: nothing was installed there; name the same --prefix and --destdir",
            place.join(LIST).display()
        )));
    }
    let files = list.iter().filter(|line| !line.ends_with('/'));
    let count = files.clone().count();
    for file in files.map(String::as_str).chain([LIST]) {
        remove_file(&place.join(file))?;
    }
    // Deepest first.
    for folder in list.iter().rev().filter(|line| line.ends_with('/')) {
        // One that holds what others put there stays.
        let _ = fs::remove_dir(place.join(folder));
    }
    Ok(count)
}

/// Folders above `file` that are not there, in the form of the list.
fn folders_to_make(place: &Path, file: &Path) -> Vec<String> {
    let above = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let missing = above.filter(|folder| !place.join(folder).exists());
    missing.map(|folder| format!("{}/", folder.display())).collect()
}

fn read_list(place: &Path) -> Result<BTreeSet<String>> {
    let path = place.join(LIST);
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let list: BTreeSet<String> = workspace::read_text(&path)?.lines().map(str::to_owned).collect();
    let is_below = |line: &String| {
        !line.is_empty() && Path::new(line).components().all(|part| matches!(part, Component::Normal(_)))
    };
    match list.iter().find(|line| !is_below(line)) {
        Some(line) => {
            let path = path.display();
            Err(XtaskError::Unfit(format!(
                "{path} names {line:?}, which is not below it: somebody changed the list"
            )))
        }
        None => Ok(list),
    }
}

fn write_list(place: &Path, list: &BTreeSet<&String>) -> Result<()> {
    let path = place.join(LIST);
    workspace::make_folder(path.parent().unwrap_or(place))?;
    workspace::write(&path, list.iter().map(|line| format!("{line}\n")).collect::<String>())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A draft with two files, and a prefix that others use too.
    fn bench() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (draft, place) = (folder.path().join("draft"), folder.path().join("prefix"));
        for (file, text) in [("bin/pf-x", "program"), ("share/man/man8/pf-x.8", "page")] {
            workspace::make_folder(draft.join(file).parent().unwrap()).unwrap();
            fs::write(draft.join(file), text).unwrap();
        }
        workspace::make_folder(&place.join("bin")).unwrap();
        fs::write(place.join("bin/other"), "of others").unwrap();
        (folder, draft, place)
    }

    #[test]
    fn where_nothing_can_be_put_is_told_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        must_be_writable(&folder.path().join("not/yet/there")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let said = must_be_writable(Path::new("/proc/none")).unwrap_err().to_string();
        assert!(
            said.starts_with("/proc: cannot be written to") && said.contains("--prefix ~/.local"),
            "{said}"
        );
    }

    #[test]
    fn what_was_put_there_goes_and_what_others_put_there_stays() {
        let (_folder, draft, place) = bench();
        assert_eq!(put(&draft, &place).unwrap(), 2);
        let mode = fs::metadata(place.join("bin/pf-x")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o755);
        fs::write(place.join("share/man/man8/mine.8"), "of others").unwrap();
        assert_eq!(remove(&place).unwrap(), 2);
        let left = workspace::files_below(&place).unwrap();
        assert_eq!(left, [PathBuf::from("bin/other"), PathBuf::from("share/man/man8/mine.8")]);
        assert!(!place.join("share/permafrost").exists());
        assert!(remove(&place).unwrap_err().to_string().contains("nothing was installed there"));
    }

    #[test]
    fn folders_of_ours_go_when_they_are_empty_also_after_a_second_installation() {
        let (_folder, draft, place) = bench();
        put(&draft, &place).unwrap();
        fs::remove_file(draft.join("share/man/man8/pf-x.8")).unwrap();
        fs::write(draft.join("bin/pf-y"), "new").unwrap();
        assert_eq!(put(&draft, &place).unwrap(), 2);
        assert!(!place.join("share/man/man8/pf-x.8").exists(), "a page of an earlier version is still there");
        remove(&place).unwrap();
        assert!(!place.join("share").exists() && place.join("bin/other").exists());
    }

    #[test]
    fn a_file_of_others_is_never_replaced() {
        let (_folder, draft, place) = bench();
        fs::write(place.join("bin/pf-x"), "of others").unwrap();
        assert!(put(&draft, &place).unwrap_err().to_string().contains("not from here"));
        assert_eq!(fs::read_to_string(place.join("bin/pf-x")).unwrap(), "of others");
        assert!(!place.join("share").exists());
    }

    #[test]
    fn a_list_that_leads_out_of_the_prefix_is_not_followed() {
        let (folder, draft, place) = bench();
        put(&draft, &place).unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "x").unwrap();
        for line in ["../precious", precious.to_str().unwrap()] {
            fs::write(place.join(LIST), format!("{line}\n")).unwrap();
            assert!(remove(&place).unwrap_err().to_string().contains("somebody changed the list"));
        }
        assert!(precious.exists());
    }

    #[test]
    fn a_prefix_below_another_folder_is_for_packagers() {
        let place = |prefix: &str, destdir: Option<&str>| {
            Arguments { prefix: prefix.into(), destdir: destdir.map(PathBuf::from), uninstall: false }.place()
        };
        assert_eq!(place("/usr", Some("/tmp/package")), Path::new("/tmp/package/usr"));
        assert_eq!(place("/usr/local", None), Path::new("/usr/local"));
    }
}
