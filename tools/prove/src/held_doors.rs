//! Nodes held open between random commands: opening one anew for each would cost more than the command itself.

use crate::attempt::{mmc_to, nvme_door, nvme_to, ring_to, scsi_to};
use crate::command::Data;
use crate::plan::{Action, Attempt};
use crate::target::Target;
use crate::vector::Door;
use passthrough::nvme::{self, Queue};
use passthrough::{Answer, Node, ring::Ring};
use std::io;

/// The open nodes of one disk.
pub(crate) struct HeldDoors<'a> {
    target: &'a Target,
    open: Vec<(Door, Node)>,
    ring: Option<Ring>,
}

impl<'a> HeldDoors<'a> {
    /// No node is open yet.
    pub(crate) fn of(target: &'a Target) -> Self {
        HeldDoors { target, open: Vec::new(), ring: None }
    }

    /// Sends a random command; `None` for an attempt that is none.
    pub(crate) fn send(&mut self, attempt: &Attempt) -> Option<Answer> {
        let door = attempt.door;
        let answer = match &attempt.action {
            Action::RawScsi(cdb, data) => self.node(door).map(|node| scsi_to(node, door, cdb, data)),
            Action::RawNvme(queue, command, data) if door == Door::Ring => {
                self.through_ring(*queue, command, data)
            }
            Action::RawNvme(queue, command, data) => {
                self.node(door).map(|node| nvme_to(node, *queue, command, data))
            }
            Action::RawMmc(command, data) => self.node(door).map(|node| mmc_to(node, command, data)),
            _ => return None,
        };
        Some(answer.unwrap_or_else(|error| Answer::from_error("open", &error)))
    }

    /// Closes all: the next command of each door opens its node again, and meets whatever now lies behind the name.
    pub(crate) fn close(&mut self) {
        self.open.clear();
    }

    fn node(&mut self, door: Door) -> io::Result<&Node> {
        let held = self.open.iter().position(|(held, _)| *held == door);
        let index = match held {
            Some(index) => index,
            None => {
                let path = self.target.node(door).ok_or(io::Error::from_raw_os_error(libc::ENOENT))?;
                self.open.push((door, Node::open_as_far_as_possible(path)?));
                self.open.len().saturating_sub(1)
            }
        };
        self.open.get(index).map(|(_, node)| node).ok_or(io::ErrorKind::NotFound.into())
    }

    fn through_ring(&mut self, queue: Queue, command: &nvme::Command, data: &Data) -> io::Result<Answer> {
        let mut ring = match self.ring.take() {
            Some(ring) => ring,
            None => Ring::new()?,
        };
        let answer = self
            .node(nvme_door(Door::Ring, queue))
            .map(|node| ring_to(&mut ring, node, queue, command, data));
        self.ring = Some(ring);
        answer
    }
}
