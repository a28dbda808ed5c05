//! Disk images as seizures bring them in: a partition table, file systems of three worlds, real files, and a journal
//! that a mount would replay. Made without root and without loop devices, by the file systems' own programs.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Doing, HarnessError, Result, host_program::HostProgram};

/// Bytes in a MiB.
pub const MIB: u64 = 1 << 20;
/// Where the first partition starts.
const FIRST_PARTITION: u64 = MIB;

/// The kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Master boot record.
    Mbr,
    /// GUID partition table.
    Gpt,
    /// Master boot record of a disk with sectors of 4096 bytes (4Kn), as UFS has them.
    Mbr4Kn,
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// NTFS, as Windows has it.
    Ntfs,
    /// ext4, cleanly unmounted.
    Ext4,
    /// ext4 as a pulled plug leaves it: a transaction waits in the journal, and a mount would write it to its place.
    Ext4DirtyJournal,
    /// ext4 whose journal holds an error code: even `mount -o ro` copies it to the superblock, with no regard to a
    /// read-only mark (`ext4_clear_journal_err` in Linux 6.12). The one write that no early check stops.
    Ext4JournalError,
    /// FAT, 12 to 32 bit as the size asks for.
    Fat,
    /// FAT without a file in it: a destination.
    EmptyFat,
    /// ext4 without a file in it: a destination.
    EmptyExt4,
}

/// One disk to be made: partitions follow one another from 1 MiB on.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Its partition table.
    pub label: Label,
    /// What each partition holds, and its size in MiB.
    pub partitions: Vec<(FileSystem, u64)>,
}

impl Layout {
    /// Makes `image` with `bytes` bytes.
    ///
    /// # Errors
    /// [`HarnessError::Missing`] names the Debian package of a program that is not there.
    pub fn build(&self, image: &Path, bytes: u64) -> Result<()> {
        let file = File::create(image).doing(|| format!("creating {}", image.display()))?;
        file.set_len(bytes).doing(|| format!("sizing {}", image.display()))?;
        drop(file);
        match self.label {
            Label::Mbr4Kn => self.write_master_boot_record(image)?,
            Label::Mbr | Label::Gpt => {
                HostProgram::new("sfdisk", "fdisk")?.arg("--quiet").arg(image).input(self.script()).run()?;
            }
        }
        let bench = TempDir::new().doing(|| "making a folder".into())?;
        let files = RealFiles::collect(bench.path())?;
        let mut start = FIRST_PARTITION;
        for (file_system, mib) in &self.partitions {
            let part = bench.path().join("partition");
            make_file_system(*file_system, self.sector(), &part, mib * MIB, &files)?;
            copy_into(image, start, &part)?;
            start += mib * MIB;
        }
        Ok(())
    }

    /// First byte of the partition with the number `number`, counted from 1.
    #[must_use]
    pub fn start_of(&self, number: usize) -> u64 {
        FIRST_PARTITION + self.partitions.iter().take(number - 1).map(|(_, mib)| mib * MIB).sum::<u64>()
    }

    /// Number of the first partition with `file_system`, counted from 1.
    #[must_use]
    pub fn number_of(&self, file_system: FileSystem) -> Option<usize> {
        self.partitions.iter().position(|(found, _)| *found == file_system).map(|at| at + 1)
    }

    /// Bytes in a sector.
    #[must_use]
    pub fn sector(&self) -> u64 {
        match self.label {
            Label::Mbr | Label::Gpt => 512,
            Label::Mbr4Kn => 4096,
        }
    }

    /// sfdisk takes a file for a disk with sectors of 512 bytes, so this table is written here: entries of 16 bytes
    /// from byte 446 on, start and size in sectors, signature 55h AAh (UEFI 2.10 section 5.2.1).
    fn write_master_boot_record(&self, image: &Path) -> Result<()> {
        let mut record = [0_u8; 512];
        for (at, (file_system, mib)) in self.partitions.iter().enumerate() {
            let entry = &mut record[446 + 16 * at..][..16];
            entry[4] = if *file_system == FileSystem::Fat { 0x0C } else { 0x83 };
            entry[8..12].copy_from_slice(&((self.start_of(at + 1) / self.sector()) as u32).to_le_bytes());
            entry[12..16].copy_from_slice(&((mib * MIB / self.sector()) as u32).to_le_bytes());
        }
        record[510..].copy_from_slice(&[0x55, 0xAA]);
        let mut file =
            OpenOptions::new().write(true).open(image).doing(|| format!("opening {}", image.display()))?;
        file.write_all(&record).doing(|| format!("writing {}", image.display()))
    }

    /// The table as sfdisk reads it; fixed identifiers, so that two runs make the same table.
    fn script(&self) -> String {
        let mut script = match self.label {
            Label::Mbr | Label::Mbr4Kn => "label: dos\nlabel-id: 0x5E12ED01\n".to_string(),
            Label::Gpt => "label: gpt\nlabel-id: 5E12ED01-0000-4000-8000-000000000001\n".to_string(),
        };
        for (at, (file_system, mib)) in self.partitions.iter().enumerate() {
            let start = self.start_of(at + 1) / 512;
            let kind = match (self.label, file_system) {
                (Label::Gpt, FileSystem::Ntfs | FileSystem::Fat | FileSystem::EmptyFat) => {
                    "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
                }
                (_, FileSystem::Ntfs) => "7",
                (_, FileSystem::Fat | FileSystem::EmptyFat) => "c",
                (Label::Mbr | Label::Mbr4Kn, _) => "83",
                (Label::Gpt, _) => "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
            };
            script += &format!("start={start}, size={}, type={kind}\n", mib * MIB / 512);
        }
        script
    }
}

/// Files that every Debian has, so that the disks carry what people's disks carry: text, pictures, programs.
struct RealFiles {
    folder: PathBuf,
    names: Vec<String>,
}

const FROM_THIS_HOST: [(&str, &str); 7] = [
    ("/usr/share/common-licenses/GPL-3", "letter.txt"),
    ("/usr/share/common-licenses/Apache-2.0", "contract.txt"),
    ("/usr/share/common-licenses/Artistic", "diary.txt"),
    ("/usr/share/doc/bash/copyright", "notes.txt"),
    ("/usr/share/doc/base-files/README", "readme.txt"),
    ("/usr/bin/bash", "program.bin"),
    ("/usr/share/pixmaps/debian-logo.png", "picture.png"),
];

impl RealFiles {
    fn collect(bench: &Path) -> Result<Self> {
        let folder = bench.join("files");
        fs::create_dir(&folder).doing(|| format!("making {}", folder.display()))?;
        let mut names = Vec::new();
        for (from, name) in FROM_THIS_HOST {
            // Slimmed-down hosts lack some of the documentation; the rest is enough.
            if fs::copy(from, folder.join(name)).is_ok() {
                names.push(name.to_string());
            }
        }
        // What does not compress: a recording.
        fs::write(folder.join("recording.bin"), noise(2 << 20)).doing(|| "writing noise".into())?;
        names.push("recording.bin".into());
        Ok(RealFiles { folder, names })
    }

    fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.names.iter().map(|name| self.folder.join(name))
    }
}

/// Bytes without a pattern, the same ones every time (xorshift64*, Vigna 2016).
#[must_use]
pub fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x5E12_ED01_2026_0001;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn make_file_system(kind: FileSystem, sector: u64, part: &Path, bytes: u64, files: &RealFiles) -> Result<()> {
    // Small blocks where the sectors allow it: more fits on small disks.
    let block = sector.max(1024) as usize;
    let _ = fs::remove_file(part);
    let file = File::create(part).doing(|| format!("creating {}", part.display()))?;
    file.set_len(bytes).doing(|| format!("sizing {}", part.display()))?;
    match kind {
        FileSystem::Ntfs => {
            HostProgram::new("mkntfs", "ntfs-3g")?
                .args([
                    "-F",
                    "-Q",
                    "-q",
                    "-p",
                    "2048",
                    "-s",
                    &sector.to_string(),
                    "-H",
                    "16",
                    "-S",
                    "63",
                    "-L",
                    "Windows",
                ])
                .arg(part)
                .run()?;
            for path in files.paths() {
                let name = path.file_name().unwrap_or_default();
                HostProgram::new("ntfscp", "ntfs-3g")?
                    .args(["-f", "-q"])
                    .arg(part)
                    .arg(&path)
                    .arg(name)
                    .run()?;
            }
        }
        FileSystem::EmptyFat => {
            HostProgram::new("mkfs.vfat", "dosfstools")?.args(["-n", "DEST"]).arg(part).run()?;
        }
        FileSystem::EmptyExt4 => {
            HostProgram::new("mke2fs", "e2fsprogs")?.args(["-q", "-F", "-t", "ext4"]).arg(part).run()?;
        }
        FileSystem::Fat => {
            HostProgram::new("mkfs.vfat", "dosfstools")?
                .args(["-n", "CAMERA", "-i", "5e12ed01", "-S", &sector.to_string()])
                .arg(part)
                .run()?;
            HostProgram::new("mcopy", "mtools")?
                .args(["-m", "-i"])
                .arg(part)
                .args(files.paths())
                .arg("::")
                .run()?;
        }
        FileSystem::Ext4 | FileSystem::Ext4DirtyJournal | FileSystem::Ext4JournalError => {
            HostProgram::new("mke2fs", "e2fsprogs")?
                .args(["-q", "-F", "-t", "ext4", "-b", &block.to_string(), "-L", "home"])
                .args(["-U", "5e12ed01-0000-4000-8000-000000000002", "-d"])
                .arg(&files.folder)
                .arg(part)
                .run()?;
            match kind {
                FileSystem::Ext4DirtyJournal => leave_transaction_in_journal(part, block)?,
                FileSystem::Ext4JournalError => record_error_in_journal(part, block)?,
                _ => {}
            }
        }
    }
    Ok(())
}

/// Writes a transaction with a new first block of a file into the journal and leaves it there.
fn leave_transaction_in_journal(part: &Path, block_size: usize) -> Result<()> {
    let debugfs = || HostProgram::new("debugfs", "e2fsprogs");
    let place = debugfs()?.args(["-R", "bmap letter.txt 0"]).arg(part).run()?;
    let block = place.trim();
    let content = part.with_extension("journal");
    fs::write(&content, vec![b'#'; block_size]).doing(|| format!("writing {}", content.display()))?;
    let commands = format!("jo\njw -b {block} {}\njc\n", content.display());
    debugfs()?.args(["-w", "-f", "/dev/stdin"]).arg(part).input(commands).run()?;
    if !needs_recovery(part)? {
        return Err(HarnessError::Unfit(format!("debugfs left no dirty journal in {}", part.display())));
    }
    Ok(())
}

/// Puts the error EIO into the journal's superblock: 32 bits, big-endian, at byte 32 of the journal's first block
/// (Documentation/filesystems/ext4/journal.rst, "Super Block").
fn record_error_in_journal(part: &Path, block_size: usize) -> Result<()> {
    let place = HostProgram::new("debugfs", "e2fsprogs")?.args(["-R", "bmap <8> 0"]).arg(part).run()?;
    let unfit = |what: &str| HarnessError::Unfit(format!("{what} in {}", part.display()));
    let block: u64 = place.trim().parse().map_err(|_| unfit("debugfs found no journal"))?;
    let mut file =
        OpenOptions::new().write(true).open(part).doing(|| format!("opening {}", part.display()))?;
    file.seek(SeekFrom::Start(block * block_size as u64 + 32))
        .and_then(|_| file.write_all(&(-5_i32).to_be_bytes()))
        .doing(|| format!("writing the journal of {}", part.display()))?;
    let header = HostProgram::new("dumpe2fs", "e2fsprogs")?.arg("-h").arg(part).run()?;
    match header.contains("Journal errno:            -5") {
        true => Ok(()),
        false => Err(unfit("dumpe2fs sees no error in the journal")),
    }
}

/// Whether an ext4 file system says that its journal must be replayed.
///
/// # Errors
/// When dumpe2fs can't read it.
pub fn needs_recovery(part: &Path) -> Result<bool> {
    let header = HostProgram::new("dumpe2fs", "e2fsprogs")?.arg("-h").arg(part).run()?;
    Ok(header.contains("needs_recovery"))
}

fn copy_into(image: &Path, start: u64, part: &Path) -> Result<()> {
    let mut from = File::open(part).doing(|| format!("opening {}", part.display()))?;
    let mut to =
        OpenOptions::new().write(true).open(image).doing(|| format!("opening {}", image.display()))?;
    let mut block = vec![0; MIB as usize];
    let mut at = start;
    loop {
        let count = from.read(&mut block).doing(|| format!("reading {}", part.display()))?;
        if count == 0 {
            return Ok(());
        }
        // Zeros are there already; leaving holes keeps the images small on the host.
        if block[..count].iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(at))
                .and_then(|_| to.write_all(&block[..count]))
                .doing(|| "copying".into())?;
        }
        at += count as u64;
    }
}

/// A partition cut out of a disk image into a file of its own, for programs that know no offsets.
///
/// # Errors
/// [`HarnessError::Host`].
pub fn cut_out(image: &Path, start: u64, bytes: u64, to: &Path) -> Result<()> {
    let mut from = File::open(image).doing(|| format!("opening {}", image.display()))?;
    from.seek(SeekFrom::Start(start)).doing(|| format!("seeking in {}", image.display()))?;
    let mut out = File::create(to).doing(|| format!("creating {}", to.display()))?;
    std::io::copy(&mut from.take(bytes), &mut out).doing(|| format!("writing {}", to.display())).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dirty_journal_is_seen_by_another_program_and_a_clean_one_is_not() {
        let folder = TempDir::new().unwrap();
        let layout = Layout {
            label: Label::Gpt,
            partitions: vec![(FileSystem::Ext4DirtyJournal, 16), (FileSystem::Ext4, 16)],
        };
        let image = folder.path().join("disk");
        layout.build(&image, 40 * MIB).unwrap();
        let part = folder.path().join("part");
        cut_out(&image, layout.start_of(1), 16 * MIB, &part).unwrap();
        assert!(needs_recovery(&part).unwrap());
        cut_out(&image, layout.start_of(2), 16 * MIB, &part).unwrap();
        assert!(!needs_recovery(&part).unwrap());
    }

    #[test]
    fn the_sleuth_kit_sees_the_partitions_and_the_files_that_were_put_there() {
        let folder = TempDir::new().unwrap();
        let partitions = vec![(FileSystem::Ntfs, 20), (FileSystem::Fat, 20)];
        let layout = Layout { label: Label::Mbr, partitions };
        let image = folder.path().join("disk");
        layout.build(&image, 48 * MIB).unwrap();
        let table = HostProgram::new("mmls", "sleuthkit").unwrap().arg(&image).run().unwrap();
        assert!(table.contains("NTFS") && table.contains("FAT32"), "{table}");
        for number in 1..=2 {
            let offset = (layout.start_of(number) / 512).to_string();
            let fls = HostProgram::new("fls", "sleuthkit")
                .unwrap()
                .args(["-o", &offset])
                .arg(&image)
                .run()
                .unwrap();
            assert!(fls.contains("letter.txt") && fls.contains("recording.bin"), "{fls}");
        }
    }
}
