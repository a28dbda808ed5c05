//! The one door through which questions leave: ioctls on nodes that are open for reading only.
//!
//! Nothing but a [`Question`] can be sent. A device that does not answer in time is not asked again, so that one which
//! hangs costs one time-out; the kernel ends each command itself, by error handling of its own.

use super::question::{AdminCommand, AtaQuestion, CommandBlock, NvmeQuestion, Question, ScsiQuestion};
use crate::sense::{AtaRegisters, Sense};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a device returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Data, as long as what was asked for; what the device left out is zero.
    pub(crate) data: Vec<u8>,
    /// Registers of an ATA device, where they were asked for.
    pub(crate) registers: Option<AtaRegisters>,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Silence {
    /// The device does not know the command, or not in this form.
    #[error("the disk does not know {0}")]
    NotKnown(&'static str),
    /// A bridge or adapter does not hand ATA commands on.
    #[error("what stands between does not pass {0} on to the disk")]
    NotPassed(&'static str),
    /// Something on the way refuses it: a write block, this one or another.
    #[error("{0} is refused by the write block")]
    Refused(&'static str),
    /// The device ended it with an error of its own.
    #[error("the disk ended {0} with an error ({1})")]
    Failed(&'static str, String),
    /// It did not come back in time, or the device went away meanwhile.
    #[error("the disk did not answer {0}; it is not asked again")]
    Hung(&'static str),
    /// The node can't be opened or takes no such ioctl.
    #[error("it can't be asked: {0}")]
    NoDoor(String),
}

/// A device that can be asked.
pub(crate) trait Ask {
    /// Asks one question and waits for the answer.
    fn ask(&mut self, question: Question) -> Result<Reply, Silence>;
}

/// Longest wait for an answer, in milliseconds: all of them come from the device's memory, but a disk may have to spin up.
const TIMEOUT_MS: u32 = 20_000;

/// An open node.
pub(crate) struct Channel {
    file: File,
    hung: bool,
}

impl Channel {
    /// Opens a node for reading, without waiting for a medium.
    pub(crate) fn open(node: &Path) -> Result<Self, Silence> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(node);
        let advice = |error: io::Error| match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => format!("{error}; run as root"),
            _ => error.to_string(),
        };
        file.map(|file| Self { file, hung: false })
            .map_err(|error| Silence::NoDoor(format!("{}: {}", node.display(), advice(error))))
    }
}

impl Ask for Channel {
    fn ask(&mut self, question: Question) -> Result<Reply, Silence> {
        if self.hung {
            return Err(Silence::Hung(question.name()));
        }
        let answer = match question {
            Question::Ata(ata) => ask_ata(&self.file, ata),
            Question::Scsi(scsi) => ask_scsi(&self.file, scsi),
            Question::Nvme(nvme) => ask_nvme(&self.file, nvme),
            Question::ExtCsd => ask_ext_csd(&self.file, question.name()),
        };
        self.hung = matches!(answer, Err(Silence::Hung(_)));
        answer
    }
}

/// `SG_IO`, scsi/sg.h.
const SG_IO: libc::Ioctl = 0x2285;
const DIRECTION_NONE: libc::c_int = -1;
const DIRECTION_FROM_DEVICE: libc::c_int = -3;
/// What the kernel keeps of sense data (`SCSI_SENSE_BUFFERSIZE`).
const SENSE_SIZE: usize = 96;

/// `struct sg_io_hdr`, scsi/sg.h.
#[repr(C)]
struct SgIoHeader {
    interface_id: libc::c_int,
    direction: libc::c_int,
    command_length: u8,
    sense_room: u8,
    vector_count: u16,
    data_length: u32,
    data: *mut libc::c_void,
    command: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    pack_id: libc::c_int,
    user: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_written: u8,
    host_status: u16,
    driver_status: u16,
    residue: libc::c_int,
    duration: u32,
    info: u32,
}

/// What came back of a SCSI command that the kernel carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ScsiAnswer {
    data: Vec<u8>,
    status: u8,
    host: u16,
    sense: Vec<u8>,
}

fn send_scsi(file: &File, block: &CommandBlock) -> Result<ScsiAnswer, Silence> {
    let mut data = vec![0u8; block.returns];
    let mut sense = [0u8; SENSE_SIZE];
    let mut header = SgIoHeader {
        interface_id: i32::from(b'S'),
        direction: if data.is_empty() { DIRECTION_NONE } else { DIRECTION_FROM_DEVICE },
        command_length: block.length,
        sense_room: u8::try_from(SENSE_SIZE).unwrap_or(0),
        vector_count: 0,
        data_length: length32(data.len()),
        data: data.as_mut_ptr().cast(),
        command: block.bytes.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: TIMEOUT_MS,
        flags: 0,
        pack_id: 0,
        user: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_written: 0,
        host_status: 0,
        driver_status: 0,
        residue: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: SG_IO with interface 'S' takes this structure; the command has at least `command_length` bytes (10, 12 or 16
    // of 16), data and sense have the lengths given; all outlive the call, and the kernel writes to the two that are mutable.
    unsafe { ioctl(file, SG_IO, &mut header) }.map_err(no_door)?;
    let written = sense.get(..usize::from(header.sense_written)).unwrap_or(&sense);
    Ok(ScsiAnswer { data, status: header.status, host: header.host_status, sense: written.to_vec() })
}

fn ask_scsi(file: &File, question: ScsiQuestion) -> Result<Reply, Silence> {
    let name = question.name();
    let answer = send_scsi(file, &question.command_block())?;
    if answer.host != 0 {
        return Err(Silence::Hung(name));
    }
    match (answer.status, Sense::parse(&answer.sense)) {
        (0, _) => Ok(Reply { data: answer.data, registers: None }),
        (_, Some(sense)) => Err(silence_of_sense(name, &sense)),
        (status, None) => Err(Silence::Failed(name, format!("status {status:02X}h"))),
    }
}

/// Sense keys, SPC-5 table 48.
fn silence_of_sense(name: &'static str, sense: &Sense) -> Silence {
    match sense.key {
        0x5 => Silence::NotKnown(name),
        0x7 => Silence::Refused(name),
        _ => Silence::Failed(name, sense.to_string()),
    }
}

fn ask_ata(file: &File, question: AtaQuestion) -> Result<Reply, Silence> {
    let answer = send_scsi(file, &question.command_block())?;
    judge_ata(question.name(), answer)
}

/// What an ATA command inside a SCSI one came to. Registers ride on sense data, SAT-4 §12.2.5.
fn judge_ata(name: &'static str, answer: ScsiAnswer) -> Result<Reply, Silence> {
    const ERROR_OR_FAULT: u8 = 0x21;
    const ABORTED: u8 = 0x04;
    if answer.host != 0 {
        return Err(Silence::Hung(name));
    }
    let sense = Sense::parse(&answer.sense);
    // Of a write block and of what does not know the form there are no registers; fixed sense data look alike.
    let registers = match &sense {
        Some(sense) if sense.key == 0x5 => return Err(Silence::NotPassed(name)),
        Some(sense) if sense.key == 0x7 => return Err(Silence::Refused(name)),
        Some(sense) => sense.ata.or_else(|| AtaRegisters::of_fixed_sense(&answer.sense)),
        None => None,
    };
    match (registers, sense) {
        (Some(found), _) if found.status & ERROR_OR_FAULT == 0 => {
            Ok(Reply { data: answer.data, registers: Some(found) })
        }
        (Some(found), _) if found.error & ABORTED != 0 => Err(Silence::NotKnown(name)),
        (_, Some(sense)) if sense.key > 1 => Err(Silence::Failed(name, sense.to_string())),
        (Some(found), _) => {
            let (status, error) = (found.status, found.error);
            Err(Silence::Failed(name, format!("ATA status {status:02X}h, error {error:02X}h")))
        }
        (None, _) if answer.status == 0 || answer.status == 2 => {
            Ok(Reply { data: answer.data, registers: None })
        }
        (None, _) => Err(Silence::Failed(name, format!("status {:02X}h", answer.status))),
    }
}

/// `struct nvme_passthru_cmd64`, linux/nvme_ioctl.h.
#[derive(Default)]
#[repr(C)]
struct NvmePassThrough {
    opcode: u8,
    flags: u8,
    reserved1: u16,
    namespace: u32,
    dword2: u32,
    dword3: u32,
    metadata: u64,
    address: u64,
    metadata_length: u32,
    data_length: u32,
    dword10: u32,
    dword11: u32,
    dword12_15: [u32; 4],
    timeout_ms: u32,
    reserved2: u32,
    result: u64,
}

const NVME_ADMIN64_CMD: libc::Ioctl = nix::request_code_readwrite!(b'N', 0x47, size_of::<NvmePassThrough>());

fn ask_nvme(file: &File, question: NvmeQuestion) -> Result<Reply, Silence> {
    let AdminCommand { opcode, namespace, dword10, dword11, returns } = question.command();
    let mut data = vec![0u8; returns];
    let mut passed = NvmePassThrough {
        opcode,
        namespace,
        address: address(data.as_mut_ptr()),
        data_length: length32(data.len()),
        dword10,
        dword11,
        timeout_ms: TIMEOUT_MS,
        ..NvmePassThrough::default()
    };
    // SAFETY: the request takes this structure; its one pointer covers `data_length` bytes of `data`, exclusive and alive.
    let status = unsafe { ioctl(file, NVME_ADMIN64_CMD, &mut passed) };
    match status {
        Ok(status) => judge_nvme(question.name(), status).map(|()| Reply { data, registers: None }),
        Err(error) => Err(no_door(error)),
    }
}

/// Status types and codes, NVM Express base 2.0 figures 93 to 97.
fn judge_nvme(name: &'static str, status: libc::c_int) -> Result<(), Silence> {
    match status & 0x7FF {
        0 => Ok(()),
        // Invalid opcode, field, namespace; invalid log page.
        0x001 | 0x002 | 0x00B | 0x109 => Err(Silence::NotKnown(name)),
        // Aborted, also by the host when the time was up.
        0x007 | 0x008 | 0x370 | 0x371 => Err(Silence::Hung(name)),
        code => Err(Silence::Failed(name, format!("status {code:03X}h"))),
    }
}

/// `struct mmc_ioc_cmd`, linux/mmc/ioctl.h.
#[derive(Default)]
#[repr(C)]
struct MmcCommand {
    write_flag: libc::c_int,
    is_application: libc::c_int,
    opcode: u32,
    argument: u32,
    response: [u32; 4],
    flags: u32,
    block_size: u32,
    blocks: u32,
    postsleep_min_us: u32,
    postsleep_max_us: u32,
    data_timeout_ns: u32,
    command_timeout_ms: u32,
    padding: u32,
    address: u64,
}

const MMC_IOC_CMD: libc::Ioctl = nix::request_code_readwrite!(179, 0, size_of::<MmcCommand>());
const EXT_CSD_SIZE: u16 = 512;
/// Response R1 with data that follows: present, CRC, opcode, transfer (linux/mmc/core.h).
const R1_WITH_DATA: u32 = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5;

fn ask_ext_csd(file: &File, name: &'static str) -> Result<Reply, Silence> {
    let mut data = vec![0u8; usize::from(EXT_CSD_SIZE)];
    let mut passed = MmcCommand {
        opcode: 8,
        flags: R1_WITH_DATA,
        block_size: EXT_CSD_SIZE.into(),
        blocks: 1,
        command_timeout_ms: TIMEOUT_MS,
        address: address(data.as_mut_ptr()),
        ..MmcCommand::default()
    };
    // SAFETY: the request takes this structure; its one pointer covers block_size × blocks bytes of `data`, exclusive and alive.
    match unsafe { ioctl(file, MMC_IOC_CMD, &mut passed) } {
        Ok(_) => Ok(Reply { data, registers: None }),
        Err(error) => Err(match error.raw_os_error() {
            Some(libc::ETIMEDOUT) => Silence::Hung(name),
            Some(libc::EBADMSG) => Silence::Refused(name),
            Some(libc::EILSEQ | libc::EIO) => Silence::Failed(name, error.to_string()),
            _ => no_door(error),
        }),
    }
}

fn no_door(error: io::Error) -> Silence {
    Silence::NoDoor(match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => format!("{error}; run as root"),
        Some(libc::ENOTTY | libc::EINVAL) => "its driver takes no such questions".to_owned(),
        _ => error.to_string(),
    })
}

fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The address of a buffer as the kernel's structures hold it.
fn address(pointer: *mut u8) -> u64 {
    u64::try_from(pointer.expose_provenance()).unwrap_or(0)
}

/// An ioctl whose argument is a structure.
///
/// # Safety
/// `T` is the structure that `request` reads and writes, and every pointer in it is null or points to memory of at least the
/// length that the structure says, valid for the call's duration and not aliased where the kernel writes.
unsafe fn ioctl<T>(file: &File, request: libc::Ioctl, argument: &mut T) -> io::Result<libc::c_int> {
    let argument: *mut T = argument;
    // SAFETY: the descriptor is open; what the kernel reads and writes is what the caller promised.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), request, argument) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_have_the_kernels_sizes_and_numbers() {
        assert_eq!(size_of::<SgIoHeader>(), 88);
        assert_eq!(format!("{NVME_ADMIN64_CMD:08x}"), "c0504e47");
        assert_eq!(format!("{MMC_IOC_CMD:08x}"), "c048b300");
    }

    fn answered(status: u8, sense: &[u8]) -> ScsiAnswer {
        ScsiAnswer { data: vec![], status, host: 0, sense: sense.to_vec() }
    }

    #[test]
    fn an_aborted_ata_command_is_told_from_one_that_a_bridge_does_not_pass() {
        // Fixed format as libata makes it of an error: key Bh, information field = error, status, device, count.
        let mut fixed = [0u8; 18];
        (fixed[0], fixed[2], fixed[3], fixed[4], fixed[5]) = (0xF0, 0x0B, 0x04, 0x51, 0x40);
        assert_eq!(judge_ata("X", answered(2, &fixed)), Err(Silence::NotKnown("X")));
        let descriptor =
            [0x72, 0x0B, 0, 0, 0, 0, 0, 14, 0x09, 0x0C, 0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x51];
        assert_eq!(judge_ata("X", answered(2, &descriptor)), Err(Silence::NotKnown("X")));
        let illegal = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0];
        assert_eq!(judge_ata("X", answered(2, &illegal)), Err(Silence::NotPassed("X")));
        let protect = [0x72, 7, 0x27, 0, 0, 0, 0, 0];
        assert_eq!(judge_ata("X", answered(2, &protect)), Err(Silence::Refused("X")));
        let time_out = ScsiAnswer { host: 3, ..ScsiAnswer::default() };
        assert_eq!(judge_ata("X", time_out), Err(Silence::Hung("X")));
    }

    #[test]
    fn the_registers_of_a_command_that_went_well_are_handed_on() {
        let sense = [
            0x72, 1, 0, 0x1D, 0, 0, 0, 14, 0x09, 0x0C, 1, 0, 0, 0, 0x44, 0x11, 0x55, 0x22, 0x66, 0x33, 0x40,
            0x50,
        ];
        let registers = judge_ata("X", answered(2, &sense)).unwrap().registers.unwrap();
        assert_eq!(registers.lba, 0x6655_4433_2211);
    }

    #[test]
    fn a_disk_that_hangs_is_asked_no_more() {
        let mut channel = Channel { file: File::open("/dev/null").unwrap(), hung: true };
        let asked = channel.ask(Question::Ata(AtaQuestion::SmartData));
        assert_eq!(asked, Err(Silence::Hung("SMART READ DATA")));
        channel.hung = false;
        assert!(matches!(channel.ask(Question::Ata(AtaQuestion::Identify)), Err(Silence::NoDoor(_))));
        assert!(matches!(channel.ask(Question::Nvme(NvmeQuestion::Controller)), Err(Silence::NoDoor(_))));
        assert!(matches!(channel.ask(Question::ExtCsd), Err(Silence::NoDoor(_))));
    }
}
