//! Every kept input through its target: what once broke a parser must not break it again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[test]
fn no_kept_input_breaks_its_parser() {
    for target in fuzz::TARGETS {
        let folder = fuzz::corpus(target.name);
        let scratch = tempfile::tempdir().unwrap();
        let mut inputs = 0;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            eprintln!("{}", path.display());
            let begun = Instant::now();
            (target.run)(&std::fs::read(&path).unwrap(), scratch.path());
            assert!(begun.elapsed() < Duration::from_secs(10), "{} takes too long", path.display());
            inputs += 1;
        }
        assert!(inputs > 0, "{} has no corpus", target.name);
    }
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_target() {
    let folders = std::fs::read_dir(fuzz::corpus("")).unwrap();
    let folders: BTreeSet<_> = folders.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    let targets: BTreeSet<_> = fuzz::TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, targets);
}
