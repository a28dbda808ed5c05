//! Volumes made by the programs that people use, recognised by us and by `blkid` (util-linux) as a second witness.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test program through and through.

use device::signature::{Kind, Signature, SignatureReport, examine};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// mkfs programs live in sbin, which an ordinary user's PATH leaves out.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn run(package: &str, program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}; this test needs the Debian package {package}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

struct Volume {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Volume {
    fn empty(mebibytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.raw");
        File::create(&path).unwrap().set_len(mebibytes << 20).unwrap();
        Self { path, _folder: folder }
    }

    /// `@` in the arguments stands for the volume's path.
    fn made_by(mebibytes: u64, package: &str, program: &str, arguments: &[&str]) -> Self {
        let volume = Self::empty(mebibytes);
        let path = volume.path.to_str().unwrap();
        let arguments: Vec<&str> = arguments.iter().map(|a| if *a == "@" { path } else { a }).collect();
        run(package, program, &arguments);
        volume
    }

    fn patch(&self, at: u64, bytes: &[u8]) {
        let mut file = File::options().write(true).open(&self.path).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn found(&self) -> Vec<Signature> {
        found_on(&self.path)
    }

    fn kinds(&self) -> Vec<Kind> {
        self.found().iter().map(|s| s.kind).collect()
    }

    /// What blkid calls it.
    fn blkid_type(&self, tag: &str) -> String {
        let output =
            run("util-linux", "blkid", &["-p", "-o", "value", "-s", tag, self.path.to_str().unwrap()]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn found_on(path: &Path) -> Vec<Signature> {
    match examine(path) {
        SignatureReport::Read { found, unreadable } => {
            assert!(unreadable.is_empty());
            found
        }
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// Sum of the little-endian words, carries folded in once (`calc_sb_1_csum` of drivers/md/md.c).
fn md_checksum(words: &[u8]) -> u32 {
    let total: u64 = words.chunks(4).map(|w| u64::from(u32::from_le_bytes(w.try_into().unwrap()))).sum();
    u32::try_from((total & 0xffff_ffff) + (total >> 32)).unwrap()
}

#[test]
fn every_file_system_is_called_what_its_own_maker_and_blkid_call_it() {
    /// Size in MiB, Debian package, program, its arguments; then our kind, blkid's type, and the label.
    type Case =
        (u64, &'static str, &'static str, &'static [&'static str], Kind, &'static str, Option<&'static str>);
    let cases: &[Case] = &[
        (16, "e2fsprogs", "mkfs.ext2", &["-q", "-L", "two", "@"], Kind::Ext2, "ext2", Some("two")),
        (16, "e2fsprogs", "mkfs.ext3", &["-q", "@"], Kind::Ext3, "ext3", None),
        (16, "e2fsprogs", "mkfs.ext4", &["-q", "-L", "Beweis Ä", "@"], Kind::Ext4, "ext4", Some("Beweis Ä")),
        (
            16,
            "e2fsprogs",
            "mkfs.ext4",
            &["-q", "-b", "4096", "-O", "^has_journal", "@"],
            Kind::Ext4,
            "ext4",
            None,
        ),
        // No feature that only ext4 needs for reading: told by those it needs for writing (huge_file, dir_nlink).
        (
            16,
            "e2fsprogs",
            "mkfs.ext4",
            &["-q", "-O", "^extent,^flex_bg,^64bit,^metadata_csum", "@"],
            Kind::Ext4,
            "ext4",
            None,
        ),
        (16, "e2fsprogs", "mke2fs", &["-q", "-O", "journal_dev", "@"], Kind::ExtJournal, "jbd", None),
        (16, "ntfs-3g", "mkntfs", &["-F", "-Q", "-q", "@"], Kind::Ntfs, "ntfs", None),
        (
            16,
            "ntfs-3g",
            "mkntfs",
            &["-F", "-Q", "-q", "-s", "4096", "-p", "0", "-H", "0", "-S", "0", "@"],
            Kind::Ntfs,
            "ntfs",
            None,
        ),
        (
            2,
            "dosfstools",
            "mkfs.vfat",
            &["-F", "12", "-n", "DISKETTE", "@"],
            Kind::Fat12,
            "vfat",
            Some("DISKETTE"),
        ),
        (32, "dosfstools", "mkfs.vfat", &["-F", "16", "@"], Kind::Fat16, "vfat", None),
        (64, "dosfstools", "mkfs.vfat", &["-F", "32", "-n", "ESP", "@"], Kind::Fat32, "vfat", Some("ESP")),
        (64, "dosfstools", "mkfs.vfat", &["-F", "32", "-S", "4096", "@"], Kind::Fat32, "vfat", None),
        (16, "exfatprogs", "mkfs.exfat", &["@"], Kind::Exfat, "exfat", None),
        (320, "xfsprogs", "mkfs.xfs", &["-q", "-L", "data", "@"], Kind::Xfs, "xfs", Some("data")),
        (128, "btrfs-progs", "mkfs.btrfs", &["-q", "-L", "pool", "@"], Kind::Btrfs, "btrfs", Some("pool")),
        (64, "f2fs-tools", "mkfs.f2fs", &["-q", "@"], Kind::F2fs, "f2fs", None),
        (16, "udftools", "mkudffs", &["--utf8", "@"], Kind::Udf, "udf", None),
        (16, "util-linux", "mkswap", &["-q", "-L", "auslager", "@"], Kind::Swap, "swap", Some("auslager")),
    ];
    for (size, package, program, arguments, kind, blkid, label) in cases {
        let volume = Volume::made_by(*size, package, program, arguments);
        let found = volume.found();
        let [signature] = found.as_slice() else { panic!("{program} {arguments:?}: {found:?}") };
        assert_eq!(signature.kind, *kind, "{program} {arguments:?}");
        assert_eq!(signature.label.as_deref(), *label, "{program}");
        assert_eq!(signature.note, None, "{program}");
        assert_eq!(volume.blkid_type("TYPE"), *blkid, "{program} {arguments:?}");
    }
}

#[test]
fn a_dirty_ext4_journal_is_told_of() {
    let volume = Volume::made_by(16, "e2fsprogs", "mkfs.ext4", &["-q", "@"]);
    run("e2fsprogs", "debugfs", &["-w", "-R", "feature needs_recovery", volume.path.to_str().unwrap()]);
    assert!(volume.found()[0].note.as_deref().unwrap().contains("journal needs recovery"));
}

#[test]
fn an_iso_image_is_recognised_with_its_volume_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"content").unwrap();
    let iso = folder.path().join("out.iso");
    let paths = (iso.to_str().unwrap(), folder.path().join("file"));
    run("xorriso", "xorrisofs", &["-quiet", "-V", "EVIDENCE_1", "-o", paths.0, paths.1.to_str().unwrap()]);
    let found = found_on(&iso);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].kind, found[0].label.as_deref()), (Kind::Iso9660, Some("EVIDENCE_1")));
}

#[test]
fn luks_is_told_by_version_even_when_its_first_header_is_gone() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), b"key").unwrap();
    let format = |version: &'static str| {
        let key = key.path().to_str().unwrap().to_owned();
        let arguments: [&str; 11] = [
            "luksFormat",
            "-q",
            "--type",
            version,
            "--pbkdf",
            "pbkdf2",
            "--pbkdf-force-iterations",
            "1000",
            "--key-file",
            &key,
            "@",
        ];
        Volume::made_by(32, "cryptsetup-bin", "cryptsetup", &arguments)
    };
    let one = format("luks1");
    assert_eq!(one.kinds(), [Kind::Luks1]);
    assert_eq!(one.found()[0].note.as_deref(), Some("aes-xts-plain64"));
    let two = format("luks2");
    assert_eq!(two.kinds(), [Kind::Luks2]);
    assert_eq!((one.blkid_type("TYPE"), two.blkid_type("VERSION")), ("crypto_LUKS".into(), "2".into()));
    two.patch(0, &[0; 512]);
    let found = two.found();
    assert_eq!(found.iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Luks2]);
    assert!(found[0].note.as_deref().unwrap().contains("second header"), "{found:?}");
}

#[test]
fn partition_tables_are_told_apart() {
    let gpt = Volume::made_by(16, "gdisk", "sgdisk", &["-n", "1:2048:4095", "@"]);
    assert_eq!(gpt.kinds(), [Kind::Gpt], "the protective MBR is a part of GPT");
    assert_eq!(gpt.blkid_type("PTTYPE"), "gpt");
    gpt.patch(512, &[0; 512]);
    let found = gpt.found();
    assert_eq!(found[0].kind, Kind::Gpt);
    assert!(found[0].note.as_deref().unwrap().contains("copy at the end"), "{found:?}");

    let mbr = Volume::made_by(16, "gdisk", "sgdisk", &["-n", "1:2048:4095", "-m", "1", "@"]);
    assert_eq!(mbr.kinds(), [Kind::Mbr]);
    assert_eq!(mbr.blkid_type("PTTYPE"), "dos");

    let volume = Volume::made_by(64, "dosfstools", "mkfs.vfat", &["-F", "32", "@"]);
    volume.patch(446, b"\x80\x01\x01\x00\x0c\xfe\xff\xff\x00\x08\x00\x00\x00\x10\x00\x00");
    volume.patch(462, &[0; 48]);
    assert_eq!(volume.kinds(), [Kind::Fat32], "boot code of a volume that looks like a partition table");
}

#[test]
fn an_lvm_physical_volume_is_recognised() {
    let volume = Volume::empty(64);
    let attach =
        Command::new("losetup").args(["-f", "--show"]).arg(&volume.path).env("PATH", PATH).output().unwrap();
    if !attach.status.success() {
        eprintln!("SKIPPED: pvcreate needs a loop device: {}", String::from_utf8_lossy(&attach.stderr));
        return;
    }
    let device = String::from_utf8(attach.stdout).unwrap().trim().to_owned();
    // A loop device keeps the read-only mark that its last user gave it.
    run("util-linux", "blockdev", &["--setrw", &device]);
    let config = "devices{use_devicesfile=0 global_filter=[\"a|.*|\"]}";
    let made =
        std::panic::catch_unwind(|| run("lvm2", "pvcreate", &["--config", config, "-ff", "-y", &device]));
    run("mount", "losetup", &["-d", &device]);
    made.unwrap();
    assert_eq!(volume.kinds(), [Kind::LvmPhysicalVolume]);
    assert_eq!(volume.blkid_type("TYPE"), "LVM2_member");
}

/// mdadm writes superblocks only through the md driver, which the build machine need not have; so they are laid down by
/// hand after linux/raid/md_p.h, and mdadm itself must accept them.
#[test]
fn each_place_of_a_linux_raid_superblock_is_known_as_mdadm_knows_it() {
    let size: u64 = 64 << 20;
    for (version, at) in [("1.0", size - 8192), ("1.1", 0), ("1.2", 4096)] {
        let mut block = vec![0u8; 512];
        block[0..4].copy_from_slice(&0xa92b_4efc_u32.to_le_bytes());
        block[4] = 1;
        block[16..32].copy_from_slice(&[7; 16]);
        block[32..38].copy_from_slice(b"lab:r1");
        block[72..76].copy_from_slice(&1u32.to_le_bytes());
        block[80..88].copy_from_slice(&100_000u64.to_le_bytes());
        block[92..96].copy_from_slice(&2u32.to_le_bytes());
        block[128..136].copy_from_slice(&2048u64.to_le_bytes());
        block[136..144].copy_from_slice(&100_000u64.to_le_bytes());
        block[144..152].copy_from_slice(&(at / 512).to_le_bytes());
        block[220..224].copy_from_slice(&128u32.to_le_bytes());
        let sum = md_checksum(&block[..256 + 2 * 128]);
        block[216..220].copy_from_slice(&sum.to_le_bytes());
        let volume = Volume::empty(64);
        volume.patch(at, &block);
        let found = volume.found();
        assert_eq!(found.len(), 1, "{version}: {found:?}");
        assert_eq!((found[0].kind, found[0].label.as_deref()), (Kind::LinuxRaid, Some("lab:r1")));
        assert_eq!(found[0].note, Some(format!("metadata {version}, RAID 1, one of 2 disks")));
        assert_eq!(volume.blkid_type("TYPE"), "linux_raid_member");
        let witness = run("mdadm", "mdadm", &["--examine", volume.path.to_str().unwrap()]);
        let text = String::from_utf8_lossy(&witness.stdout).into_owned();
        assert!(
            text.contains("lab:r1") && text.contains("raid1") && text.contains("correct"),
            "{version}: {text}"
        );
    }
    let volume = Volume::empty(64);
    let mut block = vec![0u8; 4096];
    block[0..4].copy_from_slice(&0xa92b_4efc_u32.to_le_bytes());
    block[8..12].copy_from_slice(&90u32.to_le_bytes());
    block[28..32].copy_from_slice(&5u32.to_le_bytes());
    block[40..44].copy_from_slice(&3u32.to_le_bytes());
    volume.patch(size - 65_536, &block);
    assert_eq!(volume.found()[0].note.as_deref(), Some("metadata 0.90, RAID 5, one of 3 disks"));
    assert_eq!(volume.blkid_type("TYPE"), "linux_raid_member");
    assert_eq!(volume.blkid_type("VERSION"), "0.90.0");
}

/// No program on Linux makes these; they are laid down by hand after the documents the table names, with blkid as witness
/// where it knows the kind.
#[test]
fn formats_that_only_other_systems_make_are_recognised() {
    let bitlocker = Volume::empty(8);
    bitlocker.patch(0, b"\xeb\x58\x90-FVE-FS-\x00\x02\x08");
    bitlocker.patch(160, b"\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01");
    bitlocker.patch(510, b"\x55\xaa");
    assert_eq!(bitlocker.kinds(), [Kind::BitLocker]);

    let to_go = Volume::made_by(64, "dosfstools", "mkfs.vfat", &["-F", "32", "@"]);
    to_go.patch(3, b"MSWIN4.1");
    to_go.patch(424, b"\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01");
    assert_eq!(to_go.kinds(), [Kind::BitLocker]);

    let intel = Volume::empty(8);
    intel.patch((8 << 20) - 1024, b"Intel Raid ISM Cfg Sig. 1.1.00\0\0");
    assert_eq!(intel.kinds(), [Kind::IntelRaid]);
    assert_eq!(intel.blkid_type("TYPE"), "isw_raid_member");

    let core_storage = Volume::empty(8);
    core_storage.patch(8, &[1, 0, 0x10, 0]);
    core_storage.patch(88, b"CS\x01\0\0\0");
    assert_eq!(core_storage.kinds(), [Kind::CoreStorage]);
    core_storage.patch(8, &[2]);
    assert_eq!(core_storage.kinds(), [], "two letters alone prove nothing");

    let dynamic = Volume::made_by(16, "gdisk", "sgdisk", &["-n", "1:63:4095", "-m", "1", "@"]);
    dynamic.patch(3072, b"PRIVHEAD");
    assert_eq!(dynamic.kinds(), [Kind::WindowsDynamicDisk, Kind::Mbr]);
}

#[test]
fn noise_without_a_header_is_possible_encryption_and_with_one_it_is_not() {
    let mut noise = vec![0u8; 1 << 20];
    File::open("/dev/urandom").unwrap().read_exact(&mut noise).unwrap();
    // A magic number that came up by chance would end the run falsely once in many thousand runs.
    noise[510..512].copy_from_slice(&[1, 2]);
    noise[88..90].copy_from_slice(&[1, 2]);
    noise[1080..1082].copy_from_slice(&[1, 2]);
    noise[1024..1026].copy_from_slice(&[1, 2]);
    let volume = Volume::empty(4);
    volume.patch(0, &noise);
    assert_eq!(volume.kinds(), [Kind::PossibleEncryption]);
    volume.patch(66_000, &[0; 4096]);
    assert_eq!(volume.kinds(), [], "a plain stretch in the header area");
    assert_eq!(Volume::empty(4).kinds(), []);
}

#[test]
fn what_macos_made_is_recognised() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/disk");
    for (name, kinds) in [("hfsplus.raw", [Kind::HfsPlus].as_slice()), ("apfs.raw", [Kind::Apfs].as_slice())]
    {
        let path = samples.join(name);
        if !path.exists() {
            eprintln!("SKIPPED: the sample {} is absent", path.display());
            continue;
        }
        let found = found_on(&path);
        assert_eq!(found.iter().map(|s| s.kind).collect::<Vec<_>>(), kinds, "{name}: {found:?}");
    }
}
