//! A small sysfs in a folder, nested as the kernel nests it, and claims about what is read from it.

use crate::inventory::{Disk, NodeNumber, built_on_in, identify_node, list_in};
use crate::sysfs::Roots;
use crate::vpd::tests::ata_page;
use evidence::{ByteCount, Lba, Transport};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

struct Machine {
    _folder: tempfile::TempDir,
    roots: Roots,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots { sys: folder.path().join("sys"), dev: "/dev".into() };
        fs::create_dir_all(roots.sys.join("block")).unwrap();
        fs::create_dir_all(roots.sys.join("dev/block")).unwrap();
        Self { _folder: folder, roots }
    }

    /// Adds a device of a subsystem (empty for none) with its text attributes; gives its folder.
    fn device(&self, path: &str, subsystem: &str, attributes: &[(&str, &str)]) -> PathBuf {
        let folder = self.roots.sys.join("devices").join(path);
        fs::create_dir_all(&folder).unwrap();
        if !subsystem.is_empty() {
            symlink(Path::new("/sys/bus").join(subsystem), folder.join("subsystem")).unwrap();
        }
        for (name, value) in attributes {
            write(&folder.join(name), format!("{value}\n").as_bytes());
        }
        folder
    }

    /// Adds a disk of 1 GiB; `attributes` come on top and may override.
    fn disk(&self, path: &str, device: Option<&Path>, attributes: &[(&str, &str)]) -> PathBuf {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
        let minor = fs::read_dir(self.roots.sys.join("block")).unwrap().count();
        let number = format!("8:{minor}");
        let usual = [
            ("size", "2097152"),
            ("dev", number.as_str()),
            ("removable", "0"),
            ("ro", "1"),
            ("queue/logical_block_size", "512"),
            ("queue/physical_block_size", "512"),
            ("queue/rotational", "0"),
        ];
        let folder = self.device(path, "block", &usual);
        for (attribute, value) in attributes {
            write(&folder.join(attribute), format!("{value}\n").as_bytes());
        }
        if let Some(device) = device {
            symlink(device, folder.join("device")).unwrap();
        }
        symlink(&folder, self.roots.sys.join("block").join(name)).unwrap();
        symlink(&folder, self.roots.sys.join("dev/block").join(number)).unwrap();
        folder
    }

    fn list(&self) -> Vec<Disk> {
        list_in(&self.roots).unwrap()
    }

    fn only(&self) -> Disk {
        let mut disks = self.list();
        assert_eq!(disks.len(), 1, "{disks:?}");
        disks.remove(0)
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn page(code: u8, text: &str) -> Vec<u8> {
    let mut page = vec![0, code, 0, u8::try_from(text.len()).unwrap()];
    page.extend_from_slice(text.as_bytes());
    page
}

const SATA: &str = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0";
const INQUIRY: [(&str, &str); 4] = [
    ("vendor", "ATA     "),
    ("model", "Samsung SSD 870 "),
    ("rev", "2B6Q"),
    ("wwid", "naa.5002538f31000000"),
];

#[test]
fn a_sata_disk_is_named_by_its_own_long_strings() {
    let machine = Machine::new();
    machine.device("pci0000:00/0000:00:1f.2/ata1/host0", "scsi", &[]);
    let device = machine.device(SATA, "scsi", &INQUIRY);
    write(&device.join("vpd_pg80"), &page(0x80, "     S6PENX0T123456A"));
    write(&device.join("vpd_pg89"), &ata_page("Samsung SSD 870 EVO 250GB", "S6PENX0T123456A", "SVT02B6Q"));
    machine.disk(&format!("{SATA}/block/sda"), Some(&device), &[("queue/physical_block_size", "4096")]);
    let disk = machine.only();
    assert_eq!(disk.identity.transport, Transport::Ata);
    assert_eq!(disk.identity.make, None);
    assert_eq!(disk.identity.model.as_deref(), Some("Samsung SSD 870 EVO 250GB"));
    assert_eq!(disk.identity.serial.as_deref(), Some("S6PENX0T123456A"));
    assert_eq!(disk.identity.firmware.as_deref(), Some("SVT02B6Q"));
    assert_eq!(disk.identity.wwn.as_deref(), Some("naa.5002538f31000000"));
    assert_eq!(disk.identity.path, "/dev/sda");
    assert_eq!(disk.identity.capacity, ByteCount(1 << 30));
    assert_eq!(disk.identity.physical_sector.bytes(), 4096);
    assert!(disk.read_only && !disk.removable && disk.warnings.is_empty());

    fs::remove_file(device.join("vpd_pg89")).unwrap();
    let disk = machine.only();
    assert_eq!(
        disk.identity.model.as_deref(),
        Some("Samsung SSD 870"),
        "what INQUIRY has is better than nothing"
    );
    assert_eq!(disk.identity.firmware.as_deref(), Some("2B6Q"));
}

#[test]
fn a_sas_disk_and_a_virtio_scsi_disk_are_scsi() {
    for chain in ["pci0000:00/0000:03:00.0", "pci0000:00/0000:00:05.0/virtio2"] {
        let machine = Machine::new();
        machine.device(chain, if chain.contains("virtio") { "virtio" } else { "pci" }, &[]);
        let lun = format!("{chain}/host2/target2:0:0/2:0:0:0");
        let inquiry = [("vendor", "SEAGATE "), ("model", "ST600MM0009     "), ("rev", "LS0A")];
        let device = machine.device(&lun, "scsi", &inquiry);
        write(&device.join("vpd_pg80"), &page(0x80, "W0M0XXXX"));
        machine.disk(&format!("{lun}/block/sdb"), Some(&device), &[]);
        let identity = machine.only().identity;
        assert_eq!(identity.transport, Transport::Scsi);
        assert_eq!(identity.make.as_deref(), Some("SEAGATE"));
        assert_eq!(
            (identity.serial.as_deref(), identity.firmware.as_deref()),
            (Some("W0M0XXXX"), Some("LS0A"))
        );
    }
}

#[test]
fn a_usb_disk_falls_back_to_the_strings_of_the_usb_device_but_not_of_the_hub() {
    let machine = Machine::new();
    let hub = "pci0000:00/0000:00:14.0/usb1/1-2";
    machine.device(hub, "usb", &[("idVendor", "0bda"), ("serial", "HUB-SERIAL")]);
    let usb = format!("{hub}/1-2.1");
    machine.device(&usb, "usb", &[("idVendor", "0781"), ("serial", "4C530001"), ("product", "Cruzer")]);
    machine.device(&format!("{usb}/1-2.1:1.0"), "usb", &[]);
    let lun = format!("{usb}/1-2.1:1.0/host4/target4:0:0/4:0:0:0");
    let device =
        machine.device(&lun, "scsi", &[("vendor", "SanDisk "), ("model", "        "), ("rev", "1.00")]);
    machine.disk(&format!("{lun}/block/sdc"), Some(&device), &[("removable", "1")]);
    let disk = machine.only();
    assert_eq!(disk.identity.transport, Transport::Usb);
    assert_eq!(disk.identity.serial.as_deref(), Some("4C530001"));
    assert_eq!(disk.identity.model.as_deref(), Some("Cruzer"));
    assert!(disk.removable);
    assert_eq!(disk.usb_serial, None, "told once is enough");

    write(&device.join("vpd_pg80"), &page(0x80, "WD-WX11A"));
    let disk = machine.only();
    assert_eq!(disk.identity.serial.as_deref(), Some("WD-WX11A"), "the disk inside the dock");
    assert_eq!(disk.usb_serial.as_deref(), Some("4C530001"));
}

#[test]
fn an_nvme_namespace_takes_its_controllers_name_and_no_made_up_wwn() {
    for (controller, subsystem) in [
        ("pci0000:00/0000:01:00.0/nvme/nvme0", "nvme"),
        ("virtual/nvme-subsystem/nvme-subsys0", "nvme-subsystem"),
    ] {
        let machine = Machine::new();
        let strings =
            [("model", "WDC PC SN730   "), ("serial", " 2045CC4001 "), ("firmware_rev", "11170102")];
        let device = machine.device(controller, subsystem, &strings);
        let disk = format!("{controller}/nvme0n1");
        let folder = machine.disk(&disk, Some(&device), &[("wwid", "nvme.15b7-3230-57444320-00000001")]);
        let identity = machine.only().identity;
        assert_eq!(identity.transport, Transport::Nvme);
        assert_eq!(
            (identity.model.as_deref(), identity.serial.as_deref()),
            (Some("WDC PC SN730"), Some("2045CC4001"))
        );
        assert_eq!(identity.firmware.as_deref(), Some("11170102"));
        assert_eq!(identity.wwn, None);
        write(&folder.join("wwid"), b"eui.e8238fa6bf530001\n");
        assert_eq!(machine.only().identity.wwn.as_deref(), Some("eui.e8238fa6bf530001"));
    }
}

#[test]
fn cards_their_boot_areas_and_ufs_units_are_known() {
    let machine = Machine::new();
    let card = "pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001";
    let strings = [
        ("name", "DG4032"),
        ("serial", "0x1a2b3c4d"),
        ("cid", "45010044"),
        ("manfid", "0x000045"),
        ("fwrev", "0x42"),
    ];
    let device = machine.device(card, "mmc", &strings);
    let whole = machine.disk(&format!("{card}/block/mmcblk0"), Some(&device), &[]);
    machine.disk(&format!("{card}/block/mmcblk0/mmcblk0boot0"), Some(&whole), &[]);

    let host = "pci0000:00/0000:00:12.5/host6";
    machine.device(host, "scsi", &[("scsi_host/host6/proc_name", "ufshcd")]);
    let lun = format!("{host}/target6:0:0/6:0:0:0");
    let unit =
        machine.device(&lun, "scsi", &[("vendor", "SAMSUNG"), ("model", "KLUDG4U1EA-B0C1"), ("rev", "0500")]);
    machine.disk(&format!("{lun}/block/sda"), Some(&unit), &[("queue/logical_block_size", "4096")]);

    let disks = machine.list();
    let told: Vec<_> =
        disks.iter().map(|d| (d.name.as_str(), d.identity.transport, d.identity.serial.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("sda", Transport::Ufs, None),
            ("mmcblk0", Transport::Mmc, Some("0x1a2b3c4d")),
            ("mmcblk0boot0", Transport::Mmc, Some("0x1a2b3c4d")),
        ]
    );
    assert_eq!(disks[0].identity.logical_sector.bytes(), 4096);
    assert_eq!(disks[1].identity.make.as_deref(), Some("manfid 0x000045"));
}

#[test]
fn firewire_virtio_and_floppy_are_told_by_their_buses() {
    let machine = Machine::new();
    machine.device("pci0000:00/0000:04:00.0/fw1/fw1.0", "firewire", &[]);
    let lun = "pci0000:00/0000:04:00.0/fw1/fw1.0/host7/target7:0:0/7:0:0:0";
    let unit =
        machine.device(lun, "scsi", &[("vendor", "LaCie"), ("model", "d2"), ("ieee1394_id", "00d04b:0:1")]);
    machine.disk(&format!("{lun}/block/sdd"), Some(&unit), &[]);
    let virtio = machine.device("pci0000:00/0000:00:02.0/virtio1", "virtio", &[]);
    machine.disk("pci0000:00/0000:00:02.0/virtio1/block/vda", Some(&virtio), &[("serial", "disk-7")]);
    let floppy = machine.device("platform/floppy.0", "platform", &[]);
    machine.disk("platform/floppy.0/block/fd0", Some(&floppy), &[]);
    let told: Vec<_> = machine
        .list()
        .into_iter()
        .map(|d| (d.name, d.identity.transport, d.identity.serial, d.identity.wwn))
        .collect();
    assert_eq!(
        told,
        [
            ("fd0".to_owned(), Transport::Floppy, None, None),
            ("sdd".to_owned(), Transport::Firewire, None, Some("00d04b:0:1".to_owned())),
            ("vda".to_owned(), Transport::Virtio, Some("disk-7".to_owned()), None),
        ]
    );
}

#[test]
fn empty_sockets_are_left_out_and_a_file_behind_a_loop_device_is_named() {
    let machine = Machine::new();
    for name in ["ram0", "zram0", "loop0", "nbd0"] {
        let size = if name == "ram0" || name == "zram0" { "8192" } else { "0" };
        machine.disk(&format!("virtual/block/{name}"), None, &[("size", size)]);
    }
    machine.disk("virtual/block/loop1", None, &[("loop/backing_file", "/cases/17/disk.raw")]);
    let disk = machine.only();
    assert_eq!((disk.name.as_str(), disk.identity.transport), ("loop1", Transport::Loop));
    assert_eq!(disk.backing_file.as_deref(), Some("/cases/17/disk.raw"));
}

#[test]
fn a_partition_starts_in_the_disks_own_sectors_and_leads_back_to_the_disk() {
    let machine = Machine::new();
    let device = machine.device(SATA, "scsi", &INQUIRY);
    let path = format!("{SATA}/block/sda");
    let folder = machine.disk(&path, Some(&device), &[("queue/logical_block_size", "4096")]);
    for (name, number, start) in [("sda10", "10", "8192"), ("sda2", "2", "2048")] {
        let uevent = format!("DEVNAME={name}\nPARTN={number}\nPARTNAME=Basic data partition");
        let attributes = [
            ("partition", number),
            ("start", start),
            ("size", "1024"),
            ("uevent", uevent.as_str()),
            ("dev", "8:77"),
        ];
        machine.device(&format!("{path}/{name}"), "block", &attributes);
    }
    symlink(folder.join("sda2"), machine.roots.sys.join("dev/block/8:77")).unwrap();
    let disk = machine.only();
    let told: Vec<_> = disk.partitions.iter().map(|p| (p.path.as_str(), p.number, p.start, p.size)).collect();
    let size = ByteCount(1024 * 512);
    assert_eq!(told, [("/dev/sda2", 2, Lba(256), size), ("/dev/sda10", 10, Lba(1024), size)]);
    assert_eq!(disk.partitions[0].label.as_deref(), Some("Basic data partition"));

    let node = NodeNumber { major: 8, minor: 77 };
    let partition = identify_node(&machine.roots, Path::new("/dev/sda2"), node).unwrap();
    assert_eq!((partition.name.as_str(), partition.parent.as_deref()), ("sda2", Some("sda")));
    assert_eq!(partition.identity.capacity, size);
    assert_eq!((partition.identity.path.as_str(), partition.node), ("/dev/sda2", Some(node)));
    assert_eq!(partition.identity.wwn.as_deref(), Some("naa.5002538f31000000"));
}

#[test]
fn a_volume_on_an_encrypted_partition_is_built_on_it() {
    let machine = Machine::new();
    let below = machine.disk("virtual/block/sda1", None, &[]);
    let crypt = machine.disk("virtual/block/dm-0", None, &[]);
    let volume = machine.disk("virtual/block/dm-1", None, &[]);
    machine.disk("virtual/block/dm-2", None, &[]);
    for (lower, upper, name) in [(&below, &crypt, "dm-0"), (&crypt, &volume, "dm-1")] {
        fs::create_dir_all(lower.join("holders")).unwrap();
        symlink(upper, lower.join("holders").join(name)).unwrap();
    }
    let node = |minor| NodeNumber { major: 8, minor };
    assert_eq!(built_on_in(&machine.roots, node(0)), [node(1), node(2)]);
    assert_eq!(built_on_in(&machine.roots, node(2)), []);
}

#[test]
fn a_serial_that_the_guard_does_not_know_is_warned_of() {
    let machine = Machine::new();
    let device = machine.device("pci0000:00/virtio1", "virtio", &[]);
    let attributes = [("serial", "disk-7"), ("guard/identity", "serial disk-7\nwwid x")];
    let folder = machine.disk("pci0000:00/virtio1/block/vda", Some(&device), &attributes);
    assert!(machine.only().warnings.is_empty());
    write(&folder.join("guard/identity"), b"serial disk-8\n");
    assert!(machine.only().warnings[0].contains("disk-8"), "{:?}", machine.only().warnings);
}

#[test]
fn odd_attributes_give_a_warning_in_the_list_and_an_error_for_a_source() {
    let machine = Machine::new();
    let device = machine.device(SATA, "scsi", &[("model", "\x1b[31mX")]);
    let attributes = [
        ("queue/logical_block_size", "520"),
        ("queue/physical_block_size", "-1"),
        ("size", "18446744073709551615"),
    ];
    machine.disk(&format!("{SATA}/block/sda"), Some(&device), &attributes);
    let disk = machine.only();
    assert!(disk.warnings[0].contains("sector size"), "{:?}", disk.warnings);
    assert_eq!(disk.identity.model.as_deref(), Some("?[31mX"));
    assert_eq!(disk.identity.capacity, ByteCount(u64::MAX));
    let node = NodeNumber { major: 8, minor: 0 };
    let error = identify_node(&machine.roots, Path::new("/dev/sda"), node).unwrap_err();
    assert!(error.to_string().contains("no usable logical sector size"), "{error}");
}

#[test]
fn a_machine_without_sysfs_is_an_error_and_not_an_empty_list() {
    let roots = Roots { sys: "/nonexistent".into(), dev: "/dev".into() };
    assert!(list_in(&roots).unwrap_err().to_string().contains("is sysfs mounted?"));
}

#[test]
fn an_ordinary_file_is_a_source_of_its_length() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(12_345).unwrap();
    let disk = crate::inventory::identify(file.path()).unwrap();
    assert_eq!((disk.identity.transport, disk.identity.capacity), (Transport::File, ByteCount(12_345)));
    assert!(disk.node.is_none() && disk.partitions.is_empty());
    let folder = crate::inventory::identify(Path::new("/")).unwrap_err();
    assert!(folder.to_string().contains("neither a disk"), "{folder}");
}
