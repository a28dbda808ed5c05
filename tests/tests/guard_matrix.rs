//! No command outside the allow-list reaches a device, on any transport: pf-prove's whole catalogue and random commands
//! against each blocked disk, then against evidence; judged by the emulator's trace, its statistics, and every byte.
//!
//! `PERMAFROST_RANDOM` says how many random commands each disk gets (20 000), `PERMAFROST_SEED` where they start, and
//! `PERMAFROST_TRANSPORTS`, a list with commas, which disks are there (all): a million commands on each take hours.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod machine_of_all_transports;

use std::time::{Duration, Instant};

use harness::{
    Result,
    disk_device::{Disk, Transport},
    emulator::Chipset,
    guest::Guest,
    oracle::{Oracle, Verdict, sha256_of, tally},
    prover, raw_attempts,
};
use machine_of_all_transports::{Bench, EVERY_PCI, EVERY_PCI_EXPRESS, await_name};

/// A driver that waits in vain for a refused flush would take minutes.
const QUICK: Duration = Duration::from_secs(30);
const READ_WITHIN: Duration = Duration::from_secs(120);
/// Evidence is attacked once more, with less.
const RANDOM_ON_EVIDENCE: u64 = 500;
/// After each reset the drivers of these wait for seconds in which nothing else can be done to the disk: they are attacked in
/// a machine of their own, meanwhile.
const LONG_RESETS: [Transport; 4] =
    [Transport::Sd, Transport::MegaRaid, Transport::ScsiCd, Transport::AhciCd];

/// Attacks those disks of a machine with all of them that `attacked` names, and judges all.
fn nothing_gets_through(
    (chipset, transports): (Chipset, &[Transport]),
    attacked: impl Fn(Transport) -> bool,
    run: &str,
) {
    let transports = chosen(transports);
    if !transports.iter().any(|transport| attacked(*transport)) {
        return eprintln!("skipped: PERMAFROST_TRANSPORTS names no disk that is attacked here");
    }
    let bench = Bench::new((chipset, &transports), run);
    let oracle = Oracle::watch(&bench.disks).unwrap();
    let mut guest = Guest::boot(bench.machine, &bench.logs).unwrap();
    guest.open_toolbox().unwrap();
    let mut objections = Vec::new();
    let mut resets = 0;
    for disk in bench.disks.iter().filter(|disk| attacked(disk.transport)) {
        let begun = Instant::now();
        let found =
            objections_to(&mut guest, disk, &mut resets).unwrap_or_else(|error| vec![error.to_string()]);
        eprintln!("{}: {} s", disk.transport.name(), begun.elapsed().as_secs());
        objections.extend(found.into_iter().map(|words| format!("{}: {words}", disk.transport.name())));
    }
    objections.extend(guest.kernel_complaints_beside_resets(resets).unwrap());
    let begun = Instant::now();
    guest.power_off().unwrap();
    if begun.elapsed() > QUICK {
        objections.push(format!("power-off took {} s", begun.elapsed().as_secs()));
    }
    let verdicts = oracle.judge(guest.emulator).unwrap();
    objections.extend(verdicts.iter().flat_map(Verdict::objections_to_the_gates));
    for verdict in &verdicts {
        eprintln!("{} received {:#?}", verdict.transport.name(), tally(&verdict.from_kernel()));
    }
    assert!(objections.is_empty(), "{} objections:\n{}", objections.len(), objections.join("\n"));
}

/// Those of `transports` that the environment does not leave out.
fn chosen(transports: &[Transport]) -> Vec<Transport> {
    let Ok(names) = std::env::var("PERMAFROST_TRANSPORTS") else { return transports.to_vec() };
    let names: Vec<&str> = names.split(',').collect();
    let known = |name: &&str| Transport::ALL.iter().any(|transport| transport.name() == *name);
    assert!(
        names.iter().all(known),
        "PERMAFROST_TRANSPORTS={names:?}: known are {:?}",
        Transport::ALL.map(|t| t.name())
    );
    let is_chosen = |transport: &Transport| names.contains(&transport.name());
    transports.iter().copied().filter(is_chosen).collect()
}

/// All that can be seen from within: the oracle sees the rest at the end. Counts the `resets` that were asked for.
fn objections_to(guest: &mut Guest, disk: &Disk, resets: &mut u32) -> Result<Vec<String>> {
    let name = await_name(guest, disk);
    let target = prover::Target::find(guest, &name)?;
    let blocked = prover::attack(guest, &target, prover::EVERYTHING, prover::random_commands())?;
    eprintln!(
        "{}: {:?}, {} random commands, executed {:?}",
        disk.transport.name(),
        blocked.counts(),
        blocked.random,
        blocked.executed
    );
    guest.forget_events()?;
    // Discovered anew, a disk may have another name.
    let name = await_name(guest, disk);
    let target = prover::Target::find(guest, &name)?;
    let mut objections = state_objections(guest, &name, "blocked")?;
    if blocked.random != prover::random_commands() && takes_raw_commands(disk.transport) {
        objections.push(format!("only {} random commands were sent", blocked.random));
    }
    objections.extend(leaks(&blocked));
    guest.demand(&format!("pf-guard lock /dev/{name}"))?;
    let evidence = prover::attack(guest, &target, prover::EVERYTHING, RANDOM_ON_EVIDENCE)?;
    objections.extend(leaks(&evidence));
    *resets += [&blocked, &evidence].into_iter().map(resets_asked_for).sum::<u32>();
    objections.extend(without_mounts_or_resets(disk.transport, &blocked));
    let name = await_name(guest, disk);
    objections.extend(raw_attempts::make_all(guest, disk.transport, &name)?);
    if matches!(disk.transport, Transport::Ufs | Transport::ScsiCd | Transport::AhciCd) {
        // Discovered anew, a disk of which the kernel reads no identifier is another disk: born blocked, and never a destination.
        objections.extend(state_objections(guest, &name, "blocked")?);
        if guest.allow(&name, "").is_ok() || guest.allow(&name, &disk.serial).is_ok() {
            objections.push("a disk without a serial was made a destination".into());
        }
    } else {
        objections.extend(state_objections(guest, &name, "evidence")?);
    }

    // The whole disk is still there for a direct read, and is what it was.
    let read = format!("dd if=/dev/{name} bs=64k iflag=direct 2>/dev/null | sha256sum");
    let read = guest.demand_within(&read, READ_WITHIN)?;
    let expected = sha256_of(&disk.image)?;
    if !read.starts_with(&expected) {
        objections.push(format!("reads as {}, but holds {expected}", read.trim()));
    }
    Ok(objections)
}

/// Neither a virtio block device nor a floppy drive has a door for the commands that pf-prove makes at random.
fn takes_raw_commands(transport: Transport) -> bool {
    !matches!(transport, Transport::VirtioBlk | Transport::Floppy)
}

/// What pf-prove itself believes got through, one line each. Of its random commands the guard absorbs some (START STOP
/// UNIT, flushes): they look executed from within, and whether they were is the oracle's to say.
fn leaks(report: &prover::Report) -> Vec<String> {
    let failing = |verdict: &str| verdict == "changed" || verdict == "accepted-nothing-changed";
    let rows = report.rows.iter().filter(|row| failing(&row.verdict));
    rows.map(|row| format!("pf-prove: {} {} through {}: {}", row.class, row.name, row.door, row.verdict))
        .collect()
}

/// Of the rows with a reset, those that were not for want of a door.
fn resets_asked_for(report: &prover::Report) -> u32 {
    let tried = |row: &&prover::Row| row.class == "reset" && row.verdict != "not-applicable";
    report.rows.iter().filter(tried).count() as u32
}

/// The evidence disks carry a FAT and two ext4 file systems, and all models but three take a reset.
fn without_mounts_or_resets(transport: Transport, report: &prover::Report) -> Vec<String> {
    let mounted = report.rows.iter().filter(|row| row.class == "mount" && row.verdict == "blocked").count();
    let mut objections = Vec::new();
    if transport != Transport::Floppy && !transport.is_optical() && mounted < 20 {
        objections.push(format!("only {mounted} ways to mount were tried and blocked"));
    }
    if !matches!(transport, Transport::VirtioBlk | Transport::Floppy | Transport::Sd)
        && resets_asked_for(report) == 0
    {
        objections.push("no reset was tried".into());
    }
    objections
}

fn state_objections(guest: &mut Guest, name: &str, expected: &str) -> Result<Vec<String>> {
    let seen = guest.demand(&format!("cat /sys/block/{name}/guard/state /sys/block/{name}/ro"))?;
    let seen: Vec<&str> = seen.split_whitespace().collect();
    let as_expected = seen == [expected, "1"];
    Ok(if as_expected { Vec::new() } else { vec![format!("state and read-only mark are {seen:?}")] })
}

#[test]
fn nothing_gets_through_on_a_pci_express_machine() {
    let at_once = |transport| !LONG_RESETS.contains(&transport);
    nothing_gets_through(EVERY_PCI_EXPRESS, at_once, "guard-q35");
}

#[test]
fn nothing_gets_through_on_a_pci_express_machine_where_resets_take_long() {
    nothing_gets_through(
        EVERY_PCI_EXPRESS,
        |transport| LONG_RESETS.contains(&transport),
        "guard-q35-long-resets",
    );
}

#[test]
fn nothing_gets_through_on_a_pci_machine() {
    nothing_gets_through(EVERY_PCI, |_| true, "guard-pc");
}

#[test]
fn every_transport_is_in_the_matrix() {
    let covered: Vec<Transport> =
        [EVERY_PCI_EXPRESS, EVERY_PCI].iter().flat_map(|(_, list)| list.to_vec()).collect();
    let missing: Vec<_> = Transport::ALL.iter().filter(|transport| !covered.contains(transport)).collect();
    assert!(missing.is_empty(), "in no machine of the matrix: {missing:?}");
}
