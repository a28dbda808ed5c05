//! Debian's source packages: fetched through apt once, checked, and kept in the user's cache.

use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::{debian_packages, workspace};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Comes with apt: fetches addresses and checks what it gets against a hash.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// Older than any program that a build makes, or make would think that `configure` had to be made anew because a patch touched
/// what it was made from.
const TIME_OF_SOURCES: &str = "@1600000000"; // 2020-09-13

/// A source package in the cache, of Debian's format "3.0 (quilt)".
#[derive(Clone)]
pub struct SourcePackage {
    /// The package's name.
    pub name: &'static str,
    /// Its version, e.g. `1.47.0-2`.
    pub version: String,
    /// Its files: description, the authors' archive, Debian's changes.
    pub files: Vec<SourceFile>,
    folder: PathBuf,
}

/// One file of a source package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceFile {
    /// Name as in the archive.
    pub name: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Finds the packages `names` in the cache or fetches them.
///
/// As with the kernel's source, a version in the cache is used on as long as it is there. Its files are checked each time
/// against its description, which was checked against the archive's signed index when it came.
pub fn obtain(names: &[&'static str]) -> Result<Vec<SourcePackage>> {
    let kept = workspace::cache()?.join("downloads/sources");
    let missing: Vec<&str> = names.iter().copied().filter(|name| !kept.join(name).exists()).collect();
    if !missing.is_empty() {
        workspace::make_folder(&kept)?;
        let index = SourceIndex::read()?;
        for name in missing {
            index.fetch(name, &kept.join(name))?;
        }
    }
    names.iter().map(|name| SourcePackage::open(name, kept.join(name))).collect()
}

impl SourcePackage {
    fn open(name: &'static str, folder: PathBuf) -> Result<Self> {
        let unfit = |what: &str| XtaskError::Unfit(format!("{}: {what}; remove it", folder.display()));
        let present = workspace::files_below(&folder)?;
        let description = present
            .iter()
            .find(|path| path.extension().is_some_and(|end| end == "dsc"))
            .ok_or_else(|| unfit("holds no description of a source package"))?;
        let text = workspace::read_text(&folder.join(description))?;
        if field(&text, "Format") != Some("3.0 (quilt)") {
            return Err(unfit("is of another format than 3.0 (quilt)"));
        }
        let version = field(&text, "Version").ok_or_else(|| unfit("names no version"))?.to_owned();
        let mut files = described_files(&text);
        for file in &files {
            if workspace::sha256_of_file(&folder.join(&file.name))? != file.sha256 {
                return Err(unfit(&format!("{} is not what its description says", file.name)));
            }
        }
        let sha256 = workspace::sha256_of_file(&folder.join(description))?;
        files.push(SourceFile { name: description.to_string_lossy().into_owned(), sha256 });
        Ok(Self { name, version, files, folder })
    }

    /// Unpacks the authors' archive to `tree` and makes Debian's changes in it.
    pub fn unpack(&self, tree: &Path) -> Result<()> {
        workspace::make_folder(tree)?;
        let archive = |part: &str| -> Result<PathBuf> {
            let file = self.files.iter().find(|file| file.name.contains(part));
            let file = file.ok_or_else(|| {
                XtaskError::Unfit(format!("{}: no file named *{part}*", self.folder.display()))
            })?;
            Ok(self.folder.join(&file.name))
        };
        let unpack = |part: &str| -> Result<Program> {
            Ok(Program::new("tar").args(["--no-same-owner", "-C"]).arg(tree).arg("-xf").arg(archive(part)?))
        };
        unpack(".orig.tar.")?.arg("--strip-components=1").run()?;
        unpack(".debian.tar.")?.run()?;
        let patches = tree.join("debian/patches");
        let series = patches.join("series");
        let series = if series.exists() { workspace::read_text(&series)? } else { String::new() };
        for patch in series.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            Program::new("patch").in_folder(tree).args(["-p1", "-s", "-i"]).arg(patches.join(patch)).run()?;
        }
        let touch = ["-exec", "touch", "-h", "-d", TIME_OF_SOURCES, "{}", "+"];
        Program::new("find").arg(tree).args(touch).run()
    }
}

/// The archive's lists of source packages, read into a folder of their own: the machine's own lists stay as they are, and
/// nobody needs to be root.
struct SourceIndex {
    folder: tempfile::TempDir,
}

impl SourceIndex {
    fn read() -> Result<Self> {
        let cache = workspace::cache()?;
        let folder =
            tempfile::tempdir_in(&cache).doing(|| format!("making a folder in {}", cache.display()))?;
        let index = Self { folder };
        for part in ["sources", "lists/partial", "archives/partial"] {
            workspace::make_folder(&index.path(part))?;
        }
        workspace::write(&index.path("sources/debian.sources"), debian_packages::source_entries()?)?;
        eprintln!("    reading the archive's lists of source packages");
        index.apt("apt-get").args(["update", "-q"]).log_to(&fetch_log()?)?.run()?;
        Ok(index)
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    /// A program of apt that knows these lists alone.
    fn apt(&self, program: &str) -> Program {
        let setting = |name: &str, part: &str| format!("{name}={}", self.path(part).display());
        Program::new(program)
            .args([
                "-o",
                &setting("Dir::Etc::SourceParts", "sources"),
                "-o",
                "Dir::Etc::SourceList=/dev/null",
            ])
            .args(["-o", &setting("Dir::State::Lists", "lists"), "-o", &setting("Dir::Cache", "archives")])
            // Root's fetching would be done by a user who may not enter root's cache.
            .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"])
    }

    /// Fetches the newest version of `name` that the archive still or already has: mirrors lag behind their own indexes. Any
    /// other failure than a file that is not there ends it: no older version is taken because a network was down.
    fn fetch(&self, name: &str, to: &Path) -> Result<()> {
        let mut failure = XtaskError::Unfit(format!("the archive has no source package {name}"));
        for version in self.versions(name)? {
            eprintln!("    fetching the source of {name} {version}");
            match self.fetch_version(name, &version, to) {
                Ok(()) => return Ok(()),
                Err(error) if says_not_found(&workspace::read_text(&fetch_log()?)?) => failure = error,
                Err(error) => return Err(error),
            }
            eprintln!(
                "    the archive does not have it, whatever its index says; the next older one is taken"
            );
        }
        Err(failure)
    }

    /// Newest first.
    fn versions(&self, name: &str) -> Result<Vec<String>> {
        let told = self.apt("apt-cache").args(["showsrc", "--only-source", name]).read()?;
        let mut versions: Vec<String> = Vec::new();
        for version in told.lines().filter_map(|line| line.strip_prefix("Version: ")) {
            let newer = |other: &String| {
                Program::new("dpkg").args(["--compare-versions", version, "gt", other]).run().is_ok()
            };
            let at = versions.iter().position(newer).unwrap_or(versions.len());
            versions.insert(at, version.to_owned());
        }
        versions.dedup();
        Ok(versions)
    }

    fn fetch_version(&self, name: &str, version: &str, to: &Path) -> Result<()> {
        let incoming = self.path("incoming");
        workspace::remove_folder(&incoming)?;
        workspace::make_folder(&incoming)?;
        let source = format!("{name}={version}");
        let told =
            self.apt("apt-get").args(["source", "--print-uris", "-q", "--only-source", &source]).read()?;
        for (address, file, hash) in addresses(&told) {
            self.apt(APT_HELPER)
                .args(["download-file", address])
                .arg(incoming.join(file))
                .arg(hash)
                .log_to(&fetch_log()?)?
                .run()?;
        }
        // Last, so that a folder of this name always holds a whole package.
        fs::rename(&incoming, to).doing(|| format!("keeping {}", to.display()))
    }
}

/// What apt says of the file that it fetches.
fn fetch_log() -> Result<PathBuf> {
    Ok(workspace::outputs()?.join("apt.log"))
}

/// True where the server answered that there is no such file (RFC 9110 §15.5.5), as apt tells it.
fn says_not_found(log: &str) -> bool {
    log.lines().any(|line| line.contains("404  Not Found"))
}

/// Address, name and hash of each file, as `apt-get source --print-uris` tells them: `'http://…' name size SHA256:…`.
fn addresses(told: &str) -> Vec<(&str, &str, &str)> {
    let lines = told.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.strip_prefix('\'')?.strip_suffix('\'')?;
        let (file, _size, hash) = (words.next()?, words.next()?, words.next()?);
        hash.starts_with("SHA256:").then_some((address, file, hash))
    });
    lines.filter(|(_, file, _)| is_needed(file)).collect()
}

/// All but the authors' own signature of their archive: the archive's index vouches for the same bytes.
fn is_needed(file: &str) -> bool {
    !file.ends_with(".asc")
}

/// A field of one line in a description (deb-src-control(5)).
fn field<'a>(description: &'a str, name: &str) -> Option<&'a str> {
    description.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The files that a description (dsc(5)) vouches for, below `Checksums-Sha256:` as ` hash size name`.
fn described_files(description: &str) -> Vec<SourceFile> {
    let below = description.lines().skip_while(|line| *line != "Checksums-Sha256:").skip(1);
    let lines = below.take_while(|line| line.starts_with(' ')).filter_map(|line| {
        let mut words = line.split_whitespace();
        let (sha256, _size, name) = (words.next()?.to_owned(), words.next()?, words.next()?.to_owned());
        Some(SourceFile { name, sha256 })
    });
    lines.filter(|file| is_needed(&file.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_is_told_from_a_network_that_is() {
        assert!(says_not_found(
            "Err:1 http://d/a.dsc\n  404  Not Found [IP: 10.0.0.1 80]\nE: Failed to fetch"
        ));
        assert!(!says_not_found("Err:1 http://d/a.dsc\n  Could not resolve 'd'\nE: Failed to fetch"));
    }

    #[test]
    fn every_file_is_fetched_under_a_sha256_but_the_authors_signature() {
        let told = "Reading package lists...\nNeed to get 900 kB of source archives.\n\
            'http://d/a_1-2.dsc' a_1-2.dsc 2134 SHA256:82894d\n\
            'http://d/a_1.orig.tar.xz' a_1.orig.tar.xz 900425 SHA256:8bd774\n\
            'http://d/a_1.orig.tar.xz.asc' a_1.orig.tar.xz.asc 833 SHA256:1ec82c\n\
            'http://d/weak' weak 833 MD5Sum:1ec82c\n";
        let found = addresses(told);
        assert_eq!(
            found,
            [
                ("http://d/a_1-2.dsc", "a_1-2.dsc", "SHA256:82894d"),
                ("http://d/a_1.orig.tar.xz", "a_1.orig.tar.xz", "SHA256:8bd774"),
            ]
        );
    }

    #[test]
    fn a_file_that_is_not_what_the_description_says_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let description = format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\n\nFormat: 3.0 (quilt)\nSource: a\nVersion: 1-2\nChecksums-Sha1:\n da39 0 a_1.orig.tar.xz\n\
             Checksums-Sha256:\n {empty} 0 a_1.orig.tar.xz\n {empty} 0 a_1.orig.tar.xz.asc\nFiles:\n d41d 0 a_1.orig.tar.xz\n"
        );
        fs::write(folder.path().join("a_1-2.dsc"), description).unwrap();
        fs::write(folder.path().join("a_1.orig.tar.xz"), "").unwrap();
        let package = SourcePackage::open("a", folder.path().to_owned()).unwrap();
        assert_eq!(package.version, "1-2");
        assert_eq!(
            package.files[0],
            SourceFile { name: "a_1.orig.tar.xz".to_owned(), sha256: empty.to_owned() }
        );
        fs::write(folder.path().join("a_1.orig.tar.xz"), "x").unwrap();
        assert!(SourcePackage::open("a", folder.path().to_owned()).is_err());
    }
}
