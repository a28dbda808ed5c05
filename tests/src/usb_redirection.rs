//! A USB device that lives in this process: the emulator's `usb-redir` model passes every transfer on to it. For faults
//! that no disk model of the emulator can show.
//!
//! Follows the usbredir protocol, version 0.7 (`usbredirproto.h`). All numbers are little-endian.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    Doing, Result,
    usb_stick::{Stick, Transfer},
};

// Packet types.
const HELLO: u32 = 0;
const DEVICE_CONNECT: u32 = 1;
const INTERFACE_INFO: u32 = 4;
const ENDPOINT_INFO: u32 = 5;
const SET_CONFIGURATION: u32 = 6;
const GET_CONFIGURATION: u32 = 7;
const CONFIGURATION_STATUS: u32 = 8;
const SET_ALTERNATE: u32 = 9;
const GET_ALTERNATE: u32 = 10;
const ALTERNATE_STATUS: u32 = 11;
const CONTROL: u32 = 100;
const BULK: u32 = 101;

/// Capabilities: device version, packet sizes of endpoints, 64-bit packet numbers, 32-bit lengths of bulk transfers.
const CAPABILITIES: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6;
const STALL: u8 = 4;
const HIGH_SPEED: u8 = 2;
/// Mass storage, SCSI, bulk-only.
const INTERFACE: [u8; 3] = [8, 6, 0x50];
const BULK_PACKET: u16 = 512;
const NOT_THERE: u8 = 255;
/// Longest packet that is believed.
const LONGEST: usize = 64 << 20;

/// Lets the emulator connect to `socket` and serves `stick` to it, in a thread that ends with the connection.
///
/// # Errors
/// [`crate::HarnessError::Host`] when the socket can't be made.
pub fn serve(stick: Arc<Mutex<Stick>>, socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket).doing(|| format!("listening on {}", socket.display()))?;
    thread::spawn(move || {
        let Ok((stream, _)) = listener.accept() else { return };
        let mut link = Link { stream, wide_numbers: false };
        match link.serve(&stick) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {}
            Err(error) => eprintln!("usb redirection ended: {error}"),
        }
    });
    Ok(())
}

struct Link {
    stream: UnixStream,
    /// Packet numbers have 64 bits once both sides have said that they know them.
    wide_numbers: bool,
}

impl Link {
    fn serve(&mut self, stick: &Mutex<Stick>) -> std::io::Result<()> {
        let mut hello = [0; 64].to_vec();
        hello[..10].copy_from_slice(b"permafrost");
        hello.extend(CAPABILITIES.to_le_bytes());
        self.send(HELLO, 0, &hello)?;
        loop {
            let (kind, number, body) = self.receive()?;
            match kind {
                HELLO => {
                    self.wide_numbers = true;
                    self.introduce()?;
                }
                SET_CONFIGURATION => self.send(CONFIGURATION_STATUS, number, &[0, body[0]])?,
                GET_CONFIGURATION => self.send(CONFIGURATION_STATUS, number, &[0, 1])?,
                SET_ALTERNATE => self.send(ALTERNATE_STATUS, number, &[0, body[0], body[1]])?,
                GET_ALTERNATE => self.send(ALTERNATE_STATUS, number, &[0, body[0], 0])?,
                CONTROL => self.control(number, &body, stick)?,
                BULK => self.bulk(number, &body, stick)?,
                // Resets and cancelled transfers need no answer: every transfer here ends at once.
                _ => {}
            }
        }
    }

    fn introduce(&mut self) -> std::io::Result<()> {
        let mut interfaces = 1u32.to_le_bytes().to_vec();
        for value in std::iter::once(0).chain(INTERFACE) {
            let mut column = [0; 32];
            column[0] = value;
            interfaces.extend(column);
        }
        self.send(INTERFACE_INFO, 0, &interfaces)?;
        // Endpoints 0 to 15 out, then in: type, interval, interface, packet size.
        let (mut types, mut sizes) = ([NOT_THERE; 32], [0u16; 32]);
        for (index, kind, size) in [(0, 0, 64), (16, 0, 64), (2, 2, BULK_PACKET), (16 + 1, 2, BULK_PACKET)] {
            (types[index], sizes[index]) = (kind, size);
        }
        let mut endpoints = types.to_vec();
        endpoints.extend([0; 64]);
        endpoints.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        self.send(ENDPOINT_INFO, 0, &endpoints)?;
        let mut device = vec![HIGH_SPEED, 0, 0, 0];
        for number in [Stick::VENDOR, Stick::PRODUCT, 0x0100] {
            device.extend(number.to_le_bytes());
        }
        self.send(DEVICE_CONNECT, 0, &device)
    }

    /// endpoint, request, request type, status, value, index, length.
    fn control(&mut self, number: u64, body: &[u8], stick: &Mutex<Stick>) -> std::io::Result<()> {
        let word = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
        let (request, kind, value, length) = (body[1], body[2], word(4), word(8));
        let answer = stick.lock().unwrap().control(kind, request, value);
        let mut header = body[..10].to_vec();
        let mut data = Vec::new();
        match answer {
            Some(mut bytes) => {
                bytes.truncate(length.into());
                header[8..10].copy_from_slice(&(bytes.len() as u16).to_le_bytes());
                data = bytes;
            }
            None => {
                header[3] = STALL;
                header[8..10].fill(0);
            }
        }
        header.extend(data);
        self.send(CONTROL, number, &header)
    }

    /// endpoint, status, length, stream, upper half of the length.
    fn bulk(&mut self, number: u64, body: &[u8], stick: &Mutex<Stick>) -> std::io::Result<()> {
        let length = usize::from(u16::from_le_bytes([body[2], body[3]]))
            | usize::from(u16::from_le_bytes([body[8], body[9]])) << 16;
        let (header, data) = body.split_at(10);
        let incoming = header[0] & 0x80 != 0;
        let mut stick = stick.lock().unwrap();
        let transfer = if incoming { stick.bulk_in(length) } else { stick.bulk_out(data) };
        drop(stick);
        let (status, bytes) = match transfer {
            Transfer::Done(bytes) => (0, bytes),
            Transfer::Stalled => (STALL, Vec::new()),
        };
        let moved = if incoming { bytes.len() } else { length };
        let moved = if status == 0 { moved } else { 0 };
        let mut answer = header.to_vec();
        answer[1] = status;
        answer[2..4].copy_from_slice(&((moved & 0xFFFF) as u16).to_le_bytes());
        answer[8..10].copy_from_slice(&((moved >> 16) as u16).to_le_bytes());
        answer.extend(bytes);
        self.send(BULK, number, &answer)
    }

    fn send(&mut self, kind: u32, number: u64, body: &[u8]) -> std::io::Result<()> {
        let mut packet = kind.to_le_bytes().to_vec();
        packet.extend((body.len() as u32).to_le_bytes());
        packet.extend(&number.to_le_bytes()[..if self.wide_numbers { 8 } else { 4 }]);
        packet.extend(body);
        self.stream.write_all(&packet)
    }

    fn receive(&mut self) -> std::io::Result<(u32, u64, Vec<u8>)> {
        let mut header = [0; 16];
        let header_length = if self.wide_numbers { 16 } else { 12 };
        self.stream.read_exact(&mut header[..header_length])?;
        let [kind, length] = [0, 4].map(|at| u32::from_le_bytes(header[at..at + 4].try_into().unwrap()));
        let number = u64::from_le_bytes(header[8..].try_into().unwrap());
        if length as usize > LONGEST {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body)?;
        Ok((kind, number, body))
    }
}
