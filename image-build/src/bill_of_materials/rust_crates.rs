//! Crates from crates.io in each of the static tools, as cargo itself resolves them for the build.

use super::components::Component;
use crate::debian_packages::STATIC_TARGET;
use crate::error::{Result, XtaskError};
use crate::process::Program;
use crate::static_tools::TOOLS;
use crate::workspace;
use std::collections::{BTreeMap, BTreeSet};

/// Name and version.
type Key = (String, String);

/// All crates, and which tool each is for.
pub struct Crates {
    /// Each once, sorted.
    pub components: Vec<Component>,
    linked: BTreeMap<&'static str, BTreeSet<Key>>,
    compiled: BTreeMap<&'static str, BTreeSet<Key>>,
}

impl Crates {
    /// Crates whose code is in the tool of that package.
    pub fn linked_into(&self, package: &str) -> impl Iterator<Item = &Component> {
        let linked = self.linked.get(package);
        self.components
            .iter()
            .filter(move |component| linked.is_some_and(|linked| linked.contains(&key(component))))
    }

    /// Crates that write code of it (procedural macros), and what those rest on.
    pub fn compiled_for(&self, package: &str) -> impl Iterator<Item = &Component> {
        let compiled = self.compiled.get(package);
        self.components
            .iter()
            .filter(move |component| compiled.is_some_and(|compiled| compiled.contains(&key(component))))
    }
}

fn key(component: &Component) -> Key {
    (component.name.clone(), component.version.clone())
}

/// Asks cargo. Build and development dependencies, and those of other systems, are not among them.
pub fn linked_into_tools() -> Result<Crates> {
    let hashes = checksums(&workspace::read_text(&workspace::root().join("Cargo.lock"))?);
    let (linked, mut components) = trees("normal,no-proc-macro")?;
    let (mut compiled, others) = trees("normal")?;
    for (package, crates) in &mut compiled {
        let linked = linked.get(package).cloned().unwrap_or_default();
        crates.retain(|key| !linked.contains(key));
    }
    components.extend(others);
    let components = components
        .into_iter()
        .map(|((name, version), licence)| {
            let sha256 = hashes.get(&(name.clone(), version.clone())).cloned().ok_or_else(|| {
                XtaskError::Unfit(format!("Cargo.lock has no checksum of {name} {version}"))
            })?;
            Ok(Component {
                download: Some(format!("https://static.crates.io/crates/{name}/{name}-{version}.crate")),
                package_url: Some(format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))),
                licence: Some(licence),
                sha256: Some(sha256),
                name,
                version,
                source: None,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Crates { components, linked, compiled })
}

type Trees = (BTreeMap<&'static str, BTreeSet<Key>>, BTreeMap<Key, String>);

/// Crates of each tool, and the licence of each crate. All tools are named at once, as the build names them: what one of
/// them wants of a crate, the others get too.
fn trees(edges: &str) -> Result<Trees> {
    let mut cargo = Program::new(env!("CARGO")).in_folder(&workspace::root()).args([
        "tree",
        "--locked",
        "--target",
        STATIC_TARGET,
        "--edges",
        edges,
        "--prefix",
        "depth",
        "--no-dedupe",
        "--format",
        "|{p}|{l}",
    ]);
    for (package, _) in TOOLS {
        cargo = cargo.args(["--package", package]);
    }
    parse(&cargo.read()?)
}

/// Lines such as `2|sha1 v0.10.6|MIT OR Apache-2.0`; those of depth 0 are the tools.
fn parse(told: &str) -> Result<Trees> {
    let (mut trees, mut licences) = (BTreeMap::new(), BTreeMap::new());
    let mut current = None;
    for line in told.lines().filter(|line| !line.is_empty()) {
        let strange = || XtaskError::Unfit(format!("cargo tree says something unexpected: {line}"));
        let mut fields = line.splitn(3, '|');
        let [depth, package, licence] = [(); 3].map(|()| fields.next().unwrap_or_default());
        let mut words = package.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let version = version.strip_prefix('v').ok_or_else(strange)?;
        if depth == "0" {
            let (tool, _) = TOOLS.iter().find(|(tool, _)| *tool == name).ok_or_else(strange)?;
            current = Some(*tool);
            trees.insert(*tool, BTreeSet::new());
        } else if !package.contains("(/") {
            let tool = current.ok_or_else(strange)?;
            let key = (name.to_owned(), version.to_owned());
            trees.entry(tool).or_default().insert(key.clone());
            // Older manifests write "MIT/Apache-2.0".
            licences.insert(key, licence.replace('/', " OR "));
        }
    }
    match trees.len() == TOOLS.len() {
        true => Ok((trees, licences)),
        false => Err(XtaskError::Unfit("cargo tree does not show every tool".to_owned())),
    }
}

/// SHA-256 of each crate's file, from the lock file.
fn checksums(lock: &str) -> BTreeMap<Key, String> {
    lock.split("[[package]]")
        .filter_map(|entry| {
            let value = |key: &str| {
                entry.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_matches('"').to_owned()))
            };
            Some(((value("name = ")?, value("version = ")?), value("checksum = ")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_told_from_packages_of_the_workspace_and_from_each_others_versions() {
        let tools: String =
            TOOLS.iter().map(|(tool, _)| format!("\n0|{tool} v0.1.0 (/w/tools/{tool})|MIT\n")).collect();
        let told = format!(
            "{tools}1|evidence v0.1.0 (/w/tools/evidence)|MIT\n2|sha1 v0.10.6|MIT/Apache-2.0\n2|sha1 v0.11.0|MIT\n"
        );
        let (trees, licences) = parse(&told).unwrap();
        let last = TOOLS.last().unwrap().0;
        assert_eq!(trees[last].len(), 2);
        assert!(trees.iter().filter(|(tool, _)| **tool != last).all(|(_, crates)| crates.is_empty()));
        assert_eq!(licences[&("sha1".to_owned(), "0.10.6".to_owned())], "MIT OR Apache-2.0");
        assert!(parse("0|init v0.1.0 (/w)|MIT\n").is_err(), "tools are missing");
    }

    #[test]
    fn a_crate_of_the_lock_file_has_its_checksum_and_our_own_have_none() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        let found = checksums(lock);
        assert_eq!(found.get(&("a".to_owned(), "1.0.0".to_owned())).map(String::as_str), Some("00ff"));
        assert_eq!(found.len(), 1);
    }
}
