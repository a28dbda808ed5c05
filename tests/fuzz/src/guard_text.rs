//! What the kernel's guard says.

use crate::images::one_line;
use guard::{CommandCount, Event, Guard, Wait};
use std::fs;
use std::path::Path;

/// The same text as an event, as a count of commands, and as every file of a guard.
pub fn guard_text(input: &[u8], scratch: &Path) {
    let text = String::from_utf8_lossy(input);
    for line in text.lines() {
        match line.parse::<Event>() {
            Ok(event) => {
                assert!(!event.to_string().is_empty());
                one_line(&event.to_string());
                serde_json::to_string(&event).unwrap();
            }
            Err(error) => one_line(&error.to_string()),
        }
        if let Ok(count) = line.parse::<CommandCount>() {
            let json = serde_json::to_string(&count).unwrap();
            assert_eq!(serde_json::from_str::<CommandCount>(&json).unwrap(), count);
        }
    }
    files(input, scratch);
}

fn files(input: &[u8], scratch: &Path) {
    let (sys, security) = (scratch.join("sys"), scratch.join("security"));
    let (disk, guard) = (sys.join("block/sda/guard"), security.join("evidence_guard"));
    fs::create_dir_all(&disk).unwrap();
    fs::create_dir_all(&guard).unwrap();
    fs::write(guard.join("version"), "2\n").unwrap();
    for name in ["seal", "evidence", "events", "policy"] {
        fs::write(guard.join(name), input).unwrap();
    }
    for name in ["state", "refused", "commands", "identity"] {
        fs::write(disk.join(name), input).unwrap();
    }
    let guard = Guard::in_force_at(&sys, &security).unwrap().expect("the version that this guard speaks");
    let refused = [
        guard.sealed().err(),
        guard.evidence_memory().err(),
        guard.policy().err(),
        guard.policy_sha256().err(),
    ];
    if let Ok(events) = guard.events(Wait::End) {
        // A file never ends as the stream does: what is in it now is enough.
        events.take(100).for_each(drop);
    }
    let disk = guard.disk("sda").unwrap();
    let of_disk = [disk.state().err(), disk.refused().err(), disk.commands().err(), disk.identity().err()];
    for error in refused.into_iter().chain(of_disk).flatten() {
        one_line(&error.to_string());
    }
}
