//! The machine: firmware, boot medium, disks; started, plugged, powered off, and gone with its owner.

use std::{
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Doing, HarnessError, Result,
    disk_device::{Disk, scsi_adapter},
    host_program::{await_end, find, last_part},
    network_card::NetworkCard,
    qmp::Qmp,
    serial_shell::SerialShell,
    socket::Socket,
    trace,
    variable_store::{Keys, VariableStore},
};

const CONNECT_WITHIN: Duration = Duration::from_secs(30);
/// From the order to quit to the end of the process, which writes its last data first.
const QUITS_WITHIN: Duration = Duration::from_secs(180);
/// All that the emulator can be but for two promises to copy and clear byte by byte at full speed (ERMS, FSRM), which it can't
/// keep: it makes every byte a store of its own, and each one slow in a page from which firmware ran. Under UEFI the kernel's
/// start took a second and more longer for that.
const PROCESSOR: &str = "max,-erms,-fsrm";
/// From power-on to a shell prompt, on a busy two-core host without hardware virtualisation.
const BOOT_WITHIN: Duration = Duration::from_secs(180);
/// With Secure Boot shim computes hashes of the kernel as well, without any of the processor's help.
const SECURE_BOOT_WITHIN: Duration = Duration::from_secs(1200);
const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// Keeps its variables from everything but its own code (system management mode), as Secure Boot rests on.
const OVMF_SECURE_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";

/// The stick that is booted from, as the emulator calls it.
const BOOT_STICK: &str = "stick";
/// The serial number of that stick.
pub const BOOT_STICK_SERIAL: &str = "PERMAFROST-STICK";

/// The chip set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chipset {
    /// 2009 on: PCI Express and an AHCI controller.
    Q35,
    /// 1996 on: PCI and a PIIX3 with parallel ATA.
    Pc,
}

/// Who runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// A PC BIOS (SeaBIOS).
    Bios,
    /// UEFI (OVMF) with a variable store of its own, fresh for each machine.
    Uefi,
    /// The same with Secure Boot on, and the keys that PCs come with. Needs [`Chipset::Q35`].
    SecureBoot,
}

impl Firmware {
    /// Its name as reports print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Firmware::Bios => "BIOS",
            Firmware::Uefi => "UEFI",
            Firmware::SecureBoot => "UEFI with Secure Boot",
        }
    }
}

/// How the kernel speaks with a TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmModel {
    /// Through a FIFO (TIS).
    Tis,
    /// Through a command and response buffer.
    Crb,
}

/// What is booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// A kernel, loaded by the emulator itself: no boot loader talks to the disks.
    Kernel(PathBuf),
    /// A kernel with an initial RAM disk beside it.
    KernelWithInitramfs(PathBuf, PathBuf),
    /// The hybrid image on a USB stick, read-only as with the slider at "lock".
    UsbStick(PathBuf),
    /// The hybrid image as a CD.
    Cd(PathBuf),
}

/// A machine to be started.
#[derive(Debug, Clone)]
pub struct Machine {
    chipset: Chipset,
    firmware: Firmware,
    boot: Boot,
    disks: Vec<Disk>,
    toolbox: Option<PathBuf>,
    scsi_adapter: Option<String>,
    usb_stick: Option<PathBuf>,
    controllers: Vec<Value>,
    network_cards: Vec<NetworkCard>,
    clock: Option<String>,
    tpm: Option<(TpmModel, PathBuf)>,
    variables: Option<VariableStore>,
    memory_mib: u32,
    screen: (u32, u32),
    shell: bool,
    told: &'static str,
}

impl Machine {
    /// A BIOS machine without disks.
    #[must_use]
    pub fn new(chipset: Chipset, boot: Boot) -> Self {
        Machine {
            chipset,
            firmware: Firmware::Bios,
            boot,
            disks: Vec::new(),
            toolbox: None,
            scsi_adapter: None,
            usb_stick: None,
            controllers: Vec::new(),
            network_cards: Vec::new(),
            clock: None,
            tpm: None,
            variables: None,
            memory_mib: 1024,
            screen: (1280, 800),
            shell: true,
            told: "",
        }
    }

    /// The same machine with a monitor of so many pixels.
    #[must_use]
    pub fn screen(mut self, width: u32, height: u32) -> Self {
        self.screen = (width, height);
        self
    }

    /// The same machine, whose kernel, where it is started without a boot menu, is not asked for shells in place of the
    /// examiner's console.
    #[must_use]
    pub fn with_console(mut self) -> Self {
        self.shell = false;
        self
    }

    /// The same machine, whose kernel, where it is started without a boot menu, is told this as well.
    #[must_use]
    pub fn telling_kernel(mut self, words: &'static str) -> Self {
        self.told = words;
        self
    }

    /// The same machine with other firmware.
    #[must_use]
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }

    /// The same machine with this variable store in place of a fresh one.
    #[must_use]
    pub fn variables(mut self, store: &VariableStore) -> Self {
        self.variables = Some(store.clone());
        self
    }

    /// How long it may take to its shell.
    #[must_use]
    pub fn boots_within(&self) -> Duration {
        if self.firmware == Firmware::SecureBoot { SECURE_BOOT_WITHIN } else { BOOT_WITHIN }
    }

    /// The same machine with one more disk.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// The same machine with the toolbox disk of [`crate::toolbox`].
    #[must_use]
    pub fn toolbox(mut self, image: impl Into<PathBuf>) -> Self {
        self.toolbox = Some(image.into());
        self
    }

    /// The same machine with an empty SCSI host adapter.
    #[must_use]
    pub fn scsi_adapter(mut self, name: &str) -> Self {
        self.scsi_adapter = Some(name.into());
        self
    }

    /// The same machine with the USB stick that [`crate::usb_redirection::serve`] serves at `socket`.
    #[must_use]
    pub fn usb_stick(mut self, socket: impl Into<PathBuf>) -> Self {
        self.usb_stick = Some(socket.into());
        self
    }

    /// The same machine with one more device that is no disk, such as a controller that disks are put behind.
    #[must_use]
    pub fn controller(mut self, device: Value) -> Self {
        self.controllers.push(device);
        self
    }

    /// The same machine with one more network card.
    #[must_use]
    pub fn network_card(mut self, card: &NetworkCard) -> Self {
        self.network_cards.push(card.clone());
        self
    }

    /// The same machine, whose clock stands at `time` (UTC, e.g. `2026-03-17T09:12:04`) when it is switched on.
    #[must_use]
    pub fn clock(mut self, time: &str) -> Self {
        self.clock = Some(time.into());
        self
    }

    /// The same machine with the TPM that listens at `socket`.
    #[must_use]
    pub fn tpm(mut self, model: TpmModel, socket: impl Into<PathBuf>) -> Self {
        self.tpm = Some((model, socket.into()));
        self
    }

    /// Switches it on. Serial log, trace and the emulator's complaints go to `logs`.
    ///
    /// # Errors
    /// [`HarnessError::HungUp`] with what the emulator said when it did not accept the machine.
    pub fn start(self, logs: &Path) -> Result<Emulator> {
        Emulator::start(self, logs)
    }

    fn arguments(&self, sockets: &Path, logs: &Path) -> Result<Vec<String>> {
        let chipset = match (self.chipset, self.firmware) {
            (Chipset::Q35, Firmware::SecureBoot) => "q35,smm=on",
            (Chipset::Q35, _) => "q35",
            (Chipset::Pc, _) => "pc",
        };
        let mut arguments =
            words(&["-machine", chipset, "-accel", "tcg", "-cpu", PROCESSOR, "-smp", "1", "-nodefaults"]);
        arguments.extend(["-m".into(), self.memory_mib.to_string()]);
        arguments.extend(words(&["-display", "none", "-vga", "none"]));
        let (xres, yres) = self.screen;
        add_device(&mut arguments, &json!({ "driver": "VGA", "edid": true, "xres": xres, "yres": yres }));
        // A reboot counts as the end, and the end is held, so that the statistics can still be asked for.
        arguments.extend(words(&["-action", "reboot=shutdown,shutdown=pause,panic=pause"]));
        let serial_log = logs.join("serial.log");
        let (serial, control) = (sockets.join("serial"), sockets.join("control"));
        arguments.extend([
            "-chardev".into(),
            format!("socket,id=serial0,path={},logfile={}", serial.display(), serial_log.display()),
            "-serial".into(),
            "chardev:serial0".into(),
            "-chardev".into(),
            format!("socket,id=control0,path={}", control.display()),
            "-mon".into(),
            "chardev=control0,mode=control".into(),
        ]);
        let events = sockets.join("events");
        // The emulator cuts off the last character of a line that no newline ends.
        std::fs::write(&events, trace::EVENTS.join("\n") + "\n")
            .doing(|| format!("writing {}", events.display()))?;
        let trace = logs.join("trace.log");
        arguments.extend(["-trace".into(), format!("events={},file={}", events.display(), trace.display())]);
        self.add_firmware(&mut arguments, sockets)?;
        arguments.extend(words(&["-device", "qemu-xhci,id=xhci", "-device", "usb-ehci,id=ehci"]));
        self.add_boot(&mut arguments);
        if let Some(image) = &self.toolbox {
            add_medium(&mut arguments, "toolbox", image);
            add_device(
                &mut arguments,
                &json!({
                    "driver": "virtio-blk-pci", "id": "toolbox", "drive": "toolbox", "serial": "TOOLBOX",
                }),
            );
        }
        if let Some(name) = &self.scsi_adapter {
            add_device(&mut arguments, &scsi_adapter(name));
        }
        if let Some(socket) = &self.usb_stick {
            arguments.extend(["-chardev".into(), format!("socket,id=stick0,path={}", socket.display())]);
            let device = json!({ "driver": "usb-redir", "chardev": "stick0", "bus": "xhci.0", "port": "3" });
            add_device(&mut arguments, &device);
        }
        if let Some((model, socket)) = &self.tpm {
            arguments.extend(["-chardev".into(), format!("socket,id=tpm-socket,path={}", socket.display())]);
            arguments.extend(words(&["-tpmdev", "emulator,id=tpm0,chardev=tpm-socket"]));
            let driver = if *model == TpmModel::Tis { "tpm-tis" } else { "tpm-crb" };
            add_device(&mut arguments, &json!({ "driver": driver, "tpmdev": "tpm0" }));
        }
        self.controllers.iter().for_each(|device| add_device(&mut arguments, device));
        for card in &self.network_cards {
            arguments.extend(card.arguments(logs));
            add_device(&mut arguments, &card.device());
        }
        if let Some(time) = &self.clock {
            arguments.extend(["-rtc".into(), format!("base={time}")]);
        }
        for disk in &self.disks {
            if let Some(brake) = disk.brake() {
                arguments.extend(["-object".into(), format!("throttle-group,id={brake}")]);
            }
            disk.nodes().iter().for_each(|node| arguments.extend(["-blockdev".into(), node.to_string()]));
            disk.devices().iter().for_each(|device| add_device(&mut arguments, device));
        }
        Ok(arguments)
    }

    fn add_firmware(&self, arguments: &mut Vec<String>, sockets: &Path) -> Result<()> {
        let (code, keys) = match self.firmware {
            Firmware::Bios => return Ok(()),
            Firmware::Uefi => (OVMF_CODE, Keys::None),
            Firmware::SecureBoot => (OVMF_SECURE_CODE, Keys::Microsoft),
        };
        if !Path::new(code).is_file() {
            return Err(HarnessError::Missing { program: code.into(), package: "ovmf".into() });
        }
        if self.firmware == Firmware::SecureBoot {
            arguments.extend(words(&["-global", "driver=cfi.pflash01,property=secure,value=on"]));
        }
        let variables = match &self.variables {
            Some(given) => given.clone(),
            None => VariableStore::make(sockets.join("variables"), keys)?,
        };
        arguments.extend([
            "-drive".into(),
            format!("if=pflash,unit=0,format=raw,readonly=on,file={code}"),
            "-drive".into(),
            format!("if=pflash,unit=1,format=raw,file={}", variables.path().display()),
        ]);
        Ok(())
    }

    fn add_boot(&self, arguments: &mut Vec<String>) {
        let shell = if self.shell { "pf.shell " } else { "" };
        let words_of_kernel = format!("console=ttyS0 {shell}{}", self.told);
        match &self.boot {
            Boot::Kernel(kernel) => {
                arguments.extend(["-kernel".into(), kernel.display().to_string()]);
                arguments.extend(words(&["-append", &words_of_kernel]));
            }
            Boot::KernelWithInitramfs(kernel, initramfs) => {
                arguments.extend(["-kernel".into(), kernel.display().to_string()]);
                arguments.extend(["-initrd".into(), initramfs.display().to_string()]);
                arguments.extend(words(&["-append", &words_of_kernel]));
            }
            Boot::UsbStick(iso) => {
                add_medium(arguments, BOOT_STICK, iso);
                add_device(
                    arguments,
                    &json!({
                        "driver": "usb-storage", "id": BOOT_STICK, "drive": BOOT_STICK, "serial": BOOT_STICK_SERIAL,
                        "bus": "xhci.0", "port": "4", "bootindex": 0, "removable": true,
                    }),
                );
            }
            Boot::Cd(iso) => {
                add_medium(arguments, "cd", iso);
                let bus = if self.chipset == Chipset::Q35 { "ide.5" } else { "ide.1" };
                add_device(
                    arguments,
                    &json!({
                        "driver": "ide-cd", "id": "cd", "drive": "cd", "bus": bus, "bootindex": 0,
                    }),
                );
            }
        }
    }
}

/// What the emulator says of a trace event that it does not have; it goes on without.
fn unknown_events(complaints: &Path) -> Option<String> {
    let said = std::fs::read_to_string(complaints).unwrap_or_default();
    said.lines().find(|line| line.contains("trace event")).map(str::to_string)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

fn add_device(arguments: &mut Vec<String>, device: &Value) {
    arguments.extend(["-device".into(), device.to_string()]);
}

/// A medium of the bench, not of the case: read-only for the emulator itself.
fn add_medium(arguments: &mut Vec<String>, name: &str, image: &Path) {
    let node = json!({
        "driver": "raw", "node-name": name, "read-only": true,
        "file": { "driver": "file", "filename": image, "read-only": true },
    });
    arguments.extend(["-blockdev".into(), node.to_string()]);
}

/// A running machine. Dropping it switches it off without ceremony.
pub struct Emulator {
    child: Child,
    /// The serial port and the shell behind it.
    pub shell: SerialShell,
    /// The emulator's control protocol.
    pub qmp: Qmp,
    disks: Vec<Disk>,
    logs: PathBuf,
    started: Instant,
    // Sockets and the variable store; last, so that it goes when the process is gone.
    _sockets: TempDir,
}

impl Emulator {
    fn start(machine: Machine, logs: &Path) -> Result<Self> {
        // The path of a Unix socket has 108 bytes at most: not below the build folder.
        let sockets =
            tempfile::Builder::new().prefix("pf-").tempdir_in("/tmp").doing(|| "making a folder".into())?;
        let bind = |name: &str| {
            let path = sockets.path().join(name);
            UnixListener::bind(&path).doing(|| format!("listening on {}", path.display())).map(|l| (l, path))
        };
        let (serial, serial_path) = bind("serial")?;
        let (control, control_path) = bind("control")?;
        let complaints = logs.join("emulator.log");
        let said =
            std::fs::File::create(&complaints).doing(|| format!("creating {}", complaints.display()))?;
        let mut child = Command::new(find("setpriv", "util-linux")?)
            // Ends the emulator when the thread that started it ends, however that came about.
            .args(["--pdeathsig", "KILL"])
            .arg(find("qemu-system-x86_64", "qemu-system-x86")?)
            .args(machine.arguments(sockets.path(), logs)?)
            .stdin(Stdio::null())
            .stdout(said.try_clone().doing(|| "sharing the emulator's log".into())?)
            .stderr(said)
            .spawn()
            .doing(|| "starting the emulator".into())?;
        let connect = || -> Result<(Qmp, SerialShell)> {
            let serial = Socket::accept(serial, &serial_path, &mut child, CONNECT_WITHIN)?;
            let control = Socket::accept(control, &control_path, &mut child, CONNECT_WITHIN)?;
            Ok((Qmp::negotiate(control)?, SerialShell::new(serial)))
        };
        let connected = connect().and_then(|connected| match unknown_events(&complaints) {
            None => Ok(connected),
            Some(words) => Err(HarnessError::Unfit(format!("a witness would be deaf: {words}"))),
        });
        match connected {
            Ok((qmp, shell)) => Ok(Emulator {
                child,
                shell,
                qmp,
                disks: machine.disks,
                logs: logs.into(),
                started: Instant::now(),
                _sockets: sockets,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(&complaints).unwrap_or_default();
                Err(match error {
                    HarnessError::HungUp { awaited, .. } => HarnessError::HungUp { awaited, said },
                    other => other,
                })
            }
        }
    }

    /// The disks that are or were plugged in, in order.
    #[must_use]
    pub fn disks(&self) -> &[Disk] {
        &self.disks
    }

    /// How long it has been running.
    #[must_use]
    pub fn running_for(&self) -> Duration {
        self.started.elapsed()
    }

    /// Plugs a disk into the running machine. USB disks and SCSI disks behind an adapter can be.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`].
    pub fn plug(&mut self, disk: Disk) -> Result<()> {
        for node in disk.nodes() {
            self.qmp.execute("blockdev-add", node)?;
        }
        let mut held_back = None;
        for mut device in disk.devices() {
            if device["driver"] == "usb-uas" {
                // The guest looks for its disks when it is attached, so that comes after the disk.
                device["attached"] = false.into();
                held_back = Some(format!("/machine/peripheral/{}", disk.unplug_id()));
            }
            self.qmp.execute("device_add", device)?;
        }
        if let Some(path) = held_back {
            self.qmp.execute("qom-set", json!({ "path": path, "property": "attached", "value": true }))?;
        }
        self.disks.retain(|known| known.name != disk.name);
        self.disks.push(disk);
        Ok(())
    }

    /// Pulls a disk out and lets go of its image.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`]; [`HarnessError::Deadline`] when the machine does not let go of it.
    pub fn unplug(&mut self, disk: &Disk) -> Result<()> {
        self.remove_device(&disk.unplug_id())?;
        for node in disk.nodes().iter().rev() {
            self.qmp.execute("blockdev-del", json!({ "node-name": node["node-name"] }))?;
        }
        Ok(())
    }

    /// Pulls out the USB stick that the machine was booted from, and lets go of its image.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`], also where it was booted from something else.
    pub fn pull_boot_stick(&mut self) -> Result<()> {
        self.remove_device(BOOT_STICK)?;
        self.qmp.execute("blockdev-del", json!({ "node-name": BOOT_STICK })).map(|_| ())
    }

    fn remove_device(&mut self, id: &str) -> Result<()> {
        self.qmp.execute("device_del", json!({ "id": id }))?;
        self.qmp
            .await_event("DEVICE_DELETED", Duration::from_secs(30), |data| data["device"] == id)
            .map(|_| ())
    }

    /// Slows the reads of a disk with a brake down to `bytes_per_second`, or lets go of it with 0.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`]; [`HarnessError::Unfit`] for a disk without a brake.
    pub fn brake(&mut self, disk: &Disk, bytes_per_second: u64) -> Result<()> {
        let Some(brake) = disk.brake() else {
            return Err(HarnessError::Unfit(format!("{} has no brake", disk.name)));
        };
        let limits = json!({
            "path": format!("/objects/{brake}"), "property": "limits", "value": { "bps-read": bytes_per_second },
        });
        self.qmp.execute("qom-set", limits).map(|_| ())
    }

    /// Waits until the guest has powered the machine off; it is then held for questions.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`].
    pub fn await_power_off(&mut self, within: Duration) -> Result<()> {
        self.qmp.await_event("SHUTDOWN", within, |data| data["guest"] == true).map(|_| ())
    }

    /// The commands that the disks have received so far. The emulator writes each line of its trace at once.
    ///
    /// # Errors
    /// [`HarnessError::Host`] when the trace can't be read.
    pub fn trace_so_far(&self) -> Result<Vec<trace::Command>> {
        trace::read(&self.logs.join("trace.log"))
    }

    /// Ends the process in good order, so that the trace is complete, and says where the trace lies.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when it does not end, and with the emulator's words when it ended otherwise than it should.
    pub fn quit(mut self) -> Result<PathBuf> {
        self.qmp.execute("quit", json!({}))?;
        let status = await_end(&mut self.child, "the emulator", QUITS_WITHIN)?;
        if status.success() {
            return Ok(self.logs.join("trace.log"));
        }
        let said = std::fs::read_to_string(self.logs.join("emulator.log")).unwrap_or_default();
        Err(HarnessError::Unfit(format!("the emulator ended with {status}: {}", last_part(&said, 1000))))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
