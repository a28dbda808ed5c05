//! What is known of this machine's disks, as `--json` prints it.

use device::{Disk, HiddenDisks};
use evidence::{GuardState, SelfReport, Transport};
use guard::{Guard, GuardError};
use serde::Serialize;

/// The whole answer.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) guard: GuardReport,
    pub(crate) disks: Vec<DiskReport>,
    /// Controllers that hide disks which are therefore not in the list.
    pub(crate) hidden: Vec<HiddenDisks>,
}

/// The guard of this machine.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub(crate) enum GuardReport {
    InForce {
        interface_version: &'static str,
        /// Absent for a user who may not know.
        #[serde(skip_serializing_if = "Option::is_none")]
        sealed: Option<bool>,
    },
    Absent,
    Unknown {
        reason: String,
    },
}

/// One disk and its state.
#[derive(Serialize)]
pub(crate) struct DiskReport {
    #[serde(flatten)]
    pub(crate) disk: Disk,
    pub(crate) guard_state: DiskState,
    /// Operations that the guard refused on it since it was discovered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<u64>,
    /// What the disk says of itself; absent when it was not to be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) self_report: Option<SelfReport>,
}

/// What stands between a program and the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DiskState {
    /// A virtual disk, which passes because what lies below it is guarded.
    Virtual,
    /// A disk with hardware that a guard in force does not hold: must never be.
    Unguarded,
    /// No guard is in force on this machine.
    NoGuard,
    /// The guard could not be asked.
    Unknown,
    /// The guard's state.
    #[serde(untagged)]
    Guarded(GuardState),
}

impl Report {
    pub(crate) fn new(
        disks: Vec<(Disk, Option<SelfReport>)>,
        hidden: Vec<HiddenDisks>,
        guard: Result<Option<Guard>, GuardError>,
    ) -> Self {
        let disks = disks.into_iter().map(|(disk, said)| DiskReport::new(disk, said, &guard)).collect();
        let guard = match guard {
            Ok(Some(guard)) => {
                GuardReport::InForce { interface_version: guard.version(), sealed: guard.sealed().ok() }
            }
            Ok(None) => GuardReport::Absent,
            Err(e) => GuardReport::Unknown { reason: e.to_string() },
        };
        Self { guard, disks, hidden }
    }
}

impl DiskReport {
    fn new(
        mut disk: Disk,
        self_report: Option<SelfReport>,
        guard: &Result<Option<Guard>, GuardError>,
    ) -> Self {
        let (guard_state, refused) = match guard {
            Err(_) => (DiskState::Unknown, None),
            Ok(None) => (DiskState::NoGuard, None),
            Ok(Some(guard)) => match state(guard, &disk.name) {
                Ok((state, refused)) => (DiskState::Guarded(state), Some(refused)),
                Err(GuardError::NotGuarded { .. })
                    if matches!(disk.identity.transport, Transport::Loop | Transport::Other) =>
                {
                    (DiskState::Virtual, None)
                }
                Err(GuardError::NotGuarded { .. }) => {
                    disk.warnings
                        .push("the guard does not hold this disk; do not work on, report it".to_owned());
                    (DiskState::Unguarded, None)
                }
                Err(e) => {
                    disk.warnings.push(e.to_string());
                    (DiskState::Unknown, None)
                }
            },
        };
        Self { disk, guard_state, refused, self_report }
    }
}

fn state(guard: &Guard, name: &str) -> Result<(GuardState, u64), GuardError> {
    let disk = guard.disk(name)?;
    Ok((disk.state()?, disk.refused()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{Area, AreaKind, ByteCount, Finding, HiddenArea, SectorCount};

    /// A disk as the list gives it, under another name and transport.
    fn disk(name: &str, transport: Transport) -> Disk {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut disk = device::inventory::identify(file.path()).unwrap();
        disk.name = name.to_owned();
        disk.identity.transport = transport;
        disk
    }

    #[test]
    fn each_disk_has_the_state_that_the_guard_gives_and_one_it_does_not_hold_is_warned_of() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        write("evidence_guard/version", "2\n");
        write("evidence_guard/seal", "1\n");
        write("block/sda/guard/state", "evidence\n");
        write("block/sda/guard/refused", "7\n");
        write("block/sdb/size", "8\n");
        write("block/loop0/size", "8\n");
        let disks = vec![
            disk("sda", Transport::Ata),
            disk("sdb", Transport::Scsi),
            disk("loop0", Transport::Loop),
            disk("sdz", Transport::Usb),
        ];
        let hidden = vec![HiddenDisks { controller: "0000:00:17.0".into(), count: 1 }];
        let mut said = SelfReport::not_asked("it is only a fixture");
        let area = HiddenArea {
            size: Some(ByteCount(1 << 20)),
            sectors: Some(SectorCount(2048)),
            device: None,
            what: "2 048 sectors (1.0 MiB) from LBA 4 096 on".into(),
        };
        said.areas.push(Area { kind: AreaKind::HostProtectedArea, finding: Finding::Found(area) });
        let asked = |disk: Disk| (disk.name == "sda").then(|| said.clone());
        let disks = disks.into_iter().map(|disk| (disk.clone(), asked(disk))).collect();
        let report = Report::new(disks, hidden, Guard::in_force_at(root.path(), root.path()));
        let states: Vec<_> = report.disks.iter().map(|d| d.guard_state.clone()).collect();
        let evidence = DiskState::Guarded(GuardState::Evidence);
        assert_eq!(states, [evidence, DiskState::Unguarded, DiskState::Virtual, DiskState::Unknown]);
        assert!(report.disks[1].disk.warnings[0].contains("does not hold this disk"));

        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json.pointer("/guard/sealed").unwrap(), true);
        assert_eq!(json.pointer("/disks/0/guard_state").unwrap(), "evidence");
        assert_eq!(json.pointer("/disks/0/refused").unwrap(), 7);
        assert_eq!(json.pointer("/hidden/0/count").unwrap(), 1);
        assert_eq!(json.pointer("/disks/0/self_report/areas/1/kind").unwrap(), "host-protected-area");
        assert_eq!(json.pointer("/disks/0/self_report/areas/1/sectors").unwrap(), 2048);
        assert_eq!(json.pointer("/disks/0/self_report/trim/finding").unwrap(), "unknown");
        assert!(json.pointer("/disks/1/self_report").is_none(), "one that was not asked");

        let screen = crate::screen::lines(&report).join("\n");
        for words in [
            "sealed",
            "0000:00:17.0 hides",
            "evidence",
            "7 operations refused",
            "UNGUARDED",
            "WARNING: the guard",
            "WARNING: host protected area (HPA): 2 048 sectors (1.0 MiB) from",
            "it is only a fixture",
        ] {
            assert!(screen.contains(words), "{words}: {screen}");
        }
        assert!(!screen.contains("NO EVIDENCE GUARD"));
    }
}
