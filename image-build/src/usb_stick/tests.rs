//! On loop devices, judged by `cmp` and `sha256sum`.

use super::*;
use std::process::Command;

const MIB: u64 = 1 << 20;

/// A file seen as a disk.
struct LoopDevice {
    node: PathBuf,
    file: PathBuf,
}

impl LoopDevice {
    /// `None`, said visibly, where there are no loop devices.
    fn over(file: &Path, words: &[&str]) -> Option<Self> {
        let attached =
            Command::new("losetup").args(["--find", "--show"]).args(words).arg(file).output().unwrap();
        if !attached.status.success() {
            eprintln!("SKIPPED: loop devices need root: {}", String::from_utf8_lossy(&attached.stderr));
            return None;
        }
        let node = PathBuf::from(String::from_utf8(attached.stdout).unwrap().trim());
        if !words.contains(&"--read-only") {
            // Some kernels mark every new loop device read-only.
            Command::new("blockdev").arg("--setrw").arg(&node).status().unwrap();
        }
        Some(Self { node, file: file.to_owned() })
    }

    fn arguments(&self, image: &Path) -> Arguments {
        Arguments {
            disk: self.node.clone(),
            image: Some(image.to_owned()),
            serial: Some(NO_SERIAL.to_owned()),
            any_disk: true,
        }
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        Command::new("losetup").arg("--detach").arg(&self.node).status().unwrap();
    }
}

/// A folder with an image of odd length, and a disk of 24 MiB full of something else.
struct Bench {
    folder: tempfile::TempDir,
    image: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.iso");
        let numbers = (0..17 * MIB / 4 + 512).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
        let bytes: Vec<u8> = numbers.flat_map(|bytes| [bytes[0], bytes[1], bytes[2], bytes[3]]).collect();
        std::fs::write(&image, bytes).unwrap();
        Self { folder, image }
    }

    fn disk(&self, size: u64, words: &[&str]) -> Option<LoopDevice> {
        let file = self.folder.path().join("disk.raw");
        std::fs::write(&file, vec![0xA5; usize::try_from(size).unwrap()]).unwrap();
        LoopDevice::over(&file, words)
    }
}

fn write(arguments: &Arguments) -> Result<()> {
    run(arguments, &mut Stages::default())
}

fn refusal(arguments: &Arguments) -> String {
    write(arguments).unwrap_err().to_string()
}

fn says(program: &str, words: &[&std::ffi::OsStr]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn undisturbed(disk: &LoopDevice) {
    Command::new("sync").status().unwrap();
    let content = std::fs::read(&disk.file).unwrap();
    assert!(content.iter().all(|byte| *byte == 0xA5), "a refused disk was written to");
}

#[test]
fn the_image_is_on_the_disk_as_cmp_and_sha256sum_find_and_nothing_behind_it_changed() {
    let bench = Bench::new();
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    write(&disk.arguments(&bench.image)).unwrap();
    Command::new("sync").status().unwrap();
    let size = std::fs::metadata(&bench.image).unwrap().len().to_string();
    says("cmp", &["-n".as_ref(), size.as_ref(), bench.image.as_ref(), disk.file.as_ref()]);
    let of_disk =
        says("sh", &["-c".as_ref(), "head -c $0 $1 | sha256sum".as_ref(), size.as_ref(), disk.node.as_ref()]);
    let of_image = says("sha256sum", &[bench.image.as_ref()]);
    assert_eq!(of_disk.get(..64), of_image.get(..64));
    let behind = std::fs::read(&disk.file).unwrap().split_off(size.parse().unwrap());
    assert!(behind.iter().all(|byte| *byte == 0xA5));
}

#[test]
fn what_changes_between_writing_and_reading_back_is_found_and_located() {
    use std::os::unix::fs::FileExt;
    let bench = Bench::new();
    let Some(loop_device) = bench.disk(24 * MIB, &[]) else { return };
    let disk = target::find(&loop_device.node).unwrap();
    let size = std::fs::metadata(&bench.image).unwrap().len();
    let stick = Stick::open(&disk).unwrap();
    let sha256 = stick.write(&bench.image, size).unwrap();
    assert_eq!(says("sha256sum", &[bench.image.as_ref()]).get(..64), Some(sha256.as_str()));
    stick.verify(&bench.image, size, &sha256).unwrap();
    // The last byte of the image too, and what lies only on the medium: the page cache of the device still has the old.
    for place in [5 * MIB + 77, size - 1] {
        let file = std::fs::File::options().read(true).write(true).open(&loop_device.file).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ 1], place).unwrap();
        let said = stick.verify(&bench.image, size, &sha256).unwrap_err().to_string();
        assert!(said.contains(&format!("first at byte {place}")), "{said}");
        file.write_all_at(&byte, place).unwrap();
    }
    let other = stick.verify(&bench.image, size, &"0".repeat(64)).unwrap_err().to_string();
    assert!(other.contains("the image changed meanwhile"), "{other}");
}

#[test]
fn an_old_backup_of_a_partition_table_is_gone_afterwards() {
    let bench = Bench::new();
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    let lines = std::fs::read(&disk.file).unwrap();
    let mut with_header = lines.clone();
    let header = with_header.len() - 512;
    with_header[header..header + 8].copy_from_slice(b"EFI PART");
    std::fs::write(&disk.file, &with_header).unwrap();
    write(&disk.arguments(&bench.image)).unwrap();
    Command::new("sync").status().unwrap();
    let content = std::fs::read(&disk.file).unwrap();
    let area = content.len() - 512 - 16_384;
    assert!(content[area..].iter().all(|byte| *byte == 0), "the old table is still there");
    assert!(content[area - 512..area].iter().all(|byte| *byte == 0xA5), "more than the table is gone");
}

#[test]
fn a_partition_a_file_and_a_disk_in_use_are_refused() {
    let bench = Bench::new();
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    let mut of_a_file = disk.arguments(&bench.image);
    of_a_file.disk = disk.file.clone();
    assert!(refusal(&of_a_file).contains("is no disk"));

    let held = std::fs::File::options();
    let mut held = held.clone();
    use std::os::unix::fs::OpenOptionsExt;
    let held = held.read(true).custom_flags(nix::fcntl::OFlag::O_EXCL.bits()).open(&disk.node).unwrap();
    let said = refusal(&disk.arguments(&bench.image));
    assert!(said.contains("it is in use"), "{said}");
    drop(held);
    undisturbed(&disk);
}

#[test]
fn a_mounted_disk_is_refused_and_shown_where() {
    let bench = Bench::new();
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    says("mkfs.ext4", &["-q".as_ref(), disk.node.as_ref()]);
    let point = bench.folder.path().join("mounted here");
    std::fs::create_dir(&point).unwrap();
    let mounted = Command::new("mount").arg(&disk.node).arg(&point).status().unwrap();
    if !mounted.success() {
        eprintln!("SKIPPED: nothing can be mounted here");
        return;
    }
    let said = refusal(&disk.arguments(&bench.image));
    assert!(Command::new("umount").arg(&point).status().unwrap().success());
    assert!(said.contains("mounted at") && said.contains("mounted here"), "{said}");
}

#[test]
fn a_disk_that_is_read_only_too_small_or_not_removable_is_refused() {
    let bench = Bench::new();
    {
        let Some(disk) = bench.disk(24 * MIB, &["--read-only"]) else { return };
        assert!(refusal(&disk.arguments(&bench.image)).contains("is read-only"));
        undisturbed(&disk);
    }
    {
        let Some(disk) = bench.disk(17 * MIB, &[]) else { return };
        assert!(refusal(&disk.arguments(&bench.image)).contains("take a larger one"));
        undisturbed(&disk);
    }
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    let careful = Arguments { any_disk: false, ..disk.arguments(&bench.image) };
    assert!(refusal(&careful).contains("--any-disk"));
    undisturbed(&disk);
}

#[test]
fn another_serial_or_none_given_is_refused() {
    let bench = Bench::new();
    let Some(disk) = bench.disk(24 * MIB, &[]) else { return };
    for serial in ["", "WD-1234", "NONE", "no"] {
        let wrong = Arguments { serial: Some(serial.to_owned()), ..disk.arguments(&bench.image) };
        assert!(refusal(&wrong).contains("is not the serial"), "{serial:?}");
    }
    undisturbed(&disk);

    let mut with_serial = target::find(&disk.node).unwrap();
    with_serial.identity.serial = Some(" WD-1234 ".to_owned());
    assert!(is_serial_of(&with_serial, "WD-1234\n"));
    assert!(!is_serial_of(&with_serial, NO_SERIAL) && !is_serial_of(&with_serial, "wd-1234"));
    with_serial.usb_serial = Some("USB-9".to_owned());
    assert!(is_serial_of(&with_serial, "USB-9"));
}

#[test]
fn an_image_that_is_not_there_is_named_with_what_to_do() {
    let none = Path::new("/nowhere/permafrost.iso");
    assert!(image(Some(none)).is_err_and(|error| error.to_string().contains("/nowhere/permafrost.iso")));
    assert!(
        image(Some(Path::new("/dev/null"))).is_err_and(|error| error.to_string().contains("is no image"))
    );
}

#[test]
fn a_disk_that_left_its_node_is_noticed_whatever_came_there() {
    let bench = Bench::new();
    let file = bench.folder.path().join("disk");
    std::fs::File::create(&file).unwrap().set_len(24 * MIB).unwrap();
    let Some(device) = LoopDevice::over(&file, &[]) else { return };
    let disk = target::find(&device.node).unwrap();
    let shown = target::sequence(&disk);
    if shown.is_none() {
        eprintln!("SKIPPED: this kernel does not count what is attached");
        return;
    }
    target::must_be_the_same(&disk, shown).unwrap();
    // From here on the node is anybody's: other tests attach disks too.
    drop(device);
    let said = target::must_be_the_same(&disk, shown).unwrap_err().to_string();
    assert!(said.contains("another disk than the one that was shown"), "{said}");
}
