//! The two kernels, and the proof that they differ in the recorder alone.

use crate::error::{Result, XtaskError};
use crate::kernel_config::{self, Wish};
use crate::kernel_source::KernelSource;
use crate::kernel_tree::{self, Hooks};
use crate::side_tree::{Purpose, SideTree};
use crate::workspace;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What both have in common.
const FRAGMENT: &str = "recorder-cost.config";

/// What they differ in.
const RECORDER: &str = "CONFIG_EVIDENCE_GUARD_RECORDER";

/// The function that counts; there must be none where the recorder is compiled out.
const COUNTS: &str = "guard_count";

/// Two programs.
pub(super) struct Kernels {
    /// With the recorder.
    pub(super) with: PathBuf,
    /// Without it.
    pub(super) without: PathBuf,
}

impl Kernels {
    /// Builds both from one source and copies them to `folder`, so that a later build does not change them meanwhile.
    pub(super) fn obtain(source: &KernelSource, folder: &Path) -> Result<Self> {
        let (with, without) = (build(source, true)?, build(source, false)?);
        let config = |tree: &SideTree| workspace::read_text(&tree.build().join(".config"));
        differ_in_recorder_alone(&config(&with)?, &config(&without)?).map_err(XtaskError::Unfit)?;
        for (tree, wanted) in [(&with, true), (&without, false)] {
            let map = tree.build().join("System.map");
            if counts(&workspace::read_text(&map)?) != wanted {
                let word = if wanted { "lacks" } else { "still has" };
                return Err(XtaskError::Unfit(format!("{} {word} {COUNTS}()", map.display())));
            }
        }
        let kernels = Self { with: folder.join("linux-with"), without: folder.join("linux-without") };
        workspace::copy(&with.build().join("linux"), &kernels.with)?;
        workspace::copy(&without.build().join("linux"), &kernels.without)?;
        Ok(kernels)
    }
}

fn build(source: &KernelSource, recorder: bool) -> Result<SideTree> {
    let mut wishes = kernel_config::read_fragment(&kernel_tree::user_mode().join(FRAGMENT))?;
    wishes.push(Wish {
        symbol: RECORDER.to_owned(),
        value: recorder.then(|| "y".to_owned()),
        place: "recorder-cost".to_owned(),
    });
    let name = if recorder { "recorder" } else { "no-recorder" };
    let tree = SideTree::obtain(source, &Purpose { name, arch: "um", hooks: Hooks::Measured, wishes })?;
    tree.make(&["linux"])?;
    Ok(tree)
}

/// Compares two finished configurations; the compiler's version stands in them too.
fn differ_in_recorder_alone(with: &str, without: &str) -> std::result::Result<(), String> {
    let (with, without): (BTreeSet<&str>, BTreeSet<&str>) =
        (with.lines().collect(), without.lines().collect());
    let only_with: Vec<_> = with.difference(&without).copied().collect();
    let only_without: Vec<_> = without.difference(&with).copied().collect();
    if only_with == [format!("{RECORDER}=y")] && only_without == [format!("# {RECORDER} is not set")] {
        return Ok(());
    }
    Err(format!(
        "the kernels' configurations differ in more than the recorder, or not in it: {only_with:?}, {only_without:?}"
    ))
}

/// Does a kernel with this map of symbols count commands?
fn counts(map: &str) -> bool {
    map.lines().any(|line| line.split_whitespace().nth(2) == Some(COUNTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH: &str = "CONFIG_A=y\nCONFIG_EVIDENCE_GUARD_RECORDER=y\nCONFIG_B=y\n";

    #[test]
    fn kernels_that_differ_in_something_else_are_not_compared() {
        let without =
            WITH.replace("CONFIG_EVIDENCE_GUARD_RECORDER=y", "# CONFIG_EVIDENCE_GUARD_RECORDER is not set");
        differ_in_recorder_alone(WITH, &without).unwrap();
        assert!(differ_in_recorder_alone(WITH, WITH).is_err());
        assert!(differ_in_recorder_alone(&without, WITH).is_err());
        assert!(differ_in_recorder_alone(&format!("{WITH}CONFIG_C=y\n"), &without).is_err());
        let told = differ_in_recorder_alone(WITH, &without.replace("CONFIG_B=y", "CONFIG_B=n")).unwrap_err();
        assert!(told.contains("CONFIG_B=y") && told.contains("CONFIG_B=n"), "{told}");
    }

    #[test]
    fn the_counting_function_is_found_by_its_whole_name() {
        assert!(counts("0000000060001000 T guard_judge\n0000000060001040 T guard_count\n"));
        assert!(!counts("0000000060001000 T guard_count_of_tables\n0000000060001040 T uncount\n"));
    }
}
