//! The emulator's control protocol: commands with their answers, and events, one JSON object a line.

use std::{collections::VecDeque, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    HarnessError, Result,
    socket::{Socket, take_through},
};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a key is held, in milliseconds, and when the next may be pressed.
const HOLD_MS: u32 = 30;
const BETWEEN_KEYS: Duration = Duration::from_millis(120);

/// A connection in command mode.
pub struct Qmp {
    socket: Socket,
    events: VecDeque<Value>,
}

/// What one disk model did to its image, counted by the emulator's block layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockStatistics {
    /// Finished reads.
    pub reads: u64,
    /// Writes, finished or failed; some disk models (SD) count none and show only in `highest_written`.
    pub writes: u64,
    /// Discards, finished or failed.
    pub unmaps: u64,
    /// Zone appends, finished or failed.
    pub zone_appends: u64,
    /// Cache flushes, finished or failed.
    pub flushes: u64,
    /// End of the highest write to the image in bytes, 0 where nothing was ever written.
    pub highest_written: u64,
}

impl Qmp {
    pub(crate) fn negotiate(socket: Socket) -> Result<Self> {
        let mut qmp = Qmp { socket, events: VecDeque::new() };
        qmp.next_message("the QMP greeting", ANSWER_WITHIN)?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and returns its answer.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`] when the emulator refuses it, [`HarnessError::Deadline`] after 30 s.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.socket.send(line.as_bytes())?;
        loop {
            let mut message = self.next_message(&format!("the answer to QMP {command}"), ANSWER_WITHIN)?;
            if message.get("event").is_some() {
                self.events.push_back(message);
            } else if let Some(error) = message.get("error") {
                return Err(HarnessError::Qmp { command: command.into(), answer: error.to_string() });
            } else {
                return Ok(message["return"].take());
            }
        }
    }

    /// Waits for the event `name` that satisfies `condition`; other events are dropped.
    ///
    /// # Errors
    /// [`HarnessError::Deadline`] when it does not come.
    pub fn await_event(
        &mut self,
        name: &str,
        within: Duration,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let awaited = format!("the emulator's event {name}");
        let deadline = std::time::Instant::now() + within;
        loop {
            let message = match self.events.pop_front() {
                Some(event) => event,
                None => {
                    let left = deadline.saturating_duration_since(std::time::Instant::now());
                    self.next_message(&awaited, left)?
                }
            };
            if message["event"] == name && condition(&message["data"]) {
                return Ok(message);
            }
        }
    }

    /// The statistics of the disk model whose image is the node `node`.
    ///
    /// # Errors
    /// [`HarnessError::Unfit`] when no disk model uses that node.
    pub fn block_statistics(&mut self, node: &str) -> Result<BlockStatistics> {
        // Without `query-nodes` the entries are the disk models' own: what they were asked to do.
        let answer = self.execute("query-blockstats", json!({}))?;
        let entries = answer.as_array().cloned().unwrap_or_default();
        let entry = entries.iter().find(|entry| entry["node-name"] == node);
        let stats = match entry {
            Some(entry) => &entry["stats"],
            None => {
                return Err(HarnessError::Unfit(format!(
                    "no disk model of the emulator uses the node {node}"
                )));
            }
        };
        let number = |field: &str| stats[field].as_u64().unwrap_or(0);
        let tried = |kind: &str| {
            number(&format!("{kind}_operations"))
                + number(&format!("failed_{kind}_operations"))
                + number(&format!("invalid_{kind}_operations"))
        };
        Ok(BlockStatistics {
            reads: tried("rd"),
            writes: tried("wr"),
            unmaps: tried("unmap"),
            zone_appends: tried("zone_append"),
            flushes: tried("flush"),
            highest_written: number("wr_highest_offset"),
        })
    }

    /// Presses keys of the machine's keyboard, together: `shift`, `minus`, `y`. Their names are those of a US keyboard's keys,
    /// whatever the guest makes of them.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`] when there is no such key.
    pub fn press_together(&mut self, keys: &[&str]) -> Result<()> {
        let keys: Vec<Value> = keys.iter().map(|key| json!({ "type": "qcode", "data": key })).collect();
        self.execute("send-key", json!({ "keys": keys, "hold-time": HOLD_MS }))?;
        std::thread::sleep(BETWEEN_KEYS);
        Ok(())
    }

    /// Writes what the emulated screen shows to `png`.
    ///
    /// # Errors
    /// [`HarnessError::Qmp`].
    pub fn screen_shot(&mut self, png: &Path) -> Result<()> {
        self.execute("screendump", json!({ "filename": png, "format": "png" })).map(|_| ())
    }

    fn next_message(&mut self, awaited: &str, within: Duration) -> Result<Value> {
        let line = self.socket.read_until(awaited, within, |unread| take_through(unread, b"\n"))?;
        serde_json::from_slice(&line)
            .map_err(|error| HarnessError::Unfit(format!("the emulator sent no JSON ({error})")))
    }
}
