//! File systems as a power cut leaves them: made by the system's own program in a file, mounted, written to, and copied while
//! mounted. What the copy holds is what the disk held at that moment, so the next mount has to clean up.

use super::file_systems::{FileSystem, Making};
use crate::pattern::{BLOCK, Stream};
use passthrough::loop_device::LoopDevice;
use passthrough::mounted::{Mode, Mounted};
use passthrough::{Access, Answer, Node};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system that waits for its next mount, in a file, and what shows that it is dirty.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) image: PathBuf,
    pub(crate) proof: Proof,
}

/// What shows that a file system is dirty.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Proof {
    /// What it says of itself.
    pub(crate) sign: Option<&'static str>,
    /// How many blocks of 512 bytes of a copy a mount read-only changes.
    pub(crate) changed_by_mount_read_only: u64,
    /// The same for a mount for writing.
    pub(crate) changed_by_mount_for_writing: u64,
    /// Why the kernel would not mount a copy for writing without being forced.
    pub(crate) refused: Option<String>,
}

impl Proof {
    /// Dirty by its own word, by what a mount read-only cleans up, or because it is not taken for writing as it is.
    fn holds(&self) -> bool {
        self.sign.is_some() || self.changed_by_mount_read_only > 0 || self.refused.is_some()
    }
}

/// Makes one in `work`. The error says why this file system is left out.
pub(crate) fn make(
    file_system: &'static FileSystem,
    making: &Making,
    work: &Path,
    sector: usize,
    seed: u64,
) -> Result<Interrupted, String> {
    let program = find(making.program)
        .ok_or_else(|| format!("{} is not here (Debian package {})", making.program, making.package))?;
    let name = |suffix: &str| work.join(format!("pf-prove-{}.{suffix}", file_system.kind));
    let (fresh, image, copy) = (name("fresh"), name("image"), name("copy"));
    let made = interrupt(file_system, making, &program, [&fresh, &image], (sector, seed));
    let _ = std::fs::remove_file(&fresh);
    let proof = made.and_then(|()| prove(file_system, making, &image, &copy, sector));
    let _ = std::fs::remove_file(&copy);
    match proof {
        Ok(proof) if proof.holds() => Ok(Interrupted { image, proof }),
        Ok(_) => {
            let _ = std::fs::remove_file(&image);
            Err("it came out clean".to_owned())
        }
        Err(reason) => {
            let _ = std::fs::remove_file(&image);
            Err(reason)
        }
    }
}

fn interrupt(
    file_system: &FileSystem,
    making: &Making,
    program: &Path,
    [fresh, image]: [&Path; 2],
    (sector, seed): (usize, u64),
) -> Result<(), String> {
    let file = File::create(fresh).and_then(|file| file.set_len(making.mib << 20));
    file.map_err(|error| format!("{}: {error}", fresh.display()))?;
    let device = on_loop(fresh, sector)?;
    run(program, making, device.node().path())?;
    let place = mount_point();
    let mounted = Mounted::mount(device.node().path(), file_system.kind, Mode::Writable, "", &place)
        .map_err(|error| no_mount(file_system, &error))?;
    let open = use_it(&mounted, making.cut_before_sync, seed)
        .map_err(|error| format!("writing to it failed: {error}"))?;
    // The power fails here.
    copy_used(fresh, image).map_err(|error| format!("copying it failed: {error}"))?;
    drop(open);
    drop(mounted);
    Ok(())
}

fn on_loop(file: &Path, sector: usize) -> Result<LoopDevice, String> {
    let node = Node::open(file, Access::ReadWrite).map_err(|error| format!("{}: {error}", file.display()))?;
    LoopDevice::with_sectors(&node, sector).map_err(|error| format!("no loop device: {error}"))
}

fn mount_point() -> PathBuf {
    std::env::temp_dir().join("pf-prove-fill")
}

fn no_mount(file_system: &FileSystem, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENODEV) => format!("this kernel has no {}", file_system.kind),
        _ => format!("it cannot be mounted: {error}"),
    }
}

/// Where the system's administrators keep programs, whatever this program's own environment says.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let fixed = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(fixed);
    folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()))
}

fn run(program: &Path, making: &Making, device: &Path) -> Result<(), String> {
    let output = Command::new(program)
        .args(making.arguments)
        .arg(device)
        // mkfs.xfs makes file systems below 300 MiB for its own test suite only, which it knows by these.
        .envs([("TEST_DIR", "/"), ("TEST_DEV", "/"), ("QA_CHECK_FS", "1")])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(format!("{} failed: {}", making.program, last.trim()))
}

/// Work as on any day, cut off in the middle: files made, renamed and deleted, one of them while open, some of it durable only in
/// the log. The open file must live until the copy is taken.
fn use_it(mounted: &Mounted, cut_before_sync: bool, seed: u64) -> io::Result<File> {
    const SMALL: usize = 64 << 10;
    let noise = |number: u64, length: usize| {
        let mut bytes = vec![0; length];
        Stream::keyed(seed, number).fill(&mut bytes);
        bytes
    };
    let write = |name: &str, data: &[u8]| match mounted.write_file(name, data) {
        Answer::Done => Ok(()),
        answer => Err(io::Error::other(answer.to_string())),
    };
    for number in 0..8 {
        write(&format!("letter-{number}"), &noise(number, SMALL))?;
    }
    let place = |name: &str| mounted.place().join(name);
    let open = File::create(place("deleted-while-open"))?;
    open.write_all_at(&noise(8, SMALL), 0)?;
    open.sync_all()?;
    std::fs::remove_file(place("deleted-while-open"))?;
    std::fs::rename(place("letter-0"), place("renamed"))?;
    std::fs::remove_file(place("letter-1"))?;
    mounted.sync()?;
    // From here on, what is durable is so by the log alone, where there is one.
    write("last", &noise(9, 4 * SMALL))?;
    let second = File::options().append(true).open(place("letter-2"))?;
    (&second).write_all(&noise(10, SMALL))?;
    second.sync_all()?;
    if !cut_before_sync {
        mounted.sync()?;
    }
    Ok(open)
}

/// What mounts do to copies, and what the image says of itself.
fn prove(
    file_system: &FileSystem,
    making: &Making,
    image: &Path,
    copy: &Path,
    sector: usize,
) -> Result<Proof, String> {
    let failed = |error: io::Error| format!("looking at it failed: {error}");
    let mut proof = Proof::default();
    if let Some(sign) = making.sign {
        let mut bytes = vec![0; sign.length];
        File::open(image).and_then(|file| file.read_exact_at(&mut bytes, sign.at)).map_err(failed)?;
        proof.sign = sign.says_dirty(&bytes).then_some(sign.words);
    }
    let changed_by = |mode, options: &str| -> Result<io::Result<u64>, String> {
        copy_used(image, copy).map_err(failed)?;
        let device = on_loop(copy, sector)?;
        match Mounted::mount(device.node().path(), file_system.kind, mode, options, &mount_point()) {
            Ok(mounted) => drop(mounted),
            Err(error) => return Ok(Err(error)),
        }
        drop(device);
        blocks_that_differ(image, copy).map(Ok).map_err(failed)
    };
    proof.changed_by_mount_read_only = changed_by(Mode::ReadOnly, "")?.unwrap_or(0);
    proof.changed_by_mount_for_writing = match changed_by(Mode::Writable, "")? {
        Ok(count) => count,
        Err(error) if file_system.force.is_empty() => return Err(no_mount(file_system, &error)),
        Err(error) => {
            proof.refused = Some(error.to_string());
            changed_by(Mode::Writable, file_system.force)?.map_err(|error| no_mount(file_system, &error))?
        }
    };
    Ok(proof)
}

/// Copies a file and leaves holes where it holds zeros: most of a fresh file system is that.
fn copy_used(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let length = from.seek(SeekFrom::End(0))?;
    from.rewind()?;
    let to = File::create(to)?;
    to.set_len(length)?;
    let mut buffer = vec![0; 64 << 10];
    let mut at = 0u64;
    loop {
        let count = from.read(&mut buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() {
            return to.sync_all();
        }
        if part.iter().any(|byte| *byte != 0) {
            to.write_all_at(part, at)?;
        }
        at = at.saturating_add(u64::try_from(count).unwrap_or(0));
    }
}

fn blocks_that_differ(one: &Path, other: &Path) -> io::Result<u64> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut count = 0u64;
    loop {
        let read = one.read(&mut left)?;
        let (left, right) = (left.get(..read).unwrap_or_default(), right.get_mut(..read).unwrap_or_default());
        if left.is_empty() {
            return Ok(count);
        }
        other.read_exact(right)?;
        let differ = left.chunks(BLOCK).zip(right.chunks(BLOCK)).filter(|(a, b)| a != b).count();
        count = count.saturating_add(u64::try_from(differ).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::file_systems::FILE_SYSTEMS;

    /// On this machine's own kernel, with its own programs; needs root, as the program does.
    #[test]
    fn what_was_cut_off_is_dirty_in_the_eyes_of_its_own_programs() {
        if !nix::unistd::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            eprintln!("SKIPPED: needs root and loop devices");
            return;
        }
        let work = tempfile::tempdir().unwrap();
        for file_system in FILE_SYSTEMS {
            let Some(making) = &file_system.making else { continue };
            match make(file_system, making, work.path(), 512, 7) {
                Err(reason) => {
                    let missing = reason.contains("is not here") || reason.contains("this kernel has no");
                    assert!(missing, "{}: {reason}", file_system.kind);
                    eprintln!("SKIPPED: {}: {reason}", file_system.kind);
                }
                Ok(made) => {
                    eprintln!("{}: {:?}", file_system.kind, made.proof);
                    assert!(made.proof.changed_by_mount_for_writing > 0, "{}", file_system.kind);
                    assert_strangers_agree(file_system.kind, &made.image);
                }
            }
        }
        let left: Vec<_> = std::fs::read_dir(work.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".image")), "{left:?}");
    }

    fn assert_strangers_agree(kind: &str, image: &Path) {
        let (program, arguments, words): (_, &[&str], _) = match kind {
            "ext4" => ("dumpe2fs", &["-h"], "needs_recovery"),
            "xfs" => ("xfs_logprint", &["-t"], "state: <DIRTY>"),
            "btrfs" => ("btrfs", &["inspect-internal", "dump-super"], "log_root"),
            _ => return,
        };
        let Ok(output) = Command::new(program).args(arguments).arg(image).output() else {
            eprintln!("SKIPPED: {program} is not here");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(words), "{program}: {said}");
        assert!(kind != "btrfs" || !said.contains("log_root\t\t0\n"), "{said}");
    }
}
