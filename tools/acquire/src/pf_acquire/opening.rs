//! The first entry of a record: who acquires what, with what, where, and how.

use super::arguments::Arguments;
use super::firmware;
use super::network;
use super::records::Records;
use super::source::Source;
use device::tpm::Tpm;
use evidence::HashAlgorithm;
use nix::sys::utsname::uname;
use record::{AcquisitionOpened, Entry, Environment, GuardReport, MeasuredBoot, Plan, RecordError, Software};
use std::path::Path;

/// Begins the record: with what was known and decided before the first read, and with how this machine was started.
pub fn open(
    record: &mut Records,
    arguments: &Arguments,
    source: &Source,
    guard: GuardReport,
    plan: Plan,
) -> Result<(), RecordError> {
    record.append(&opened(arguments, source, guard, plan, record))?;
    record.append(&measured_boot())
}

fn opened(arguments: &Arguments, source: &Source, guard: GuardReport, plan: Plan, record: &Records) -> Entry {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    Entry::AcquisitionOpened(Box::new(AcquisitionOpened {
        format_version: record::FORMAT_VERSION,
        software: Software { name: "pf-acquire".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        environment: environment(&plan.hashes),
        command_line: words.collect(),
        case: arguments.case(),
        source: source.disk.identity.clone(),
        guard,
        plan,
        signing_key: Some(record.notice().clone()),
    }))
}

/// How this machine was started.
fn measured_boot() -> Entry {
    let told = match Tpm::read() {
        Err(reason) => MeasuredBoot::absent(reason),
        Ok(Tpm { version, banks, event_log }) => {
            let banks = banks.into_iter().map(|bank| (bank.algorithm, bank.values)).collect();
            MeasuredBoot::present(version, banks, event_log)
        }
    };
    Entry::MeasuredBoot(Box::new(told))
}

/// Where this program runs.
fn environment(algorithms: &[HashAlgorithm]) -> Environment {
    let said = uname().ok();
    let word = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let (firmware, secure_boot) = firmware::told(Path::new("/sys"));
    Environment {
        image: std::fs::read_to_string("/etc/permafrost-release").ok(),
        kernel: said
            .as_ref()
            .map(|u| format!("{} {} {}", word(u.sysname()), word(u.release()), word(u.version())))
            .unwrap_or_default(),
        host: said.as_ref().map(|u| word(u.nodename())).unwrap_or_default(),
        firmware: firmware.map(str::to_owned),
        secure_boot: secure_boot.map(str::to_owned),
        network: network::of_this_machine(),
        hash_implementations: algorithms
            .iter()
            .map(|algorithm| (algorithm.word().to_owned(), algorithm.implementation().to_owned()))
            .collect(),
    }
}
