//! The run: state before, every attempt with a look after each, random commands, everything read again, state after.

use crate::arguments::Attack;
use crate::attempt::carry_out;
use crate::catalogue::block::BlockForm;
use crate::catalogue::reset::{FollowUp, ResetForm};
use crate::command::Aim;
use crate::content::Content;
use crate::failure::Failure;
use crate::held_doors::HeldDoors;
use crate::layout::Layout;
use crate::plan::{self, Action, Attempt};
use crate::random::Maker;
use crate::report::{RandomRow, Report, Row};
use crate::resets;
use crate::state;
use crate::target::Target;
use crate::vector::{Door, Stake};
use crate::verdict::{Verdict, requirements};
use crate::watch::{PartitionWatch, STRETCH, Watch};
use passthrough::{Answer, Outcome, block};
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
    fn of(target: &Target, door: Door, layout: Option<&Layout>) -> Option<Self> {
        let largest = |layout: &Layout| {
            layout.patterned().into_iter().max_by_key(|(from, to)| to.saturating_sub(*from))
        };
        let laid_out = layout.filter(|layout| !layout.regions.is_empty());
        let (start, end) = match door {
            // Of a disk that was laid out, this one holds the pattern.
            Door::Partition => {
                let partition = target.disk.partitions.first()?;
                let start = target.start_of(partition);
                (start, start.saturating_add(partition.size.0))
            }
            _ => laid_out.and_then(largest).unwrap_or((target.size() / 8, target.size())),
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
    let held = if options.no_pattern { None } else { Some(Held::on(target)?) };
    let mut report = Report::new(target, options);
    report.laid_out = held.as_ref().map(Held::names).unwrap_or_default();
    report.state_before = state::read(target);
    let mut run = Run::new(target, options, held.as_ref().map(|held| &held.layout));
    for attempt in plan::plan(target, &options.only) {
        let row = run.try_one(&attempt)?;
        tell(&row);
        report.rows.push(row);
    }
    if options.only.is_empty() || options.only.contains(&crate::vector::Class::Random) {
        report.random = run.try_random(options.random)?;
    }
    report.state_after = state::read(&run.target);
    report.state_changes = state::changes(&report.state_before, &report.state_after);
    if let Some(held) = &held {
        // A disk that can't be read any more is a finding, not an end without one.
        match held.layout.compare(Path::new(&run.target.disk.identity.path), &held.contents) {
            Ok(found) => report.pattern = Some(found),
            Err(failure) => report.pattern_unreadable = Some(failure.to_string()),
        }
    }
    report.end();
    Ok(report)
}

/// What the disk was filled with, and what its regions hold before the first attempt.
struct Held {
    layout: Layout,
    contents: Vec<Content>,
}

impl Held {
    /// Reads the whole disk; refuses one that is not what it was filled with.
    fn on(target: &Target) -> Result<Self, Failure> {
        let path = Path::new(&target.disk.identity.path);
        let refused = |what| Failure::NoPattern { disk: path.display().to_string(), what };
        let layout = Layout::on(path)?;
        let contents = layout.contents(path)?;
        let broken = layout.broken_seals(&contents);
        if !broken.is_empty() {
            return Err(refused(format!("changed since it was filled: {}", broken.join(", "))));
        }
        match layout.compare_pattern(path)?.changed_blocks {
            0 => Ok(Self { layout, contents }),
            count => Err(refused(format!("{count} blocks of 512 bytes differ before the first attempt"))),
        }
    }

    fn names(&self) -> Vec<String> {
        self.layout.regions.iter().map(|region| region.name.clone()).collect()
    }
}

struct Run<'a> {
    target: Target,
    /// The kernel held it for read-only before the first attempt.
    was_read_only: bool,
    options: &'a Attack,
    layout: Option<&'a Layout>,
    watch: Watch,
    partition: PartitionWatch,
    number: u64,
    namespace: u32,
}

impl<'a> Run<'a> {
    fn new(target: &Target, options: &'a Attack, layout: Option<&'a Layout>) -> Self {
        Run {
            target: target.clone(),
            was_read_only: target.disk.read_only,
            options,
            layout,
            watch: Watch::on(target),
            partition: PartitionWatch::default(),
            number: 0,
            namespace: state::namespace(target),
        }
    }

    fn aim(&mut self, door: Door) -> Option<(u64, Aim)> {
        let at = Range::of(&self.target, door, self.layout)?.aim(self.number);
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
        let door = if matches!(attempt.action, Action::Mount(_)) { Door::Disk } else { attempt.door };
        let Some((at, mut aim)) = self.aim(door) else {
            row.answer = "not tried: the partition is too small to aim at".to_owned();
            return Ok(row);
        };
        self.watch.look(at)?;
        self.partition.look(attempt, &self.target)?;
        aim.held = self.watch.held(at, aim.sector);
        let start = match door {
            Door::Partition => {
                self.target.disk.partitions.first().map_or(0, |partition| self.target.start_of(partition))
            }
            _ => 0,
        };
        let began = Instant::now();
        let (words, answer) = match attempt.action {
            Action::Reset(form, follow_up) => self.reset_and_write(form, follow_up, &aim, at),
            _ => (String::new(), carry_out(attempt, &self.target, &aim, at.saturating_sub(start))),
        };
        row.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        row.changes = self.watch.changes()?;
        row.changes.extend(self.partition.change(&self.target)?);
        row.outcome = Some(answer.outcome());
        row.answer = format!("{words}{answer}");
        row.verdict = Verdict::of(attempt.effect, answer.outcome(), !row.changes.is_empty());
        row.requirements = requirements(attempt.effect);
        self.restore_read_only_mark(attempt);
        Ok(row)
    }

    /// Resets, finds the disk again, and writes to it as soon as it is there. First what came of the reset, in words.
    fn reset_and_write(
        &mut self,
        form: ResetForm,
        follow_up: FollowUp,
        aim: &Aim,
        at: u64,
    ) -> (String, Answer) {
        let reset = resets::perform(form, &self.target);
        if reset.outcome() == Outcome::Absent {
            return (String::new(), reset);
        }
        let words = format!("reset: {reset}; ");
        let Some(back) = resets::find_again(&self.target) else {
            return (words, Answer::Errno { step: "finding the disk again", errno: libc::ENODEV });
        };
        self.watch.follow(&back.disk.identity.path);
        self.target = back;
        let Some(write) = plan::follow_up(follow_up, &self.target) else {
            return (words, Answer::Errno { step: "raw write command", errno: libc::ENOSYS });
        };
        (words, carry_out(&write, &self.target, aim, at))
    }

    /// A cleared read-only mark would let all later rows through that it holds back: it is set again where it was set.
    fn restore_read_only_mark(&self, attempt: &Attempt) {
        let cleared = matches!(
            attempt.action,
            Action::Block(BlockForm::SetWritable | BlockForm::SetWritableThenDirect) | Action::Reset(..)
        );
        if !cleared {
            return;
        }
        let node = |door| {
            self.target
                .node(door)
                .and_then(|path| passthrough::Node::open(path, passthrough::Access::ReadOnly).ok())
        };
        if let (true, Some(node)) = (self.was_read_only, node(attempt.door)) {
            let _ = block::set_read_only(&node, true);
        }
    }

    fn try_random(&mut self, count: u64) -> Result<Vec<RandomRow>, Failure> {
        let Some((at, aim)) = self.aim(Door::Disk).filter(|_| count > 0) else { return Ok(Vec::new()) };
        self.watch.look(at)?;
        let mut maker = Maker::new(self.options.seed, &self.target, aim.clone(), self.options.destructive);
        let mut counts: BTreeMap<(String, String), RandomRow> = BTreeMap::new();
        let mut doors = HeldDoors::of(&self.target);
        for number in 0..count {
            let Some(attempt) = maker.next() else { break };
            let sent = doors.send(&attempt);
            let answer = sent.unwrap_or_else(|| carry_out(&attempt, &self.target, &aim, at));
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
