//! Checks of the guard's C and of the hook patches: compiler warnings, sparse, checkpatch, the size of hunks.

use crate::debian_packages::{self, Need};
use crate::error::{Result, XtaskError};
use crate::kernel_source::KernelSource;
use crate::kernel_tree::{self, Hooks};
use crate::process::Program;
use crate::side_tree::{Purpose, SideTree};
use crate::stages::Stages;
use crate::{kernel_config, kernel_source, kunit, workspace};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The guard's folder in a kernel tree.
const FOLDER: &str = "block/evidence-guard";

/// How many lines a hunk of a hook patch may add.
const HUNK: usize = 10;

/// Runs every check.
pub fn run(stages: &mut Stages) -> Result<()> {
    stages.run("packages for the checks", || debian_packages::ensure(&[Need::Build, Need::Test]))?;
    let _lock = workspace::lock_cache()?;
    let source = stages.run("kernel source", kernel_source::obtain)?;
    stages.run("hook patches: size of hunks", hunks)?;
    // Laying the tree out applies every patch to Debian's source.
    let tree = stages.run("hook patches: applied", || {
        let purpose = Purpose {
            name: "check",
            arch: "x86",
            hooks: Hooks::All,
            wishes: kernel_config::read_fragments(&kernel_config::fragments())?,
        };
        SideTree::obtain(&source, &purpose)
    })?;
    stages.run("guard: compiler at W=1, sparse", || compile(&tree, |name| !is_test(name)))?;
    stages.run("policy and its tests: compiler at W=1, sparse", || {
        compile(&kunit::obtain_tree(&source)?, |name| is_test(name) || name.starts_with("policy"))
    })?;
    stages.run("guard and patches: checkpatch --strict", || checkpatch(&source))
}

/// Tests are built where the policy is all there is of the guard.
fn is_test(name: &str) -> bool {
    name.ends_with("_test.c")
}

/// Compiles the guard's folder with everything that the compiler and sparse have to say; the files for which `built`
/// holds must be among those that are.
fn compile(tree: &SideTree, built: impl Fn(&str) -> bool) -> Result<()> {
    tree.make(&["prepare"])?;
    // A file that is up to date would be passed over in silence.
    workspace::remove_folder(&tree.build().join(FOLDER))?;
    let log = tree.make(&["W=1", "C=2", &format!("{FOLDER}/")])?;
    let text = workspace::read_text(&log)?;
    let checked: BTreeSet<&str> = names_after(&text, "CHECK");
    let compiled: BTreeSet<&str> = names_after(&text, "CC");
    let sources: Vec<String> = c_files(tree.tree())?.into_iter().filter(|name| built(name)).collect();
    for source in &sources {
        let object = format!("{}.o", source.trim_end_matches(".c"));
        if !checked.contains(source.as_str()) || !compiled.contains(object.as_str()) {
            return Err(XtaskError::Unfit(format!(
                "{source} was not compiled and checked: {}",
                log.display()
            )));
        }
    }
    let complaints: Vec<&str> = complaints(&text).collect();
    eprintln!("    {} files, {} complaints", sources.len(), complaints.len());
    demand_none(&complaints)
}

/// Names of the files of the guard that a step of the build tells of.
fn names_after<'a>(log: &'a str, step: &str) -> BTreeSet<&'a str> {
    log.lines()
        .filter_map(|line| line.trim_start().strip_prefix(step)?.trim_start().rsplit_once('/'))
        .filter(|(folder, _)| folder.ends_with(FOLDER))
        .map(|(_, name)| name)
        .collect()
}

fn c_files(tree: &Path) -> Result<Vec<String>> {
    Ok(workspace::files_below(&tree.join(FOLDER))?
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".c"))
        .collect())
}

fn complaints(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| line.contains("warning:") || line.contains("error:"))
}

/// One row of the table of waived kinds of complaint.
#[derive(Debug, PartialEq, Eq)]
struct Waiver {
    kind: String,
    /// A file name; one `*` stands for anything.
    files: String,
}

/// Reads the table in kernel-config/README.md: kind, files, reason.
fn waivers(readme: &str) -> Vec<Waiver> {
    let word = |cell: &str| cell.trim().trim_matches('`').to_owned();
    readme
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').collect();
            let [kind, files, reason] = cells.as_slice() else { return None };
            let is_kind = word(kind).chars().all(|c| c.is_ascii_uppercase() || c == '_');
            (is_kind && !reason.trim().is_empty()).then(|| Waiver { kind: word(kind), files: word(files) })
        })
        .collect()
}

impl Waiver {
    fn is_for(&self, file: &str) -> bool {
        match self.files.split_once('*') {
            Some((before, after)) => file.starts_with(before) && file.ends_with(after),
            None => file == self.files,
        }
    }
}

fn checkpatch(source: &KernelSource) -> Result<()> {
    let waivers = waivers(&workspace::read_text(&workspace::root().join("kernel-config/README.md"))?);
    let patches = workspace::files_below(&kernel_tree::patches())?;
    let guard: Vec<PathBuf> =
        workspace::files_below(&kernel_tree::guard())?.into_iter().filter(|file| is_code(file)).collect();
    let mut said = Vec::new();
    let mut used = BTreeSet::new();
    for (folder, file, how) in guard
        .iter()
        .map(|file| (kernel_tree::guard(), file, "--file"))
        .chain(patches.iter().map(|file| (kernel_tree::patches(), file, "--patch")))
    {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let (waived, open): (Vec<_>, Vec<_>) = complaints_of(source, &folder.join(file), how)?
            .into_iter()
            .partition(|line| waivers.iter().any(|w| w.is_for(&name) && is_of(line, &w.kind)));
        for waiver in &waivers {
            if waiver.is_for(&name) && waived.iter().any(|line| is_of(line, &waiver.kind)) {
                used.insert((waiver.kind.clone(), waiver.files.clone()));
            }
        }
        said.extend(open.into_iter().map(|line| format!("{name}{line}")));
    }
    for waiver in &waivers {
        if !used.contains(&(waiver.kind.clone(), waiver.files.clone())) {
            said.push(format!(
                "kernel-config/README.md waives {} in {} for nothing",
                waiver.kind, waiver.files
            ));
        }
    }
    eprintln!(
        "    {} files, {} complaints, {} kinds waived",
        guard.len().saturating_add(patches.len()),
        said.len(),
        used.len()
    );
    demand_none(&said)
}

fn is_code(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    matches!(name.as_ref(), "Kconfig" | "Makefile") || name.ends_with(".c") || name.ends_with(".h")
}

/// What checkpatch says of one file, each line from the colon after the file's name on.
fn complaints_of(source: &KernelSource, file: &Path, how: &str) -> Result<Vec<String>> {
    let program = source.tree.join("scripts/checkpatch.pl");
    // A patch is handed in, not named: of a file that git knows, checkpatch thinks it is a source.
    let (how, name, input) = match how {
        "--patch" => ("--patch", PathBuf::from("-"), file.to_owned()),
        _ => ("--file", file.to_owned(), PathBuf::from("/dev/null")),
    };
    let output = workspace::outputs()?.join("checkpatch.log");
    // Of a clean file it says nothing; it fails whether it complained or could not do its work.
    let outcome = Program::new("perl")
        .arg(program)
        .args(["--no-tree", "--strict", "--terse", "--show-types", "--color=never", how])
        .arg(&name)
        .input_from(&input)?
        .log_to(&output)?
        .run();
    let text = workspace::read_text(&output)?;
    if !text.lines().any(|line| line.starts_with("total:")) {
        outcome?;
    }
    let prefix = name.to_string_lossy().into_owned();
    Ok(text
        .lines()
        .filter(|line| !line.starts_with("total:") && !line.trim().is_empty())
        .map(|line| line.strip_prefix(&prefix).unwrap_or(line).to_owned())
        .collect())
}

fn is_of(line: &str, kind: &str) -> bool {
    ["ERROR", "WARNING", "CHECK"].iter().any(|level| line.contains(&format!(" {level}:{kind}: ")))
}

fn demand_none(complaints: &[impl AsRef<str>]) -> Result<()> {
    if complaints.is_empty() {
        return Ok(());
    }
    let lines: Vec<&str> = complaints.iter().map(AsRef::as_ref).collect();
    Err(XtaskError::Unfit(format!("{} complaints:\n{}", lines.len(), lines.join("\n"))))
}

/// Every hunk adds few lines: a hook is a call, what it does lies in the guard's own files.
fn hunks() -> Result<()> {
    let folder = kernel_tree::patches();
    let (mut count, mut too_long) = (0_usize, Vec::new());
    for patch in workspace::files_below(&folder)? {
        for (place, added) in hunks_of(&workspace::read_text(&folder.join(&patch))?) {
            count = count.saturating_add(1);
            if added > HUNK {
                too_long.push(format!("{}: {place} adds {added} lines", patch.display()));
            }
        }
    }
    eprintln!("    {count} hunks");
    demand_none(&too_long)
}

/// The heading of every hunk and how many lines it adds.
fn hunks_of(patch: &str) -> Vec<(&str, usize)> {
    let mut hunks: Vec<(&str, usize)> = Vec::new();
    for line in patch.lines() {
        if line.starts_with("@@ ") {
            hunks.push((line, 0));
        } else if line.starts_with('+')
            && !line.starts_with("+++ ")
            && let Some((_, added)) = hunks.last_mut()
        {
            *added = added.saturating_add(1);
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_each_hunk_adds_are_counted() {
        let patch = "Why.\n\n--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,3 @@\n a\n+b\n+c\n-d\n--- a/b.c\n+++ b/b.c\n@@ -9 +9 @@\n-a\n+b\n";
        assert_eq!(hunks_of(patch), [("@@ -1,2 +1,3 @@", 2), ("@@ -9 +9 @@", 1)]);
    }

    #[test]
    fn a_waiver_holds_for_its_kind_and_its_files_only() {
        let table = "| kind | files | reason |\n|---|---|---|\n| `LONG_LINE` | `policy_*.c` | rows |\n| `BIT_MACRO` | `a.patch` | |\n";
        let waivers = waivers(table);
        assert_eq!(waivers, [Waiver { kind: "LONG_LINE".to_owned(), files: "policy_*.c".to_owned() }]);
        let waiver = waivers.first().unwrap();
        assert!(waiver.is_for("policy_ata.c") && !waiver.is_for("policy.c"));
        let line = ":7: WARNING:LONG_LINE: line length of 120 exceeds 100 columns";
        assert!(is_of(line, "LONG_LINE") && !is_of(line, "LONG"));
    }

    #[test]
    fn steps_of_the_build_and_complaints_are_found_in_its_log() {
        let log = "  CHECK   ../block/evidence-guard/gate.c\n  CC      block/evidence-guard/gate.o\n  CC      block/genhd.o\n\
            ../block/evidence-guard/gate.c:8:2: warning: symbol 'x' was not declared\n";
        assert_eq!(names_after(log, "CHECK"), BTreeSet::from(["gate.c"]));
        assert_eq!(names_after(log, "CC"), BTreeSet::from(["gate.o"]));
        assert_eq!(complaints(log).count(), 1);
    }
}
