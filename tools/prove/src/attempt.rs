//! One attempt carried out: the node opened, the command sent, the answer taken.

use crate::catalogue::block::BlockForm;
use crate::catalogue::calls::CallForm;
use crate::catalogue::mmc::{Argument, MmcForm};
use crate::catalogue::ufs::UfsForm;
use crate::command::{self, Aim, Data};
use crate::mounts;
use crate::plan::{Action, Attempt};
use crate::target::Target;
use crate::vector::{Door, Payload};
use device::AlignedBuffer;
use passthrough::nvme::Queue;
use passthrough::{
    Access, Answer, Node, block, floppy, hdio, loop_device::LoopDevice, mapper::LinearDevice, mmc, nvme,
    opal, raid::Array, reservation,
};
use passthrough::{ring::Ring, scsi, usb};
use std::path::Path;
use std::time::Duration;

/// What each command gets before the kernel aborts it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// A key for reservations, recognisable in a trace.
const KEY: u64 = 0x5046_5052_4F56_4531;

/// Carries out one attempt at `aim`; `offset` is the aim in bytes on the node that the door leads to.
pub(crate) fn carry_out(attempt: &Attempt, target: &Target, aim: &Aim, offset: u64) -> Answer {
    let Some(path) = target.node(attempt.door) else {
        return Answer::Errno { step: "open", errno: libc::ENOENT };
    };
    match &attempt.action {
        Action::Block(form) if attempt.door == Door::Loop => on_loop(*form, path, aim, offset),
        Action::Block(form) if attempt.door == Door::Mapper => on_mapper(*form, path, aim, offset),
        Action::Block(form) => on_block(*form, path, aim, offset),
        Action::Scsi(form) => {
            let (cdb, data) = command::scsi(form, aim);
            send_scsi(attempt.door, path, &cdb, &data)
        }
        Action::RawScsi(cdb, data) => send_scsi(attempt.door, path, cdb, data),
        Action::Ata(form, carrier) => {
            let (file, data) = command::taskfile(form, aim);
            let cdb = command::ata_passthrough(&file, &data, aim.sector, *carrier, false);
            send_scsi(attempt.door, path, &cdb, &data)
        }
        Action::Nvme(form) => {
            let (command, data) = command::nvme(form, aim);
            send_nvme(attempt.door, target, form.queue, &command, &data)
        }
        Action::RawNvme(queue, command, data) => send_nvme(attempt.door, target, *queue, command, data),
        Action::NvmeSubmit => with_node(path, |node| {
            let Data::Out(bytes) = aim.data(Payload::Blocks(1)) else { return Answer::Done };
            nvme::submit_write(node, aim.lba, aim.sector, &bytes)
        }),
        Action::Mmc(form) => send_mmc(path, form, aim, target),
        Action::RawMmc(command, data) => with_node(path, |node| mmc_to(node, command, data)),
        Action::Ufs(form) => send_query(path, *form),
        Action::Call(form) => call(*form, path, target, aim),
        Action::Mount(mount) => match target.partition_node(mount.partition) {
            Some(node) => mounts::carry_out(mount, node),
            None => Answer::Errno { step: "open", errno: libc::ENOENT },
        },
        // The run resets, finds the disk again and then makes the attempt that follows.
        Action::Reset(..) => Answer::Errno { step: "reset", errno: libc::ENOSYS },
    }
}

/// Opens as far as the kernel lets us: many ioctls ask nothing of how their node was opened.
fn with_node(path: &Path, act: impl FnOnce(&Node) -> Answer) -> Answer {
    match Node::open_as_far_as_possible(path) {
        Ok(node) => act(&node),
        Err(error) => Answer::from_error("open", &error),
    }
}

fn opened(path: &Path, access: Access, act: impl FnOnce(&Node) -> Answer) -> Answer {
    match Node::open(path, access) {
        Ok(node) => act(&node),
        Err(error) => Answer::from_error("open", &error),
    }
}

/// A page of fresh bytes on a page border, as direct writes and mappings want it.
fn page(aim: &Aim) -> Result<AlignedBuffer, Answer> {
    const PAGE: usize = 4096;
    let no_memory = |_| Answer::Errno { step: "buffer", errno: libc::ENOMEM };
    let mut buffer = AlignedBuffer::new(PAGE).map_err(no_memory)?;
    if let Data::Out(bytes) = aim.data(Payload::Fresh(PAGE)) {
        buffer.copy_from_slice(&bytes);
    }
    Ok(buffer)
}

fn on_block(form: BlockForm, path: &Path, aim: &Aim, offset: u64) -> Answer {
    let data = match page(aim) {
        Ok(data) => data,
        Err(answer) => return answer,
    };
    let length = crate::watch::STRETCH;
    match form {
        BlockForm::Buffered => {
            opened(path, Access::ReadWrite, |node| block::write_and_sync(node, offset, &data))
        }
        BlockForm::Direct => {
            opened(path, Access::DirectWrite, |node| block::write_and_sync(node, offset, &data))
        }
        BlockForm::Flagged(flag) => {
            let direct = matches!(flag, block::WriteFlag::Polled | block::WriteFlag::Atomic);
            let access = if direct { Access::DirectWrite } else { Access::ReadWrite };
            opened(path, access, |node| block::write_flagged(node, offset, &data, flag))
        }
        BlockForm::Mapped => {
            opened(path, Access::ReadWrite, |node| block::write_by_mapping(node, offset, &data))
        }
        BlockForm::Range(action) => with_node(path, |node| block::change_range(node, action, offset, length)),
        BlockForm::Fallocate(mode) => with_node(path, |node| block::fallocate(node, mode, offset, length)),
        BlockForm::SetWritable => with_node(path, |node| block::set_read_only(node, false)),
        BlockForm::SetWritableThenDirect => {
            // Its own answer is told by the row before; here counts whether a write goes through afterwards.
            with_node(path, |node| block::set_read_only(node, false));
            opened(path, Access::DirectWrite, |node| block::write_and_sync(node, offset, &data))
        }
        BlockForm::AddPartition => {
            with_node(path, |node| block::add_and_remove_partition(node, 63, offset, length))
        }
        BlockForm::RereadPartitions => with_node(path, block::reread_partitions),
        BlockForm::DropCache => with_node(path, block::drop_cache),
        BlockForm::Flush => with_node(path, block::flush),
    }
}

fn on_loop(form: BlockForm, path: &Path, aim: &Aim, offset: u64) -> Answer {
    with_node(path, |disk| match LoopDevice::on(disk) {
        Err(error) => Answer::from_error("loop device", &error),
        Ok(device) => on_block(form, device.node().path(), aim, offset),
    })
}

fn on_mapper(form: BlockForm, path: &Path, aim: &Aim, offset: u64) -> Answer {
    with_node(path, |disk| match LinearDevice::over(disk, "pf-prove") {
        Err(error) => Answer::from_error("mapped device", &error),
        Ok(device) => on_block(form, device.node().path(), aim, offset),
    })
}

fn send_scsi(door: Door, path: &Path, cdb: &[u8], data: &Data) -> Answer {
    with_node(path, |node| scsi_to(node, door, cdb, data))
}

/// Sends a SCSI command to an open node.
pub(crate) fn scsi_to(node: &Node, door: Door, cdb: &[u8], data: &Data) -> Answer {
    let send = if door == Door::Bsg { scsi::send_v4 } else { scsi::send_v3 };
    match data {
        Data::None => send(node, cdb, passthrough::Data::None, TIMEOUT),
        Data::Out(bytes) => send(node, cdb, passthrough::Data::Out(bytes), TIMEOUT),
        Data::In(length) => send(node, cdb, passthrough::Data::In(&mut vec![0; *length]), TIMEOUT),
    }
}

fn send_nvme(door: Door, target: &Target, queue: Queue, command: &nvme::Command, data: &Data) -> Answer {
    match target.node(nvme_door(door, queue)) {
        Some(path) if door == Door::Ring => with_node(path, |node| match Ring::new() {
            Ok(mut ring) => ring_to(&mut ring, node, queue, command, data),
            Err(error) => Answer::from_error("io_uring", &error),
        }),
        Some(path) => with_node(path, |node| nvme_to(node, queue, command, data)),
        None => Answer::Errno { step: "open", errno: libc::ENOENT },
    }
}

/// The node to open: admin commands in a ring are the controller node's, I/O commands the generic node's.
pub(crate) fn nvme_door(door: Door, queue: Queue) -> Door {
    match (door, queue) {
        (Door::Ring, Queue::Admin) => Door::Controller,
        _ => door,
    }
}

/// Sends an NVMe command to an open node.
pub(crate) fn nvme_to(node: &Node, queue: Queue, command: &nvme::Command, data: &Data) -> Answer {
    match data {
        Data::None => nvme::send(node, queue, command, passthrough::Data::None, TIMEOUT),
        Data::Out(bytes) => nvme::send(node, queue, command, passthrough::Data::Out(bytes), TIMEOUT),
        Data::In(length) => {
            nvme::send(node, queue, command, passthrough::Data::In(&mut vec![0; *length]), TIMEOUT)
        }
    }
}

/// Sends an NVMe command to an open node through a ring.
pub(crate) fn ring_to(
    ring: &mut Ring,
    node: &Node,
    queue: Queue,
    command: &nvme::Command,
    data: &Data,
) -> Answer {
    match data {
        Data::None => ring.send(node, queue, command, passthrough::Data::None, TIMEOUT),
        Data::Out(bytes) => ring.send(node, queue, command, passthrough::Data::Out(bytes), TIMEOUT),
        Data::In(length) => {
            ring.send(node, queue, command, passthrough::Data::In(&mut vec![0; *length]), TIMEOUT)
        }
    }
}

fn send_mmc(path: &Path, form: &MmcForm, aim: &Aim, target: &Target) -> Answer {
    /// Cards up to 2 GiB are addressed in bytes.
    const BYTE_ADDRESSED: u64 = 2 << 30;
    let argument = match form.argument {
        Argument::Constant(value) => value,
        Argument::Target => {
            let unit = if target.size() <= BYTE_ADDRESSED { 512 } else { 1 };
            u32::try_from(aim.lba.saturating_mul(unit)).unwrap_or(0)
        }
    };
    let data = aim.data(form.payload);
    let length = match &data {
        Data::None => 0,
        Data::Out(bytes) => bytes.len(),
        Data::In(length) => *length,
    };
    let command = mmc::Command {
        index: form.index,
        argument,
        application: form.application,
        response: form.response,
        block_size: u32::try_from(length.min(512)).unwrap_or(512),
    };
    with_node(path, |node| mmc_to(node, &command, &data))
}

/// Sends a card command to an open node.
pub(crate) fn mmc_to(node: &Node, command: &mmc::Command, data: &Data) -> Answer {
    match data {
        Data::None => mmc::send(node, command, passthrough::Data::None, TIMEOUT),
        Data::Out(bytes) => mmc::send(node, command, passthrough::Data::Out(bytes), TIMEOUT),
        Data::In(length) => mmc::send(node, command, passthrough::Data::In(&mut vec![0; *length]), TIMEOUT),
    }
}

/// `struct ufs_bsg_request` (scsi/scsi_bsg_ufs.h): the message code, then the UPIU: header of 12 bytes, query fields of 20.
fn send_query(path: &Path, form: UfsForm) -> Answer {
    const QUERY_REQUEST: u8 = 0x16;
    const STANDARD_READ: u8 = 0x01;
    const STANDARD_WRITE: u8 = 0x81;
    const REPLY: usize = 40;
    // Opcodes 1, 3 and 5 read (JESD220, "Query function").
    let function = if matches!(form.opcode, 1 | 3 | 5) { STANDARD_READ } else { STANDARD_WRITE };
    let mut request = u32::from(QUERY_REQUEST).to_ne_bytes().to_vec();
    request.extend([QUERY_REQUEST, 0, 0, 0, 0, function, 0, 0, 0, 0, 0, 0]);
    request.extend([form.opcode, form.identifier, 0, 0, 0, 0, 0, 0]);
    request.extend(form.value.to_be_bytes());
    request.extend([0; 8]);
    with_node(path, |node| {
        scsi::send_transport_request(node, &request, passthrough::Data::None, &mut [0; REPLY], TIMEOUT)
    })
}

fn call(form: CallForm, path: &Path, target: &Target, aim: &Aim) -> Answer {
    match form {
        CallForm::Reservation(action) => with_node(path, |node| reservation::ask(node, action, KEY)),
        CallForm::Opal(action) => with_node(path, |node| opal::ask(node, action)),
        CallForm::Controller(action) => with_node(path, |node| nvme::control(node, action)),
        CallForm::FloppyWrite => with_node(path, |node| {
            let Data::Out(bytes) = aim.data(Payload::Fresh(512)) else { return Answer::Done };
            // WRITE DATA: drive 0, head 0, cylinder 0, sector 2, 512 bytes a sector, 18 a track.
            floppy::send_raw(node, &[0xC5, 0, 0, 0, 2, 2, 18, 0x1B, 0xFF], &bytes)
        }),
        CallForm::FloppyFormat => with_node(path, |node| floppy::format_track(node, 0, 1)),
        CallForm::HdioCommand([command, sector, feature, sectors]) => {
            with_node(path, |node| hdio::drive_command(node, command, sector, feature, sectors))
        }
        CallForm::HdioTask(registers) => with_node(path, |node| hdio::drive_task(node, registers)),
        CallForm::RaidStart => with_node(path, |member| match Array::assemble(member) {
            Ok(_) => Answer::Done,
            Err(answer) => answer,
        }),
        CallForm::RaidWrite => with_node(path, |member| match (Array::assemble(member), page(aim)) {
            (Ok(array), Ok(data)) => array.write(0, &data),
            (Err(answer), _) | (_, Err(answer)) => answer,
        }),
        CallForm::UsbOpen => opened(path, Access::ReadWrite, |_| Answer::Done),
        CallForm::UsbClaim => opened(path, Access::ReadWrite, |node| {
            let answer = usb::claim(node, 0);
            if answer == Answer::Done {
                let _ = usb::release(node, 0);
            }
            answer
        }),
        // Bulk-only mass storage reset: class request FFh to interface 0.
        CallForm::UsbClassReset => {
            opened(path, Access::ReadWrite, |node| usb::control(node, 0x21, 0xFF, 0, 0, TIMEOUT))
        }
        CallForm::UsbReset => opened(path, Access::ReadWrite, usb::reset),
        CallForm::UsbWrite => {
            opened(path, Access::ReadWrite, |node| write_over_bulk_pipes(node, target, aim))
        }
    }
}

/// USB Mass Storage Class, Bulk-Only Transport 1.0: command wrapper, data, status.
fn write_over_bulk_pipes(node: &Node, target: &Target, aim: &Aim) -> Answer {
    const SIGNATURE: [u8; 4] = *b"USBC";
    let Some((out, back)) = bulk_endpoints(target) else {
        return Answer::Errno { step: "bulk endpoints", errno: libc::ENOENT };
    };
    let Data::Out(bytes) = aim.data(Payload::Blocks(1)) else { return Answer::Done };
    let mut wrapper = SIGNATURE.to_vec();
    wrapper.extend([1, 0, 0, 0]);
    wrapper.extend(u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
    wrapper.extend([0x00, 0, 10, 0x2A, 0]);
    wrapper.extend(u32::try_from(aim.lba).unwrap_or(0).to_be_bytes());
    wrapper.extend([0, 0, 1, 0]);
    wrapper.resize(31, 0);
    let detached = usb::detach_driver(node, 0);
    if detached != Answer::Done {
        return detached;
    }
    let claimed = usb::claim(node, 0);
    let mut status = [0u8; 13];
    let sent = match claimed {
        Answer::Done => {
            let steps = [
                usb::bulk(node, out, passthrough::Data::Out(&wrapper), TIMEOUT),
                usb::bulk(node, out, passthrough::Data::Out(&bytes), TIMEOUT),
            ];
            let last = usb::bulk(node, back, passthrough::Data::In(&mut status), TIMEOUT);
            steps.into_iter().chain([last]).find(|answer| *answer != Answer::Done).unwrap_or(Answer::Done)
        }
        refused => refused,
    };
    let _ = usb::release(node, 0);
    let _ = usb::attach_driver(node, 0);
    // Until the driver has its disk again.
    std::thread::sleep(Duration::from_secs(3));
    match (sent, status.last()) {
        (Answer::Done, Some(0)) => Answer::Done,
        (Answer::Done, _) => Answer::Scsi { status: 2, host: 0, sense: None },
        (other, _) => other,
    }
}

/// The bulk endpoints of the interface that the disk hangs on: to the device, from it.
fn bulk_endpoints(target: &Target) -> Option<(u8, u8)> {
    let mut out = None;
    let mut back = None;
    let interface = target.folder.ancestors().find(|folder| folder.join("bInterfaceNumber").exists())?;
    // 50h is bulk-only; a UAS interface (62h) speaks another protocol over its pipes.
    let protocol = std::fs::read_to_string(interface.join("bInterfaceProtocol")).ok()?;
    if protocol.trim() != "50" {
        return None;
    }
    for entry in std::fs::read_dir(interface).ok()?.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("ep_").and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            continue;
        };
        let kind = std::fs::read_to_string(entry.path().join("type")).unwrap_or_default();
        if kind.trim() == "Bulk" {
            let slot = if number & 0x80 == 0 { &mut out } else { &mut back };
            slot.get_or_insert(number);
        }
    }
    Some((out?, back?))
}
