//! The programs that the console runs, each as the line that does the same in a shell. The console does nothing to a disk by
//! itself: what it did can be read, and done again without it.

use crate::disk::{FileSystem, NewFileSystem};
use crate::roles::{Candidate, Destination, Source};
use crate::settings::Settings;
use std::fmt;

/// Where the case file is kept: in memory.
pub const CASE_FILE: &str = "/run/permafrost/case.toml";

/// Type of a partition that holds data of any system (UEFI specification, "Microsoft basic data").
const BASIC_DATA: &str = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
/// The same for Linux.
const LINUX_DATA: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

/// Volume label of what the console formats.
const LABEL: &str = "PERMAFROST";

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    words: Vec<String>,
    input: String,
}

impl Command {
    fn new(words: &[&str]) -> Self {
        Self { words: words.iter().map(|&word| word.to_owned()).collect(), input: String::new() }
    }

    /// Lists the disks. While one is imaged none is asked what it says of itself: a failing one has enough to do.
    #[must_use]
    pub fn list(something_is_imaged: bool) -> Self {
        match something_is_imaged {
            true => Self::new(&["pf-devices", "--json", "--no-questions"]),
            false => Self::new(&["pf-devices", "--json"]),
        }
    }

    /// Locks the source as evidence, until power-off.
    #[must_use]
    pub fn lock(source: Source) -> Self {
        let id = &source.disk().id;
        Self::new(&["pf-guard", "lock", &id.name])
    }

    /// Lets a disk be written, by the serial number that somebody typed.
    #[must_use]
    pub fn allow(candidate: Candidate, typed: &str) -> Self {
        let id = &candidate.disk().id;
        Self::new(&["pf-guard", "allow", &id.name, "--serial", typed, "--yes"])
    }

    /// Unmounts a volume of a destination.
    #[must_use]
    pub fn unmount(folder: &str) -> Self {
        Self::new(&["umount", folder])
    }

    /// Blocks a destination again.
    #[must_use]
    pub fn block(destination: Destination) -> Self {
        let id = &destination.disk().id;
        Self::new(&["pf-guard", "block", &id.name])
    }

    /// Makes the folder and mounts a volume of a destination there; nothing where it is none of its volumes.
    #[must_use]
    pub fn mount(destination: Destination, path: &str, kind: FileSystem) -> Vec<Self> {
        if !path.starts_with(&destination.disk().path) {
            return Vec::new();
        }
        let folder = folder_of(path);
        vec![
            Self::new(&["mkdir", "-p", &folder]),
            Self::new(&["mount", "-t", kind.kernel_name(), "-o", "nosuid,nodev,noexec", path, &folder]),
        ]
    }

    /// Makes one partition over the whole of a destination and a file system in it, and mounts that. What lay there is lost.
    #[must_use]
    pub fn format(destination: Destination, kind: NewFileSystem) -> Vec<Self> {
        let disk = destination.disk();
        let volume = first_partition(&disk.path);
        let (type_of_partition, make) = match kind {
            NewFileSystem::Exfat => (BASIC_DATA, vec!["mkfs.exfat", "-L", LABEL, &volume]),
            NewFileSystem::Ext4 => (LINUX_DATA, vec!["mkfs.ext4", "-q", "-F", "-L", LABEL, &volume]),
            NewFileSystem::Ntfs => (BASIC_DATA, vec!["mkfs.ntfs", "-Q", "-q", "-L", LABEL, &volume]),
        };
        let wipe = ["--wipe", "always", "--wipe-partitions", "always"];
        let mut table = Self::new(&[["sfdisk", "--quiet"].as_slice(), &wipe, &[&disk.path]].concat());
        table.input = format!("label: gpt\n,,{type_of_partition}\n");
        let mut commands = vec![table, Self::new(&make)];
        commands.extend(Self::mount(destination, &volume, kind.file_system()));
        commands
    }

    /// Images the source. The folders lie on destinations.
    #[must_use]
    pub fn acquire(source: Source, folders: &[&str], settings: &Settings, case_is_whole: bool) -> Self {
        let disk = source.disk();
        let mut command = Self::new(&["pf-acquire", &disk.path]);
        let mut add = |words: &[&str]| command.words.extend(words.iter().map(|&word| word.to_owned()));
        folders.iter().for_each(|folder| add(&["--to", folder]));
        add(&["--case-file", CASE_FILE]);
        if !case_is_whole {
            add(&["--incomplete"]);
        }
        add(&["--evidence", &settings.evidence]);
        if !settings.description.is_empty() {
            add(&["--description", &settings.description]);
        }
        add(&["--format", settings.format.word(), "--hash", settings.hashes.word()]);
        if settings.rescue {
            add(&["--rescue"]);
        }
        if let Some(share) = settings.reread.word() {
            add(&["--reread", share]);
        }
        // A recovery goes on by the same command, and pf-acquire refuses the two together.
        if settings.resume && !settings.rescue {
            add(&["--resume"]);
        }
        add(&["--json", "--json-progress"]);
        command
    }

    /// Ends the machine.
    #[must_use]
    pub fn power_off() -> Self {
        Self::new(&["poweroff"])
    }

    /// Program and arguments.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// What it reads on its standard input.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }
}

/// The line for a shell.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.input.is_empty() {
            write!(f, "printf '{}' | ", self.input.replace('\n', "\\n"))?;
        }
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// Commands as a shell does them one after the other.
#[must_use]
pub fn in_one_line(commands: &[Command]) -> String {
    commands.iter().map(ToString::to_string).collect::<Vec<_>>().join(" && ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Where a volume is mounted.
#[must_use]
pub fn folder_of(path: &str) -> String {
    format!("/mnt/{}", path.rsplit('/').next().unwrap_or(path))
}

/// The node of the first partition: names that end in a digit get a `p` between (Linux, block/partitions/core.c).
#[must_use]
pub fn first_partition(disk: &str) -> String {
    let p = if disk.ends_with(|c: char| c.is_ascii_digit()) { "p" } else { "" };
    format!("{disk}{p}1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_commands_the_line_has_each() {
        let commands = ["one", "two"].map(|word| Command::new(&[word, "a b"]));
        assert_eq!(in_one_line(&commands), "one 'a b' && two 'a b'");
    }

    #[test]
    fn a_line_can_be_given_to_a_shell_as_it_stands() {
        let words = ["printf", "%s|", "a b", "it's", "", "$HOME", "a;b"];
        let line = Command::new(&words).to_string();
        let said = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "a b|it's||$HOME|a;b|");
    }

    #[test]
    fn partitions_are_named_as_the_kernel_names_them() {
        assert_eq!(first_partition("/dev/sdb"), "/dev/sdb1");
        assert_eq!(first_partition("/dev/nvme0n1"), "/dev/nvme0n1p1");
        assert_eq!(folder_of("/dev/mmcblk0p2"), "/mnt/mmcblk0p2");
    }
}
