//! The run: state before, every attempt with a look after each, random commands, everything read again, state after.

use crate::arguments::Attack;
use crate::attempt::carry_out;
use crate::catalogue::block::BlockForm;
use crate::command::Aim;
use crate::failure::Failure;
use crate::held_doors::HeldDoors;
use crate::pattern;
use crate::plan::{self, Action, Attempt};
use crate::random::Maker;
use crate::report::{RandomRow, Report, Row};
use crate::state;
use crate::target::Target;
use crate::vector::{Door, Stake};
use crate::verdict::{Verdict, requirements};
use crate::watch::{STRETCH, Watch};
use passthrough::{Outcome, block};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Attempts aim below this byte, so that commands with 21-bit addresses reach the same place.
const REACH: u64 = 1 << 30;
/// After so many random commands that were refused, the watched stretches are looked at all the same.
const LOOK_EVERY: u64 = 512;

/// Where on the disk attempts aim: a stretch of its own for each, as long as there are enough.
struct Range {
    first: u64,
    stretches: u64,
}

impl Range {
    fn of(target: &Target, door: Door) -> Option<Self> {
        let (start, end) = match door {
            Door::Partition => {
                let partition = target.disk.partitions.first()?;
                let start = partition.start.0.saturating_mul(u64::try_from(target.sector()).ok()?);
                (start, start.saturating_add(partition.size.0))
            }
            _ => (target.size() / 8, target.size()),
        };
        let first = start.div_ceil(STRETCH).saturating_add(1);
        let last = end.min(REACH.max(start)) / STRETCH;
        let stretches = last.saturating_sub(first).saturating_sub(2);
        (stretches > 0).then_some(Range { first, stretches })
    }

    fn aim(&self, number: u64) -> u64 {
        let index = number.checked_rem(self.stretches).unwrap_or(0);
        self.first.saturating_add(index).saturating_mul(STRETCH)
    }
}

/// Runs everything that was asked for. `tell` hears each row.
pub(crate) fn run(target: &Target, options: &Attack, tell: &mut dyn FnMut(&Row)) -> Result<Report, Failure> {
    let path = Path::new(&target.disk.identity.path);
    let seed = if options.no_pattern { None } else { Some(pattern::seed_on(path)?) };
    if let Some(seed) = seed {
        let found = pattern::check(path, seed, &mut |_| ())?;
        if found.changed_blocks > 0 {
            let what =
                format!("{} blocks of 512 bytes differ before the first attempt", found.changed_blocks);
            return Err(Failure::NoPattern { disk: path.display().to_string(), what });
        }
    }
    let mut report = Report::new(target, options);
    report.state_before = state::read(target);
    let mut run = Run::new(target, options);
    for attempt in plan::plan(target, &options.only) {
        let row = run.try_one(&attempt)?;
        tell(&row);
        report.rows.push(row);
    }
    if options.only.is_empty() || options.only.contains(&crate::vector::Class::Random) {
        report.random = run.try_random(options.random)?;
    }
    report.state_after = state::read(target);
    report.state_changes = state::changes(&report.state_before, &report.state_after);
    if let Some(seed) = seed {
        // A disk that can't be read any more is a finding, not an end without one.
        match pattern::check(path, seed, &mut |_| ()) {
            Ok(found) => report.pattern = Some(found),
            Err(failure) => report.pattern_unreadable = Some(failure.to_string()),
        }
    }
    report.end();
    Ok(report)
}

struct Run<'a> {
    target: &'a Target,
    options: &'a Attack,
    watch: Watch,
    number: u64,
    namespace: u32,
}

impl<'a> Run<'a> {
    fn new(target: &'a Target, options: &'a Attack) -> Self {
        Run { target, options, watch: Watch::on(target), number: 0, namespace: state::namespace(target) }
    }

    fn aim(&mut self, door: Door) -> Option<(u64, Aim)> {
        let at = Range::of(self.target, door)?.aim(self.number);
        self.number = self.number.saturating_add(1);
        let sector = self.target.sector();
        let unit = u64::try_from(sector).unwrap_or(512);
        let aim = Aim {
            lba: at / unit,
            last: (self.target.size() / unit).saturating_sub(1),
            sector,
            namespace: self.namespace,
            held: self.watch.held(at, sector),
            nonce: self.options.seed.wrapping_mul(0x1_0000_0001).wrapping_add(self.number),
        };
        Some((at, aim))
    }

    fn try_one(&mut self, attempt: &Attempt) -> Result<Row, Failure> {
        let mut row = Row::of(attempt);
        if attempt.stake == Stake::Device && !self.options.destructive {
            row.answer = "not tried: needs --destructive".to_owned();
            return Ok(row);
        }
        let Some((at, mut aim)) = self.aim(attempt.door) else {
            row.answer = "not tried: the partition is too small to aim at".to_owned();
            return Ok(row);
        };
        self.watch.look(at)?;
        aim.held = self.watch.held(at, aim.sector);
        let start = match attempt.door {
            Door::Partition => self.target.disk.partitions.first().map_or(0, |partition| {
                partition.start.0.saturating_mul(u64::try_from(aim.sector).unwrap_or(512))
            }),
            _ => 0,
        };
        let began = Instant::now();
        let answer = carry_out(attempt, self.target, &aim, at.saturating_sub(start));
        row.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        row.changes = self.watch.changes()?;
        row.outcome = Some(answer.outcome());
        row.answer = answer.to_string();
        row.verdict = Verdict::of(attempt.effect, answer.outcome(), !row.changes.is_empty());
        row.requirements = requirements(attempt.effect);
        self.restore_read_only_mark(attempt);
        Ok(row)
    }

    /// A cleared read-only mark would let all later rows through that it holds back: it is set again where it was set.
    fn restore_read_only_mark(&self, attempt: &Attempt) {
        let cleared = matches!(
            attempt.action,
            Action::Block(BlockForm::SetWritable | BlockForm::SetWritableThenDirect)
        );
        if !cleared {
            return;
        }
        let node = |door| {
            self.target
                .node(door)
                .and_then(|path| passthrough::Node::open(path, passthrough::Access::ReadOnly).ok())
        };
        if let (true, Some(node)) = (self.target.disk.read_only, node(attempt.door)) {
            let _ = block::set_read_only(&node, true);
        }
    }

    fn try_random(&mut self, count: u64) -> Result<Vec<RandomRow>, Failure> {
        let Some((at, aim)) = self.aim(Door::Disk).filter(|_| count > 0) else { return Ok(Vec::new()) };
        self.watch.look(at)?;
        let mut maker = Maker::new(self.options.seed, self.target, aim.clone(), self.options.destructive);
        let mut counts: BTreeMap<(String, String), RandomRow> = BTreeMap::new();
        let mut doors = HeldDoors::of(self.target);
        for number in 0..count {
            let Some(attempt) = maker.next() else { break };
            let sent = doors.send(&attempt);
            let answer = sent.unwrap_or_else(|| carry_out(&attempt, self.target, &aim, at));
            let executed = answer.outcome() == Outcome::Executed;
            let harmless = is_read(&attempt) || is_control(&attempt.action);
            let look = (executed && !harmless)
                || number.checked_rem(LOOK_EVERY) == Some(0)
                || number.saturating_add(1) == count;
            let changes = if look { self.watch.changes()? } else { Vec::new() };
            if number.checked_rem(LOOK_EVERY) == Some(0) {
                doors.close();
            }
            let key = (attempt.name.clone(), answer.to_string());
            let row = counts.entry(key).or_insert_with(|| RandomRow {
                command: attempt.name.clone(),
                answer: answer.to_string(),
                count: 0,
                executed: executed && !harmless,
                first: number,
                example: format!("{:?} through {}", attempt.action, attempt.door),
                changes: Vec::new(),
            });
            row.count = row.count.saturating_add(1);
            if row.changes.len() < 4 {
                row.changes
                    .extend(changes.into_iter().map(|change| format!("after command {number}: {change}")));
            }
        }
        Ok(counts.into_values().collect())
    }
}

/// START STOP UNIT, SYNCHRONIZE CACHE and PREVENT ALLOW MEDIUM REMOVAL, the SCSI commands without data from which neither
/// data nor a lasting setting can follow: the catalogue has them as control commands too.
const SCSI_CONTROLS: [u8; 4] = [0x1B, 0x1E, 0x35, 0x91];

/// A random command of those may be executed.
fn is_control(action: &Action) -> bool {
    let Action::RawScsi(cdb, crate::command::Data::None) = action else { return false };
    cdb.first().is_some_and(|opcode| SCSI_CONTROLS.contains(opcode))
}

/// A random command that only reads may be executed.
fn is_read(attempt: &Attempt) -> bool {
    match &attempt.action {
        Action::RawScsi(_, data) | Action::RawNvme(_, _, data) => matches!(data, crate::command::Data::In(_)),
        Action::RawMmc(_, data) => matches!(data, crate::command::Data::In(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Data;

    #[test]
    fn of_random_commands_only_those_that_can_leave_nothing_behind_may_be_executed() {
        let scsi = |opcode: u8, data: Data| is_control(&Action::RawScsi(vec![opcode, 0, 0, 0, 1, 0], data));
        assert!(scsi(0x1B, Data::None) && scsi(0x35, Data::None));
        // FORMAT UNIT and SANITIZE work without data too.
        assert!(!scsi(0x04, Data::None) && !scsi(0x48, Data::None));
        assert!(!scsi(0x1B, Data::Out(vec![0; 512])));
    }
}
