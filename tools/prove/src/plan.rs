//! What will be tried on a disk, in order, before anything is tried.

use crate::catalogue::ata::AtaForm;
use crate::catalogue::block::BlockForm;
use crate::catalogue::calls::{CALLS, Call, CallForm};
use crate::catalogue::mmc::MmcForm;
use crate::catalogue::nvme::NvmeForm;
use crate::catalogue::reset::{FollowUp, ResetForm};
use crate::catalogue::scsi::{ScsiForm, VENDOR_OPCODES};
use crate::catalogue::ufs::UfsForm;
use crate::catalogue::{ata, block, mmc, mount, nvme, optical, reset, scsi, ufs};
use crate::command::{Carrier, Data};
use crate::layout::file_systems::{self, FILE_SYSTEMS, FileSystem};
use crate::mounts::Mount;
use crate::resets;
use crate::target::Target;
use crate::vector::{Class, Door, Effect, Row, Stake};
use device::SignatureReport;
use evidence::Transport;
use passthrough::nvme::{Command as NvmeCommand, Queue};

/// What is done in an attempt.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Something on a block node.
    Block(BlockForm),
    /// A SCSI command of the catalogue.
    Scsi(ScsiForm),
    /// An ATA command of the catalogue, carried by a SCSI one.
    Ata(AtaForm, Carrier),
    /// An NVMe command of the catalogue.
    Nvme(NvmeForm),
    /// The write of `NVME_IOCTL_SUBMIT_IO`.
    NvmeSubmit,
    /// An MMC command of the catalogue.
    Mmc(MmcForm),
    /// A UFS query.
    Ufs(UfsForm),
    /// An ioctl of its own kind.
    Call(CallForm),
    /// A mount of what lies on the disk.
    Mount(Mount),
    /// A reset or re-discovery, and the write that follows.
    Reset(ResetForm, FollowUp),
    /// A SCSI command byte for byte.
    RawScsi(Vec<u8>, Data),
    /// An NVMe command field for field.
    RawNvme(Queue, NvmeCommand, Data),
    /// An MMC command field for field.
    RawMmc(passthrough::mmc::Command, Data),
}

/// One attempt: a row of the catalogue through one door.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) class: Class,
    pub(crate) door: Door,
    pub(crate) name: String,
    pub(crate) clause: &'static str,
    pub(crate) effect: Effect,
    pub(crate) stake: Stake,
    pub(crate) action: Action,
}

/// All attempts for a disk: first what is at stake only for the scratch data, then what may cost the device. Mounts come before
/// all else, while file systems are as they were found; resets last, for the disk may come back under another name.
pub(crate) fn plan(target: &Target, only: &[Class]) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    mount_attempts(target, &mut attempts);
    call_attempts(target, &[Class::Raid], &mut attempts);
    block_attempts(target, &mut attempts);
    if target.takes_scsi() {
        scsi_attempts(target, &mut attempts);
    }
    match target.transport() {
        Transport::Nvme => nvme_attempts(target, &mut attempts),
        Transport::Mmc => attempts.extend(
            mmc::rows_for(target.card_kind())
                .map(|row| attempt(Class::Mmc, Door::Disk, row, Action::Mmc(row.form))),
        ),
        _ => {}
    }
    if target.node(Door::UfsHost).is_some() {
        add(&mut attempts, Class::Ufs, Door::UfsHost, ufs::ROWS, Action::Ufs);
    }
    call_attempts(target, CALL_CLASSES, &mut attempts);
    for row in reset::ROWS.iter().filter(|row| resets::applies(row.form, target)) {
        resets_of(row, &mut attempts);
    }
    attempts.retain(|attempt| only.is_empty() || only.contains(&attempt.class));
    attempts.sort_by_key(|attempt| attempt.stake == Stake::Device);
    attempts
}

/// Every row of the catalogue once, for `pf-prove list`.
pub(crate) fn catalogue() -> Vec<Attempt> {
    let mut all = Vec::new();
    add(&mut all, Class::Block, Door::Disk, block::ROWS, Action::Block);
    add(&mut all, Class::Block, Door::Disk, block::DISK_ROWS, Action::Block);
    add(&mut all, Class::Block, Door::Loop, block::LOOP_ROWS, Action::Block);
    add(&mut all, Class::Block, Door::Mapper, block::MAPPER_ROWS, Action::Block);
    add(&mut all, Class::Scsi, Door::Disk, scsi::ROWS, Action::Scsi);
    vendor_opcodes(&mut all, Door::Disk);
    add(&mut all, Class::Optical, Door::Disk, optical::ROWS, Action::Scsi);
    add(&mut all, Class::Ata, Door::Disk, ata::ROWS, |form| Action::Ata(form, Carrier::Sixteen));
    add(&mut all, Class::Nvme, Door::Disk, nvme::ROWS, Action::Nvme);
    add(&mut all, Class::Mmc, Door::Disk, mmc::ROWS, Action::Mmc);
    add(&mut all, Class::Ufs, Door::UfsHost, ufs::ROWS, Action::Ufs);
    all.extend(
        CALLS.iter().map(|call| attempt(call.class, call.door, &call.row, Action::Call(call.row.form))),
    );
    for file_system in FILE_SYSTEMS {
        mounts_of(file_system, None, &mut all);
    }
    for row in reset::ROWS {
        resets_of(row, &mut all);
    }
    all
}

/// The write that follows a reset; `None` for a disk that takes no commands past the block layer.
pub(crate) fn follow_up(what: FollowUp, target: &Target) -> Option<Attempt> {
    let named = |rows: &'static [Row<ScsiForm>], name: &str| rows.iter().find(|row| row.name == name);
    let block = |form| {
        let row = block::ROWS.iter().find(|row| row.form == form)?;
        Some(attempt(Class::Block, Door::Disk, row, Action::Block(form)))
    };
    match what {
        FollowUp::Write => block(BlockForm::Direct),
        FollowUp::ClearMarkThenWrite => block(BlockForm::SetWritableThenDirect),
        FollowUp::RawWrite if target.transport() == Transport::Nvme => {
            let row = nvme::ROWS.iter().find(|row| row.name == "Write")?;
            Some(attempt(Class::Nvme, Door::Disk, row, Action::Nvme(row.form)))
        }
        FollowUp::RawWrite if target.takes_scsi() => {
            let row = named(if target.optical { optical::ROWS } else { scsi::ROWS }, "WRITE (10)")?;
            let door = if target.node(Door::Generic).is_some() { Door::Generic } else { Door::Disk };
            Some(attempt(Class::Scsi, door, row, Action::Scsi(row.form)))
        }
        FollowUp::RawWrite => None,
    }
}

fn attempt<Form>(class: Class, door: Door, row: &Row<Form>, action: Action) -> Attempt {
    let Row { name, clause, effect, stake, .. } = *row;
    Attempt { class, door, name: name.to_owned(), clause, effect, stake, action }
}

fn add<Form: Copy>(
    to: &mut Vec<Attempt>,
    class: Class,
    door: Door,
    rows: &'static [Row<Form>],
    action: impl Fn(Form) -> Action,
) {
    to.extend(rows.iter().map(|row| attempt(class, door, row, action(row.form))));
}

fn block_attempts(target: &Target, to: &mut Vec<Attempt>) {
    for door in [Door::Disk, Door::Partition].into_iter().filter(|door| target.node(*door).is_some()) {
        add(to, Class::Block, door, block::ROWS, Action::Block);
    }
    add(to, Class::Block, Door::Disk, block::DISK_ROWS, Action::Block);
    if target.node(Door::Loop).is_some() {
        add(to, Class::Block, Door::Loop, block::LOOP_ROWS, Action::Block);
    }
    if target.node(Door::Mapper).is_some() {
        add(to, Class::Block, Door::Mapper, block::MAPPER_ROWS, Action::Block);
    }
}

/// Classes of calls beside the assembly of arrays, which comes first.
const CALL_CLASSES: &[Class] =
    &[Class::Ata, Class::Reservation, Class::Opal, Class::Floppy, Class::Nvme, Class::Usb];

fn call_attempts(target: &Target, classes: &[Class], to: &mut Vec<Attempt>) {
    let fits = |call: &&Call| classes.contains(&call.class) && applies(call.class, call.door, target);
    to.extend(
        CALLS
            .iter()
            .filter(fits)
            .map(|call| attempt(call.class, call.door, &call.row, Action::Call(call.row.form))),
    );
}

/// Every file system in every partition, or on the disk itself where it has none.
fn mount_attempts(target: &Target, to: &mut Vec<Attempt>) {
    let mut mounts = |report: &SignatureReport, partition| {
        file_systems::among(report.found()).for_each(|file_system| mounts_of(file_system, partition, to));
    };
    if target.disk.partitions.is_empty() {
        mounts(&target.disk.signatures, None);
    }
    for partition in &target.disk.partitions {
        mounts(&partition.signatures, Some(partition.number));
    }
}

fn mounts_of(file_system: &'static FileSystem, partition: Option<u64>, to: &mut Vec<Attempt>) {
    for row in mount::ROWS {
        if row.form.first == mount::First::Untouched && file_system.untouched.is_empty() {
            continue;
        }
        let door = if partition.is_some() { Door::Partition } else { Door::Disk };
        let mount = Mount { file_system, form: row.form, partition };
        let mut one = attempt(Class::Mount, door, row, Action::Mount(mount));
        let place = partition.map_or_else(String::new, |number| format!(" on partition {number}"));
        one.name = format!("mount {}{place}, {}", file_system.kind, row.name);
        to.push(one);
    }
}

fn resets_of(row: &Row<ResetForm>, to: &mut Vec<Attempt>) {
    for (follow_up, words) in FollowUp::ALL {
        let mut one = attempt(reset::CLASS, Door::Disk, row, Action::Reset(row.form, follow_up));
        one.name = format!("{}, {words}", row.name);
        to.push(one);
    }
}

fn scsi_attempts(target: &Target, to: &mut Vec<Attempt>) {
    let doors =
        [Door::Disk, Door::Generic, Door::Bsg].into_iter().filter(|door| target.node(*door).is_some());
    for door in doors {
        if target.optical {
            add(to, Class::Optical, door, optical::ROWS, Action::Scsi);
        } else {
            add(to, Class::Scsi, door, scsi::ROWS, Action::Scsi);
            for carrier in carriers(door) {
                let fits = ata::ROWS.iter().filter(|row| *carrier != Carrier::Short || !row.form.extended);
                to.extend(fits.map(|row| {
                    let mut one = attempt(Class::Ata, door, row, Action::Ata(row.form, *carrier));
                    one.name.push_str(carrier.suffix());
                    one
                }));
            }
        }
        vendor_opcodes(to, door);
    }
}

/// Each form of ATA PASS-THROUGH through one door at least, whether or not there is a bsg node.
fn carriers(door: Door) -> &'static [Carrier] {
    match door {
        Door::Generic => &[Carrier::Short, Carrier::ThirtyTwo],
        _ => &[Carrier::Sixteen],
    }
}

fn vendor_opcodes(to: &mut Vec<Attempt>, door: Door) {
    for opcode in VENDOR_OPCODES {
        let mut cdb = vec![0; 10];
        if let Some(first) = cdb.first_mut() {
            *first = opcode;
        }
        to.push(Attempt {
            class: Class::Scsi,
            door,
            name: format!("vendor opcode {opcode:02X}h"),
            clause: "SPC-5, operation codes",
            effect: Effect::Miscellaneous,
            stake: Stake::Scratch,
            action: Action::RawScsi(cdb, Data::None),
        });
    }
}

fn nvme_attempts(target: &Target, to: &mut Vec<Attempt>) {
    for door in [Door::Disk, Door::Controller, Door::NvmeGeneric, Door::Ring] {
        if target.node(door).is_some() {
            add(to, Class::Nvme, door, nvme::ROWS, Action::Nvme);
        }
    }
    to.push(Attempt {
        class: Class::Nvme,
        door: Door::Disk,
        name: "NVME_IOCTL_SUBMIT_IO, Write".to_owned(),
        clause: "linux/nvme_ioctl.h",
        effect: Effect::Write,
        stake: Stake::Scratch,
        action: Action::NvmeSubmit,
    });
}

/// Whether a call is about this disk at all. Reservations and Opal are asked of every disk: the kernel says what it has.
fn applies(class: Class, door: Door, target: &Target) -> bool {
    match class {
        Class::Ata => target.takes_scsi() && !target.optical,
        Class::Floppy => target.transport() == Transport::Floppy,
        _ => target.node(door).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_rows_of_a_class_have_the_same_name() {
        let mut seen = HashSet::new();
        for row in catalogue() {
            assert!(seen.insert((row.class, row.name.clone())), "{} {}", row.class, row.name);
        }
        assert!(seen.len() > 500, "{} rows", seen.len());
    }

    #[test]
    fn no_class_of_calls_is_forgotten_in_the_plan() {
        for call in CALLS {
            assert!(call.class == Class::Raid || CALL_CLASSES.contains(&call.class), "{}", call.row.name);
        }
    }

    #[test]
    fn every_file_system_is_mounted_in_every_way_and_every_reset_is_followed_by_every_write() {
        let rows = catalogue();
        let of = |words: &str| rows.iter().filter(|row| row.name.contains(words)).count();
        let begins = |words: &str| rows.iter().filter(|row| row.name.starts_with(words)).count();
        for file_system in FILE_SYSTEMS {
            let ways = if file_system.untouched.is_empty() { 7 } else { 10 };
            assert_eq!(of(&format!("mount {},", file_system.kind)), ways, "{}", file_system.kind);
        }
        assert_eq!(of("FITRIM"), 2 * FILE_SYSTEMS.len() + 4);
        for row in reset::ROWS {
            assert_eq!(begins(&format!("{}, then", row.name)), 3, "{}", row.name);
        }
    }

    #[test]
    fn what_can_cost_the_device_is_marked_so() {
        let at_stake = |class, words: &str| {
            let rows = catalogue().into_iter().filter(|row| row.class == class && row.name.contains(words));
            let stakes: Vec<Stake> = rows.map(|row| row.stake).collect();
            assert!(!stakes.is_empty(), "no row {words}");
            assert!(stakes.iter().all(|stake| *stake == Stake::Device), "{words}");
        };
        at_stake(Class::Ata, "SECURITY SET PASSWORD");
        at_stake(Class::Ata, "SECURITY ERASE UNIT");
        at_stake(Class::Ata, "DOWNLOAD MICROCODE");
        at_stake(Class::Ata, "overwrite ext");
        at_stake(Class::Scsi, "FORMAT UNIT");
        at_stake(Class::Scsi, "SANITIZE, block erase");
        at_stake(Class::Scsi, "microcode");
        at_stake(Class::Nvme, "Format NVM");
        at_stake(Class::Nvme, "Firmware");
        at_stake(Class::Nvme, "permanent");
        at_stake(Class::Mmc, "LOCK_UNLOCK");
    }
}
