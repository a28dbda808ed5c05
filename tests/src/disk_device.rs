//! Disk models of the emulator: what makes each one up, for the command line and for plugging in later.

use std::path::PathBuf;

use serde_json::{Value, json};

/// An address in the form of IEEE registered names (NAA 5).
const SAS_ADDRESS: u64 = 0x5000_C500_15EA_71AC;

/// How a disk is attached: the models that the emulator has and the kernel has drivers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// SATA behind an AHCI controller (machine q35 only).
    Ahci,
    /// Parallel ATA behind a PIIX3 (machine pc only).
    Ide,
    /// NVM Express.
    Nvme,
    /// virtio block device.
    VirtioBlk,
    /// SCSI disk behind a virtio host adapter.
    VirtioScsi,
    /// USB mass storage, bulk-only transport.
    UsbBot,
    /// USB attached SCSI.
    Uas,
    /// SD card in a PCI card reader. Its size must be a power of two, its serial is the model's own.
    Sd,
    /// Universal flash storage.
    Ufs,
    /// SCSI disk behind a MegaRAID SAS adapter.
    MegaRaid,
    /// SCSI disk behind an LSI SAS adapter of the Fusion family.
    Fusion,
    /// The second namespace of an NVMe controller that is there already; see [`Disk::behind`].
    NvmeNamespace,
    /// CD behind a virtio SCSI host adapter.
    ScsiCd,
    /// CD behind an AHCI controller: ATA packets (machine q35 only).
    AhciCd,
    /// Floppy disk of 1440 KiB (machine pc only).
    Floppy,
}

impl Transport {
    /// Every one of them.
    pub const ALL: [Transport; 15] = [
        Transport::Ahci,
        Transport::Ide,
        Transport::Nvme,
        Transport::VirtioBlk,
        Transport::VirtioScsi,
        Transport::UsbBot,
        Transport::Uas,
        Transport::Sd,
        Transport::Ufs,
        Transport::MegaRaid,
        Transport::Fusion,
        Transport::NvmeNamespace,
        Transport::ScsiCd,
        Transport::AhciCd,
        Transport::Floppy,
    ];

    /// Its name as reports print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Ahci => "AHCI",
            Transport::Ide => "IDE",
            Transport::Nvme => "NVMe",
            Transport::VirtioBlk => "virtio-blk",
            Transport::VirtioScsi => "virtio-scsi",
            Transport::UsbBot => "USB-BOT",
            Transport::Uas => "UAS",
            Transport::Sd => "SD",
            Transport::Ufs => "UFS",
            Transport::MegaRaid => "MegaRAID SAS",
            Transport::Fusion => "Fusion SAS",
            Transport::NvmeNamespace => "NVMe namespace 2",
            Transport::ScsiCd => "CD on SCSI",
            Transport::AhciCd => "CD on AHCI",
            Transport::Floppy => "floppy",
        }
    }

    /// Whether it is an optical drive, whose commands are another set.
    #[must_use]
    pub const fn is_optical(self) -> bool {
        matches!(self, Transport::ScsiCd | Transport::AhciCd)
    }
}

/// A sector of 512 bytes that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSector {
    /// Which one.
    pub sector: u64,
    /// Only the first read of it fails.
    pub once: bool,
}

/// One disk of a machine: a model in front of an image file.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Name of the device and of its block node; unique in the machine.
    pub name: String,
    /// Its model.
    pub transport: Transport,
    /// The raw image file: what the disk holds, byte for byte.
    pub image: PathBuf,
    /// Serial number, where the model can be given one.
    pub serial: String,
    /// AHCI or USB port, or SCSI target.
    pub port: u8,
    /// A sector of 512 bytes that can't be read.
    pub bad_sector: Option<u64>,
    /// Its reads can be slowed down until they time out: [`crate::emulator::Emulator::brake`].
    pub has_brake: bool,
    /// More such sectors.
    pub bad: Vec<BadSector>,
    /// Size of a logical sector, where the model's own 512 bytes won't do. NVMe and SCSI disks take another.
    pub logical_sector: Option<u32>,
    /// Unix socket of an NBD server that holds the image: one that is stopped makes a disk that hangs.
    pub served_at: Option<PathBuf>,
    /// Name of a host adapter or controller that is there already; without it the disk brings its own.
    pub adapter: Option<String>,
    /// Whether the firmware may boot from it, after the boot medium. UEFI (OVMF) shows a boot loader no other disks.
    pub bootable: bool,
    /// Properties of the model that only one test wants.
    pub properties: Vec<(String, Value)>,
}

impl Disk {
    /// A disk on the first port of its kind whose serial is its upper-case name.
    #[must_use]
    pub fn new(name: &str, transport: Transport, image: impl Into<PathBuf>) -> Self {
        Disk {
            name: name.into(),
            transport,
            image: image.into(),
            serial: name.to_uppercase(),
            port: 1,
            bad_sector: None,
            has_brake: false,
            bad: Vec::new(),
            logical_sector: None,
            served_at: None,
            adapter: None,
            bootable: false,
            properties: Vec::new(),
        }
    }

    /// The same disk on another port.
    #[must_use]
    pub fn on_port(mut self, port: u8) -> Self {
        self.port = port;
        self
    }

    /// The same disk with another serial.
    #[must_use]
    pub fn with_serial(mut self, serial: &str) -> Self {
        self.serial = serial.into();
        self
    }

    /// The same disk with a sector that can't be read.
    #[must_use]
    pub fn with_bad_sector(mut self, sector: u64) -> Self {
        self.bad_sector = Some(sector);
        self
    }

    /// The same disk with a brake.
    #[must_use]
    pub fn with_brake(mut self) -> Self {
        self.has_brake = true;
        self
    }

    /// The same disk with more sectors that can't be read.
    #[must_use]
    pub fn with_bad_sectors(mut self, bad: &[BadSector]) -> Self {
        self.bad = bad.to_vec();
        self
    }

    /// The same disk with logical sectors of `bytes`.
    #[must_use]
    pub fn with_logical_sector(mut self, bytes: u32) -> Self {
        self.logical_sector = Some(bytes);
        self
    }

    /// The same disk with its image behind an NBD server.
    #[must_use]
    pub fn served_at(mut self, socket: impl Into<PathBuf>) -> Self {
        self.served_at = Some(socket.into());
        self
    }

    /// The same disk behind a host adapter that is there already: only so can a SCSI disk be plugged in later, and
    /// only so can a namespace share its controller.
    #[must_use]
    pub fn behind(mut self, adapter: &str) -> Self {
        self.adapter = Some(adapter.into());
        self
    }

    /// The same disk in the firmware's boot order, behind the boot medium.
    #[must_use]
    pub fn bootable(mut self) -> Self {
        self.bootable = true;
        self
    }

    /// The same disk with a property of its model set.
    #[must_use]
    pub fn with_property(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.properties.push((name.into(), value.into()));
        self
    }

    /// The block nodes, lowest first. Discards are let through to the file, so that one that reaches the disk
    /// model shows in the file's bytes.
    #[must_use]
    pub fn nodes(&self) -> Vec<Value> {
        let file = format!("{}-file", self.name);
        let mut nodes = vec![match &self.served_at {
            None => json!({
                "driver": "file", "node-name": file, "filename": self.image, "discard": "unmap",
            }),
            Some(socket) => json!({
                "driver": "nbd", "node-name": file, "export": self.name,
                "server": { "type": "unix", "path": socket },
            }),
        }];
        let mut below = file;
        let one = self.bad_sector.map(|sector| BadSector { sector, once: false });
        let bad: Vec<BadSector> = one.into_iter().chain(self.bad.iter().copied()).collect();
        if !bad.is_empty() {
            let errors: Vec<Value> = bad
                .iter()
                .map(|BadSector { sector, once }| {
                    json!({ "event": "none", "iotype": "read", "errno": 5, "sector": sector, "once": once })
                })
                .collect();
            let faulty = format!("{}-faulty", self.name);
            nodes.push(json!({
                "driver": "blkdebug", "node-name": faulty, "image": below, "discard": "unmap",
                "inject-error": errors,
            }));
            below = faulty;
        }
        if let Some(brake) = self.brake() {
            let braked = format!("{}-braked", self.name);
            nodes.push(json!({
                "driver": "throttle", "node-name": braked, "throttle-group": brake, "file": below,
                "discard": "unmap",
            }));
            below = braked;
        }
        nodes.push(json!({ "driver": "raw", "node-name": self.name, "file": below, "discard": "unmap" }));
        nodes
    }

    /// Name of the emulator's object that slows its reads down, if it has one.
    #[must_use]
    pub fn brake(&self) -> Option<String> {
        self.has_brake.then(|| format!("{}-brake", self.name))
    }

    /// The device models, controller first; the last one is the disk.
    #[must_use]
    pub fn devices(&self) -> Vec<Value> {
        let mut devices = self.models();
        if let (true, Some(disk)) = (self.bootable, devices.last_mut()) {
            disk["bootindex"] = json!(1);
        }
        if let Some(disk) = devices.last_mut() {
            self.properties.iter().for_each(|(name, value)| disk[name] = value.clone());
        }
        if let (Some(bytes), Some(disk)) = (self.logical_sector, devices.last_mut()) {
            disk["logical_block_size"] = json!(bytes);
            disk["physical_block_size"] = json!(bytes);
        }
        devices
    }

    fn models(&self) -> Vec<Value> {
        let Disk { name, serial, .. } = self;
        // `rerror=report` hands a read error to the guest, where the default may stop the machine.
        let report = "report";
        match self.transport {
            Transport::Ahci => vec![json!({
                "driver": "ide-hd", "id": name, "drive": name, "serial": serial, "rerror": report,
                "bus": format!("ide.{}", self.port),
            })],
            Transport::Ide => vec![json!({
                "driver": "ide-hd", "id": name, "drive": name, "serial": serial, "rerror": report,
                "bus": "ide.0", "unit": 0,
            })],
            Transport::Nvme => vec![json!({
                "driver": "nvme", "id": name, "drive": name, "serial": serial,
            })],
            Transport::VirtioBlk => vec![json!({
                "driver": "virtio-blk-pci", "id": name, "drive": name, "serial": serial, "rerror": report,
            })],
            Transport::VirtioScsi => self.behind_adapter("virtio-scsi-pci", "scsi-hd"),
            Transport::ScsiCd => self.behind_adapter("virtio-scsi-pci", "scsi-cd"),
            Transport::MegaRaid => self.behind_adapter("megasas", "scsi-hd"),
            Transport::Fusion => self.behind_adapter("mptsas1068", "scsi-hd"),
            Transport::UsbBot => vec![json!({
                "driver": "usb-storage", "id": name, "drive": name, "serial": serial, "rerror": report,
                "bus": "xhci.0", "port": self.port.to_string(),
            })],
            Transport::Uas => vec![
                json!({
                    "driver": "usb-uas", "id": format!("{name}-usb"), "serial": serial,
                    "bus": format!("{}.0", self.adapter.as_deref().unwrap_or("xhci")),
                    "port": self.port.to_string(),
                }),
                json!({
                    "driver": "scsi-hd", "id": name, "drive": name, "serial": serial, "rerror": report,
                    "bus": format!("{name}-usb.0"), "scsi-id": 0, "lun": 0,
                }),
            ],
            Transport::Sd => vec![
                json!({ "driver": "sdhci-pci", "id": format!("{name}-reader") }),
                json!({ "driver": "sd-card", "id": name, "drive": name, "bus": "sd-bus" }),
            ],
            Transport::Ufs => vec![
                json!({ "driver": "ufs", "id": format!("{name}-host"), "serial": serial }),
                json!({ "driver": "ufs-lu", "id": name, "drive": name, "bus": format!("{name}-host"), "lun": 0 }),
            ],
            Transport::NvmeNamespace => vec![json!({
                "driver": "nvme-ns", "id": name, "drive": name, "bus": self.adapter, "nsid": 2,
            })],
            Transport::AhciCd => vec![json!({
                "driver": "ide-cd", "id": name, "drive": name, "serial": serial, "rerror": report,
                "bus": format!("ide.{}", self.port),
            })],
            // The machine has its controller on board.
            Transport::Floppy => vec![json!({
                "driver": "floppy", "id": name, "drive": name, "drive-type": "144", "bus": "floppy-bus.0",
            })],
        }
    }

    /// A SCSI device and, where it brings its own, the adapter before it.
    fn behind_adapter(&self, adapter_model: &str, model: &str) -> Vec<Value> {
        let own = format!("{}-adapter", self.name);
        let adapter = self.adapter.as_ref().unwrap_or(&own);
        let mut device = json!({
            "driver": model, "id": self.name, "drive": self.name, "serial": self.serial, "rerror": "report",
            "bus": format!("{adapter}.0"), "scsi-id": self.port, "lun": 0,
        });
        if self.transport == Transport::Fusion {
            // The kernel's driver attaches no disk without a SAS address.
            device["wwn"] = SAS_ADDRESS.into();
        }
        match self.adapter {
            Some(_) => vec![device],
            None => vec![json!({ "driver": adapter_model, "id": own }), device],
        }
    }

    /// The device to unplug so that the whole disk goes.
    #[must_use]
    pub fn unplug_id(&self) -> String {
        match self.transport {
            Transport::Uas => format!("{}-usb", self.name),
            _ => self.name.clone(),
        }
    }
}

/// A SCSI host adapter that disks can be put [`Disk::behind`].
#[must_use]
pub fn scsi_adapter(name: &str) -> Value {
    json!({ "driver": "virtio-scsi-pci", "id": name })
}
