//! Resets and re-discovery carried out, and the disk found again behind them.

use crate::catalogue::reset::ResetForm;
use crate::target::Target;
use crate::vector::Door;
use passthrough::nvme::ControllerAction;
use passthrough::{Access, Answer, Node, nvme, scsi, usb};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a disk may take until it is back.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked for: a write shall meet it as soon as it is there.
const LOOK: Duration = Duration::from_millis(20);

/// Whether the disk has what this reset goes through.
pub(crate) fn applies(form: ResetForm, target: &Target) -> bool {
    match form {
        ResetForm::Scsi(_) => target.takes_scsi(),
        ResetForm::NvmeIoctl => target.node(Door::Controller).is_some(),
        ResetForm::NvmeSysfs => controller_folder(target).is_some(),
        ResetForm::Usb => target.node(Door::UsbDevice).is_some(),
        ResetForm::Scan => host_scan(target).is_some(),
        ResetForm::Rediscovery => host_scan(target).is_some() && target.folder.join("device/delete").exists(),
        ResetForm::Pci => pci_function(target).is_some(),
    }
}

/// Resets. [`Answer::Done`] says that the kernel took it, not that the disk is back.
pub(crate) fn perform(form: ResetForm, target: &Target) -> Answer {
    let on = |door: Door, act: &dyn Fn(&Node) -> Answer| match target
        .node(door)
        .map(Node::open_as_far_as_possible)
    {
        Some(Ok(node)) => act(&node),
        Some(Err(error)) => Answer::from_error("open", &error),
        None => Answer::Errno { step: "open", errno: libc::ENOENT },
    };
    match form {
        ResetForm::Scsi(what) => {
            let door = if target.node(Door::Generic).is_some() { Door::Generic } else { Door::Disk };
            on(door, &|node| scsi::reset(node, what))
        }
        ResetForm::NvmeIoctl => on(Door::Controller, &|node| nvme::control(node, ControllerAction::Reset)),
        ResetForm::NvmeSysfs => write_to(controller_folder(target), "reset_controller", "1"),
        ResetForm::Usb => {
            match target.node(Door::UsbDevice).map(|path| Node::open(path, Access::ReadWrite)) {
                Some(Ok(node)) => usb::reset(&node),
                Some(Err(error)) => Answer::from_error("open", &error),
                None => Answer::Errno { step: "open", errno: libc::ENOENT },
            }
        }
        ResetForm::Scan => write_to(host_scan(target), "scan", "- - -"),
        ResetForm::Rediscovery => {
            let host = host_scan(target);
            match write_to(Some(target.folder.join("device")), "delete", "1") {
                Answer::Done => write_to(host, "scan", "- - -"),
                refused => refused,
            }
        }
        ResetForm::Pci => remove_and_rescan(target),
    }
}

/// The same disk by what it says it is, under whatever name it has now.
pub(crate) fn find_again(target: &Target) -> Option<Target> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = device::inventory::list().unwrap_or_default();
        let own = &target.disk.identity;
        let mut same: Vec<_> = found
            .into_iter()
            .filter(|disk| {
                let other = &disk.identity;
                (&other.make, &other.model, &other.serial, &other.wwn, other.capacity)
                    == (&own.make, &own.model, &own.serial, &own.wwn, own.capacity)
            })
            .collect();
        // Two of a kind without serials are told apart by name alone, if at all.
        let named = same.iter().position(|disk| disk.name == target.disk.name);
        let chosen = named.or((same.len() == 1).then_some(0)).map(|index| same.swap_remove(index));
        let back = chosen.and_then(|disk| Target::again(Path::new(&disk.identity.path)).ok());
        if let Some(back) = back.filter(can_be_read) {
            return Some(back);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(LOOK);
    }
}

fn can_be_read(target: &Target) -> bool {
    Node::open(Path::new(&target.disk.identity.path), Access::ReadOnly).is_ok()
}

fn write_to(folder: Option<PathBuf>, name: &'static str, text: &str) -> Answer {
    let Some(folder) = folder else { return Answer::Errno { step: name, errno: libc::ENOENT } };
    // No new file, should the kernel have taken it away: so no create.
    let opened = std::fs::OpenOptions::new().write(true).open(folder.join(name));
    let written = opened.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    Answer::from_result(name, &written)
}

fn controller_folder(target: &Target) -> Option<PathBuf> {
    let folder = target.folder.join("device").canonicalize().ok()?;
    folder.join("reset_controller").exists().then_some(folder)
}

/// The folder of the SCSI host that the disk hangs on.
fn host_scan(target: &Target) -> Option<PathBuf> {
    let numbered = |folder: &&Path| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_prefix("host").is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    let host = target.folder.ancestors().find(numbered)?;
    let folder = Path::new("/sys/class/scsi_host").join(host.file_name()?);
    folder.join("scan").exists().then_some(folder)
}

/// The nearest PCI function above the disk.
fn pci_function(target: &Target) -> Option<PathBuf> {
    let is_pci = |folder: &&Path| {
        let bus = folder.join("subsystem").canonicalize();
        bus.is_ok_and(|bus| bus == Path::new("/sys/bus/pci")) && folder.join("remove").exists()
    };
    target.folder.ancestors().find(is_pci).map(Path::to_owned)
}

/// Names of the other disks behind a PCI function.
fn others_behind(function: &Path, disk: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().canonicalize().is_ok_and(|folder| folder.starts_with(function)))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != disk)
        .collect()
}

fn remove_and_rescan(target: &Target) -> Answer {
    let Some(function) = pci_function(target) else {
        return Answer::Errno { step: "remove", errno: libc::ENOENT };
    };
    if !others_behind(&function, &target.disk.name).is_empty() {
        // Not this run's to take away.
        return Answer::Errno {
            step: "not tried, other disks hang on the same PCI function",
            errno: libc::ENODEV,
        };
    }
    match write_to(Some(function), "remove", "1") {
        Answer::Done => write_to(Some(PathBuf::from("/sys/bus/pci")), "rescan", "1"),
        refused => refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::Transport;

    #[test]
    fn a_disk_that_is_nowhere_has_nothing_to_reset() {
        let target = Target::pretended(Transport::Scsi, &[]);
        for form in
            [ResetForm::NvmeIoctl, ResetForm::Usb, ResetForm::Scan, ResetForm::Rediscovery, ResetForm::Pci]
        {
            assert!(!applies(form, &target), "{form:?}");
            assert!(matches!(perform(form, &target), Answer::Errno { errno: libc::ENOENT, .. }), "{form:?}");
        }
    }
}
