//! A network card of the machine, what its cable leads to, and a witness of every frame on it: the emulator itself writes them down.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{Result, host_program::HostProgram};

/// What the cable leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// A small network with a DHCP server, a name server and a way to this host, all of the emulator's making.
    Network,
    /// A switch that nobody else is at.
    EmptySwitch,
}

/// A network card.
#[derive(Debug, Clone)]
pub struct NetworkCard {
    name: String,
    driver: &'static str,
    mac: String,
    cable: Cable,
}

impl NetworkCard {
    /// A card of the emulator's model `driver`; its last digit makes `number` its address.
    #[must_use]
    pub fn new(name: &str, driver: &'static str, number: u8, cable: Cable) -> Self {
        NetworkCard { name: name.into(), driver, mac: format!("52:54:00:50:46:{number:02x}"), cable }
    }

    /// Its hardware address.
    #[must_use]
    pub fn mac(&self) -> &str {
        &self.mac
    }

    /// By what QMP knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its frames, in the folder of the machine's logs.
    #[must_use]
    pub fn frames(&self, logs: &Path) -> Frames {
        Frames { file: logs.join(format!("{}.pcap", self.name)), mac: self.mac.clone() }
    }

    pub(crate) fn arguments(&self, logs: &Path) -> Vec<String> {
        let name = &self.name;
        let net = match self.cable {
            Cable::Network => format!("user,id={name}"),
            Cable::EmptySwitch => format!("hubport,id={name},hubid=1"),
        };
        let file = self.frames(logs).file;
        vec![
            "-netdev".into(),
            net,
            "-object".into(),
            format!("filter-dump,id={name}-frames,netdev={name},file={},maxlen=65536", file.display()),
        ]
    }

    /// Without a boot program of its own, which would be the firmware's business.
    pub(crate) fn device(&self) -> Value {
        json!({
            "driver": self.driver, "id": format!("{}-card", self.name), "netdev": self.name, "mac": self.mac, "romfile": "",
        })
    }
}

/// What went over a card's cable so far.
#[derive(Debug, Clone)]
pub struct Frames {
    file: PathBuf,
    mac: String,
}

impl Frames {
    /// Frames that the machine sent and that fit tcpdump's `filter`, a line each.
    ///
    /// # Errors
    /// [`crate::HarnessError::Missing`] without tcpdump, [`crate::HarnessError::Program`] when it can't read them.
    pub fn sent(&self, filter: &str) -> Result<Vec<String>> {
        let own = format!("ether src {}", self.mac);
        let filter = if filter.is_empty() { own } else { format!("{own} and ({filter})") };
        self.read(&filter)
    }

    /// Frames that the machine sent and that do not fit the filter.
    ///
    /// # Errors
    /// As [`Frames::sent`].
    pub fn sent_beside(&self, filter: &str) -> Result<Vec<String>> {
        self.read(&format!("ether src {} and not ({filter})", self.mac))
    }

    fn read(&self, filter: &str) -> Result<Vec<String>> {
        // -e the addresses of the link, -vv what a request asks for; nothing is looked up.
        let program =
            HostProgram::new("tcpdump", "tcpdump")?.args(["-nn", "-e", "-vv", "-t", "-r"]).arg(&self.file);
        let said = program.arg(filter).run()?;
        // What belongs to a frame stands further in below it.
        let mut frames: Vec<String> = Vec::new();
        for line in said.lines() {
            match frames.last_mut() {
                Some(last) if line.starts_with(char::is_whitespace) => last.push_str(line),
                _ => frames.push(line.to_string()),
            }
        }
        Ok(frames)
    }
}
