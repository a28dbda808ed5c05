//! How the image grew: at which time how much of the medium was durable.

use jiff::Timestamp;
use record::{Content, Entry, StoredEntry};

/// Steps that a curve has at most.
pub const MOST_STEPS: usize = 300;

/// Checkpoints below which there is no curve to speak of.
const FEWEST_CHECKPOINTS: usize = 2;

/// Points in time and on the medium.
#[derive(Debug, Default)]
pub struct Growth {
    points: Vec<(Timestamp, u64)>,
    checkpoints: usize,
}

/// Between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// First byte of the medium.
    pub from: u64,
    /// The byte behind the last.
    pub to: u64,
    /// How long it took.
    pub milliseconds: u64,
}

impl Step {
    /// Mean speed.
    pub fn bytes_per_second(self) -> u64 {
        let bytes = u128::from(self.to.saturating_sub(self.from)).saturating_mul(1000);
        u64::try_from(bytes / u128::from(self.milliseconds.max(1))).unwrap_or(u64::MAX)
    }
}

impl Growth {
    /// Takes what the entry says of it.
    pub fn see(&mut self, stored: &StoredEntry) {
        let Content::Known(entry) = &stored.content else { return };
        let Ok(time) = stored.time.parse::<Timestamp>() else { return };
        match entry {
            // Reading begins behind the last of these.
            Entry::AcquisitionOpened(_) | Entry::FaultPolicy(_) => self.begin(time, 0),
            Entry::ResumeBegun(begun) => {
                self.begin(time, begun.from.as_ref().map_or(0, |from| from.offset.0));
            }
            Entry::Checkpoint(checkpoint) => {
                self.checkpoints = self.checkpoints.saturating_add(1);
                self.points.push((time, checkpoint.offset.0));
            }
            Entry::ImageClosed(image) => self.points.push((time, image.media_size.0)),
            _ => {}
        }
    }

    fn begin(&mut self, time: Timestamp, offset: u64) {
        if self.checkpoints == 0 {
            self.points.clear();
            self.points.push((time, offset));
        }
    }

    /// Up to which byte of the medium the image is durable, as far as the record says.
    pub fn reached(&self) -> u64 {
        self.points.iter().map(|(_, offset)| *offset).max().unwrap_or(0)
    }

    /// How many checkpoints there are.
    pub fn checkpoints(&self) -> usize {
        self.checkpoints
    }

    /// The steps, neighbours joined so that there are not too many; none where there are too few points. Steps in which the
    /// clock or the image did not move forward are left out.
    pub fn steps(&self) -> Vec<Step> {
        if self.checkpoints < FEWEST_CHECKPOINTS {
            return Vec::new();
        }
        let steps: Vec<Step> = self
            .points
            .iter()
            .zip(self.points.iter().skip(1))
            .filter_map(|((begun, from), (ended, to))| {
                let time = ended.as_millisecond().checked_sub(begun.as_millisecond())?;
                let milliseconds = u64::try_from(time).ok().filter(|time| *time > 0)?;
                (to > from).then_some(Step { from: *from, to: *to, milliseconds })
            })
            .collect();
        steps.chunks(steps.len().div_ceil(MOST_STEPS).max(1)).filter_map(joined).collect()
    }
}

fn joined(steps: &[Step]) -> Option<Step> {
    let (first, last) = (steps.first()?, steps.last()?);
    let milliseconds = steps.iter().fold(0u64, |sum, step| sum.saturating_add(step.milliseconds));
    Some(Step { from: first.from, to: last.to.max(first.from), milliseconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteCount, ByteOffset, Digest};

    fn checkpoint(second: i64, offset: u64) -> StoredEntry {
        let content = Content::Known(Entry::Checkpoint(record::Checkpoint {
            offset: ByteOffset(offset),
            leaf_size: ByteCount(1 << 20),
            leaves: 1,
            leaf_root: Digest::from_bytes(&[0; 32]),
            states: Vec::new(),
        }));
        StoredEntry { seq: 0, time: Timestamp::from_second(second).unwrap().to_string(), content }
    }

    fn seen(points: impl IntoIterator<Item = (i64, u64)>) -> Growth {
        let mut growth = Growth::default();
        points.into_iter().for_each(|(second, offset)| growth.see(&checkpoint(second, offset)));
        growth
    }

    #[test]
    fn speeds_are_those_between_checkpoints() {
        let growth = seen([(0, 0), (10, 1000), (30, 5000)]);
        let speeds: Vec<u64> = growth.steps().into_iter().map(Step::bytes_per_second).collect();
        assert_eq!((speeds, growth.reached()), (vec![100, 200], 5000));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_speed() {
        assert_eq!(seen([(10, 0), (5, 100), (6, 300)]).steps().len(), 1);
        assert!(seen([(0, 0)]).steps().is_empty(), "one checkpoint is no curve");
    }

    #[test]
    fn a_long_run_is_thinned_and_keeps_its_length_and_time() {
        let steps = seen((0..50_000).map(|n| (n, u64::try_from(n).unwrap() * 10))).steps();
        assert!(steps.len() <= MOST_STEPS);
        assert_eq!(steps.iter().map(|step| step.to - step.from).sum::<u64>(), 499_990);
        assert_eq!(steps.iter().map(|step| step.milliseconds).sum::<u64>(), 49_999_000);
    }
}
