//! The report in words: what an examiner must know before imaging, and what is known and not known besides.

use super::{AfterTrim, AreaKind, AtaSecurity, Finding, Health, SelfReport, ZoneModel};
use std::fmt;

impl fmt::Display for AreaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AreaKind::HostProtectedArea => "host protected area (HPA)",
            AreaKind::DeviceConfigurationOverlay => "device configuration overlay (DCO)",
            AreaKind::AccessibleMaxAddress => "accessible max address (AMA)",
            AreaKind::BeyondCapacity => "capacity beyond the reported one",
            AreaKind::UnattachedNamespace => "unattached namespaces",
            AreaKind::UnallocatedCapacity => "unallocated capacity",
            AreaKind::BlockMetadata => "metadata beside the blocks",
            AreaKind::ReplayProtectedBlock => "replay protected memory block (RPMB)",
            AreaKind::BootPartition => "boot partition",
            AreaKind::GeneralPurposePartition => "general purpose partition",
            AreaKind::CardProtectedArea => "protected area of the card",
        })
    }
}

impl SelfReport {
    /// What the examiner must know before imaging, one sentence each: what an image of this disk doesn't hold, what keeps
    /// it from being read truly, and that it is failing.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for area in &self.areas {
            let Finding::Found(hidden) = &area.finding else { continue };
            let remedy = match &hidden.device {
                Some(device) => format!("; image {device} by itself"),
                None => String::new(),
            };
            warnings.push(format!("{}: {}: not in an image of this disk{remedy}", area.kind, hidden.what));
        }
        if let Finding::Found(security) = &self.ata_security
            && security.locked
        {
            warnings.push(format!("locked by its ATA password ({}): sectors can't be read", level(security)));
        }
        if let Finding::Found(tcg) = &self.self_encryption {
            if tcg.shadows_first_sectors() {
                warnings.push(
                    "shows a shadow MBR (TCG) in place of its true first sectors: an image holds the shadow"
                        .to_owned(),
                );
            }
            if tcg.locked {
                warnings.push("locked by TCG self-encryption: locked ranges can't be read".to_owned());
            }
        }
        if let Finding::Found(health) = &self.health {
            if health.failing == Some(true) {
                warnings.push(
                    "expects to fail soon by its own account: image it now, handle it little".to_owned(),
                );
            }
            warnings
                .extend(health.alarms.iter().map(|alarm| format!("its own health account says: {alarm}")));
        }
        warnings
    }

    /// What could be hidden without that it can be known, one sentence each.
    #[must_use]
    pub fn unknown_areas(&self) -> Vec<String> {
        let unknown = self.areas.iter().filter_map(|area| match &area.finding {
            Finding::Unknown { reason } => Some((area.kind, reason)),
            _ => None,
        });
        unknown.map(|(kind, reason)| format!("{kind}: unknown: {reason}")).collect()
    }

    /// Everything that is no warning: what is said to be absent, states, and what is not known.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let absent: Vec<String> = self
            .areas
            .iter()
            .filter(|area| area.finding == Finding::None)
            .map(|area| area.kind.to_string())
            .collect();
        let mut remarks = Vec::new();
        if !absent.is_empty() {
            remarks.push(format!("says it has none of: {}", absent.join(", ")));
        }
        remarks.extend(state("ATA security", "not supported", &self.ata_security, security));
        remarks.extend(state("self-encryption (TCG)", "not supported", &self.self_encryption, |tcg| {
            let yes = |is: bool, word: &'static str| is.then_some(word);
            let states = [
                yes(tcg.locking_enabled, "locking enabled"),
                yes(tcg.locked, "LOCKED"),
                yes(tcg.shadows_first_sectors(), "shadow MBR shown"),
                yes(tcg.media_encryption, "medium encrypted by the disk"),
            ];
            let states: Vec<&str> = states.into_iter().flatten().collect();
            let states = if states.is_empty() { "locking not enabled".to_owned() } else { states.join(", ") };
            format!("{}: {states}", tcg.classes.join(", "))
        }));
        remarks.extend(state("TRIM", "not supported", &self.trim, |trim| {
            match trim.reads {
                AfterTrim::Zeros => "discarded sectors read as zeros",
                AfterTrim::Ones => "discarded sectors read as ones",
                AfterTrim::Deterministic => "discarded sectors read the same each time, but not said as what",
                AfterTrim::Unspecified => "what discarded sectors read as is not promised",
            }
            .to_owned()
        }));
        remarks.extend(state("zones", "none", &self.zones, |zones| {
            match zones.model {
                ZoneModel::DeviceManaged => "device-managed",
                ZoneModel::HostAware => "host-aware",
                ZoneModel::HostManaged => "host-managed",
            }
            .to_owned()
        }));
        remarks.extend(state("health", "not kept", &self.health, health));
        remarks.extend(self.unknown());
        remarks
    }

    /// Everything unknown, once for each reason.
    fn unknown(&self) -> Vec<String> {
        let mut all: Vec<(String, &String)> = Vec::new();
        let mut add = |what: String, reason| all.push((what, reason));
        for area in &self.areas {
            if let Finding::Unknown { reason } = &area.finding {
                add(area.kind.to_string(), reason);
            }
        }
        if let Finding::Unknown { reason } = &self.ata_security {
            add("ATA security".to_owned(), reason);
        }
        if let Finding::Unknown { reason } = &self.self_encryption {
            add("self-encryption".to_owned(), reason);
        }
        if let Finding::Unknown { reason } = &self.trim {
            add("TRIM".to_owned(), reason);
        }
        if let Finding::Unknown { reason } = &self.zones {
            add("zones".to_owned(), reason);
        }
        if let Finding::Unknown { reason } = &self.health {
            add("health".to_owned(), reason);
        }
        let mut reasons: Vec<&String> = Vec::new();
        for (_, reason) in &all {
            if !reasons.contains(reason) {
                reasons.push(reason);
            }
        }
        let of = |reason: &String| {
            let whats = all.iter().filter(|(_, other)| *other == reason).map(|(what, _)| what.as_str());
            whats.collect::<Vec<_>>().join(", ")
        };
        reasons.iter().map(|reason| format!("unknown: {}: {reason}", of(reason))).collect()
    }
}

fn state<T>(what: &str, none: &str, finding: &Finding<T>, words: impl Fn(&T) -> String) -> Option<String> {
    match finding {
        Finding::None => Some(format!("{what}: {none}")),
        Finding::Found(found) => Some(format!("{what}: {}", words(found))),
        Finding::Unknown { .. } => None,
    }
}

fn security(security: &AtaSecurity) -> String {
    let AtaSecurity { enabled, locked, frozen, count_expired, .. } = *security;
    let mut words = vec![if enabled { "password set" } else { "no password set" }];
    words.extend(locked.then_some("LOCKED"));
    words.extend(frozen.then_some("frozen until power-off"));
    words.extend(count_expired.then_some("too many wrong passwords, takes none until power-off"));
    let mut said = words.join(", ");
    if enabled {
        said = format!("{said}, {}", level(security));
    }
    said
}

fn level(security: &AtaSecurity) -> &'static str {
    match security.maximum {
        true => "level maximum: the master password only erases",
        false => "level high: the master password unlocks too",
    }
}

fn health(health: &Health) -> String {
    let mut words = vec![match health.failing {
        Some(true) => "FAILING by its own account".to_owned(),
        Some(false) => "good by its own account".to_owned(),
        None => "no conclusion of its own".to_owned(),
    }];
    words.extend(health.readings.iter().map(|(name, value)| format!("{name} {value}")));
    words.join(", ")
}
