//! Who takes part, and with which settings.

use super::Options;
use crate::Result;
use crate::host_program::find;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The parts that an acquisition by our pipeline is made of.
#[derive(Clone, Copy, Debug)]
pub struct Makeup {
    /// `e01`, `raw` or `aff4`.
    pub format: &'static str,
    /// Hashes, as `--hash` takes them.
    pub hashes: &'static str,
}

/// Three hashes into E01.
pub const E01: Makeup = Makeup { format: "e01", hashes: "md5,sha1,sha256" };
/// Two hashes into a raw image.
pub const RAW: Makeup = Makeup { format: "raw", hashes: "md5,sha256" };
/// One hash into AFF4, which keeps one of each chunk beside it; ours adds its tree of BLAKE3, as to all.
pub const AFF4: Makeup = Makeup { format: "aff4", hashes: "sha256" };

/// A program with its settings.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// Its name in the table.
    pub name: &'static str,
    /// What it has to do; the limit of ours at that is told beside each.
    pub parts: Makeup,
    /// True for ours, which reads its image back afterwards: the clock stops when its record says that the image is closed.
    pub ours: bool,
}

/// All that take part in this sitting. guymager is not among them: it is a program of windows, and driving it by synthetic
/// keys is not reliable enough to time.
#[must_use]
pub fn contestants(options: &Options) -> Vec<Contestant> {
    let new = options.new_ewfacquire.as_ref().map(|_| ("ewfacquire 20260924 -j2, E01", E01, false));
    [
        Some(("pf-acquire, E01", E01, true)),
        Some(("ewfacquire 20140813, E01", E01, false)),
        new,
        Some(("pf-acquire, AFF4", AFF4, true)),
        Some(("pf-acquire, raw", RAW, true)),
        Some(("dc3dd, raw", RAW, false)),
        Some(("dcfldd, raw", RAW, false)),
        Some(("ddrescue, raw, no hash", Makeup { format: "raw", hashes: "" }, false)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, parts, ours)| Contestant { name, parts, ours })
    .collect()
}

impl Contestant {
    /// Program and arguments that image `source` into `folder`.
    ///
    /// # Errors
    /// When the program is not installed.
    pub fn command(&self, options: &Options, source: &Path, folder: &Path) -> Result<Vec<OsString>> {
        let file = |key: &str, name: &str| OsString::from(format!("{key}{}", folder.join(name).display()));
        let input = OsString::from(format!("if={}", source.display()));
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let program = |name: &str| {
            let package = super::PROGRAMS.iter().find(|(program, _)| *program == name);
            find(name, package.map_or("coreutils", |(_, package)| package)).map(PathBuf::into_os_string)
        };
        let ewf = ["-u", "-q", "-c", "fast", "-d", "sha1,sha256", "-S", "2000MiB", "-t"];
        let mut command = Vec::new();
        match self.name.split([' ', ',']).next().unwrap_or_default() {
            "pf-acquire" => {
                command.push(options.pf_acquire.clone().into());
                command.extend([source.into(), "--to".into(), folder.into()]);
                command.extend(words(&["--unguarded", "--name", "image", "--format", self.parts.format]));
                command.extend(words(&["--hash", self.parts.hashes]));
            }
            "ewfacquire" => {
                match options.new_ewfacquire.as_ref().filter(|_| self.name.contains("-j2")) {
                    Some(new) => command.extend([new.clone().into(), "-j".into(), "2".into()]),
                    None => command.push(program("ewfacquire")?),
                }
                command.extend(words(&ewf));
                command.extend([file("", "image"), source.into()]);
            }
            "ddrescue" => {
                command.extend([program("ddrescue")?, "-q".into(), source.into()]);
                command.extend([file("", "image.raw"), file("", "image.map")]);
            }
            "dc3dd" => {
                command.extend([program("dc3dd")?, input, file("of=", "image.raw")]);
                command.extend(words(&["hash=md5", "hash=sha256"]));
                command.push(file("log=", "image.log"));
            }
            _ => {
                command.extend([program("dcfldd")?, input, file("of=", "image.raw")]);
                command.extend(words(&["bs=1M", "hash=md5,sha256", "statusinterval=4096"]));
                command.extend([file("md5log=", "md5.log"), file("sha256log=", "sha256.log")]);
            }
        }
        Ok(match &options.cores {
            Some(cores) => [vec![program("taskset")?, "-c".into(), cores.into()], command].concat(),
            None => command,
        })
    }
}
