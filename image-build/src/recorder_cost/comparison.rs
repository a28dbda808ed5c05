//! From the readings of many rounds to what one command costs.

use read_meter::Reading;
use std::fmt;

/// One turn of each kernel; each list holds a reading for each pattern, in one order.
pub(super) struct Round {
    /// Without the recorder, first.
    pub(super) before: Vec<Reading>,
    /// With it.
    pub(super) with: Vec<Reading>,
    /// Without it again.
    pub(super) after: Vec<Reading>,
}

/// Some value in many rounds: the median, and the borders between which the true median lies 95 times in 100, whatever
/// the noise looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

/// What the rounds say of one pattern.
#[derive(Debug)]
pub(super) struct Figure {
    commands_a_read: f64,
    /// Of a read without the recorder.
    read_ns: f64,
    /// With the recorder less without, for one read.
    cost_ns: Spread,
    /// The second reading without less the first, for one read: what the method shows where there is nothing.
    noise_ns: Spread,
}

/// A recorder that counted must have counted every command; one that is compiled out, nothing; and all kernels must have
/// sent the same commands.
pub(super) fn check(round: &Round) -> Result<(), String> {
    for ((before, with), after) in round.before.iter().zip(&round.with).zip(&round.after) {
        let pattern = with.pattern;
        if with.recorded != Some(with.commands) || with.commands == 0 {
            return Err(format!(
                "{pattern}: the recorder counted {:?} of {} commands",
                with.recorded, with.commands
            ));
        }
        if before.recorded.is_some() || after.recorded.is_some() {
            return Err(format!("{pattern}: a kernel without the recorder counts commands"));
        }
        if before.commands != with.commands || after.commands != with.commands {
            return Err(format!(
                "{pattern}: {} and {} commands without the recorder, {} with it",
                before.commands, after.commands, with.commands
            ));
        }
    }
    Ok(())
}

/// The figure of the pattern that stands at `number` in every round.
pub(super) fn figure(rounds: &[Round], number: usize) -> Result<Figure, String> {
    let at = |readings: &[Reading]| readings.get(number).and_then(read_ns);
    let times: Option<Vec<(f64, f64, f64)>> =
        rounds.iter().map(|round| Some((at(&round.before)?, at(&round.with)?, at(&round.after)?))).collect();
    let first = rounds.first().and_then(|round| round.with.get(number));
    let (Some(times), Some(first)) = (times, first) else {
        return Err(format!("a round has no reading number {number}"));
    };
    let over = |value: fn(&(f64, f64, f64)) -> f64| Spread::of(times.iter().map(value).collect());
    let figure = || {
        Some(Figure {
            commands_a_read: exact(first.commands)?
                / (f64::from(first.pattern.reads) * f64::from(first.pattern.bursts)),
            read_ns: over(|(before, _, after)| (before + after) / 2.0)?.median,
            cost_ns: over(|(before, with, after)| with - (before + after) / 2.0)?,
            noise_ns: over(|(before, _, after)| after - before)?,
        })
    };
    figure().ok_or_else(|| "no rounds".to_owned())
}

/// Nanoseconds of a read: from the burst that a twentieth of all bursts is faster than. On a busy machine most of the
/// slower ones were interrupted or had their cache taken by other programs; the very fastest are chance.
fn read_ns(reading: &Reading) -> Option<f64> {
    let mut bursts = reading.bursts.clone();
    bursts.sort_unstable();
    Some(exact(*bursts.get(bursts.len() / 20)?)? / f64::from(reading.pattern.reads))
}

/// A number that a float holds exactly; bursts take milliseconds and runs some hundred thousand commands.
fn exact(number: u64) -> Option<f64> {
    u32::try_from(number).ok().map(f64::from)
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len();
        let last = count.checked_sub(1)?;
        // The rank k for which the chance that k or fewer of the values lie below the true median is 1 in 40:
        // (n - 1.96 sqrt(n)) / 2. Below six rounds no rank is that good, and the borders are the extremes.
        let rank = (0..=count / 2)
            .rev()
            .find(|rank| (count - 2 * rank).pow(2) * 10_000 >= 38_416 * count)
            .unwrap_or(0);
        let (middle, other) = (values.get(count / 2)?, values.get(last / 2)?);
        Some(Self {
            low: *values.get(rank)?,
            median: (middle + other) / 2.0,
            high: *values.get(last - rank)?,
        })
    }
}

impl Figure {
    /// What stands above the columns; the first is the pattern's name.
    pub(super) const HEADING: &str = "\
read                commands  without, ns   recorder, ns a command      recorder, % of the read    noise, % of the read
                    a read                  median (95% interval)       median (95% interval)      median (95% interval)";
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spread = |spread: Spread, unit: f64, digits: usize| {
            let [median, low, high] = [spread.median, spread.low, spread.high].map(|value| value / unit);
            format!("{median:+.digits$} ({low:+.digits$} to {high:+.digits$})")
        };
        let percent = self.read_ns / 100.0;
        write!(
            f,
            "{:>8.0}{:>13.0}   {:<28}{:<27}{}",
            self.commands_a_read,
            self.read_ns,
            spread(self.cost_ns, self.commands_a_read, 1),
            spread(self.cost_ns, percent, 3),
            spread(self.noise_ns, percent, 3),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use read_meter::{Data, Pattern};

    /// Four reads a burst, two commands a read.
    fn reading(recorder: bool, bursts: &[u64]) -> Reading {
        let count = u32::try_from(bursts.len()).unwrap();
        let pattern =
            Pattern { read_bytes: 4096, command_kib: 0, data: Data::Copied, reads: 4, bursts: count };
        let commands = u64::from(count) * 8;
        Reading { pattern, commands, recorded: recorder.then_some(commands), bursts: bursts.to_vec() }
    }

    fn round(before: &[u64], with: &[u64], after: &[u64]) -> Round {
        Round {
            before: vec![reading(false, before)],
            with: vec![reading(true, with)],
            after: vec![reading(false, after)],
        }
    }

    #[test]
    fn interrupted_bursts_do_not_count() {
        let mut bursts: Vec<u64> = vec![4000; 10];
        bursts.extend([90_000; 90]);
        bursts.push(10);
        bursts.reverse();
        assert_eq!(read_ns(&reading(true, &bursts)), Some(1000.0));
    }

    #[test]
    fn a_steady_drift_of_the_machine_is_no_cost() {
        let rounds: Vec<Round> =
            (0..8).map(|n| 4000 + n * 400).map(|ns| round(&[ns], &[ns + 200 + 40], &[ns + 400])).collect();
        let figure = figure(&rounds, 0).unwrap();
        assert_eq!(figure.cost_ns, Spread { low: 10.0, median: 10.0, high: 10.0 });
        assert_eq!(figure.noise_ns.median, 100.0);
        assert_eq!(figure.commands_a_read, 2.0);
        assert!(figure.to_string().contains("+5.0 (+5.0 to +5.0)"), "{figure}");
    }

    #[test]
    fn the_interval_is_that_of_the_sign_test() {
        // Tabulated ranks for 95%: of 20 values the 6th and the 15th, of 9 the 2nd and the 8th.
        let of = |count: u32| Spread::of((1..=count).rev().map(f64::from).collect()).unwrap();
        assert_eq!(of(20), Spread { low: 6.0, median: 10.5, high: 15.0 });
        assert_eq!(of(9), Spread { low: 2.0, median: 5.0, high: 8.0 });
        assert_eq!(of(3), Spread { low: 1.0, median: 2.0, high: 3.0 });
        assert_eq!(of(1), Spread { low: 1.0, median: 1.0, high: 1.0 });
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_round_that_does_not_prove_itself_is_refused() {
        let good = || round(&[4000], &[4040], &[4000]);
        check(&good()).unwrap();

        let mut missed = good();
        missed.with[0].recorded = Some(7);
        assert!(check(&missed).unwrap_err().contains("counted Some(7) of 8"));
        let mut absent = good();
        absent.with[0].recorded = None;
        assert!(check(&absent).is_err());
        let mut idle = good();
        (idle.with[0].commands, idle.with[0].recorded) = (0, Some(0));
        assert!(check(&idle).is_err());
        let mut counting = good();
        counting.after[0].recorded = Some(8);
        assert!(check(&counting).is_err());
        let mut other = good();
        other.before[0].commands = 9;
        assert!(check(&other).unwrap_err().contains("9 and 8 commands"));
    }

    #[test]
    fn nothing_measured_is_an_error_and_no_figure() {
        assert!(figure(&[], 0).is_err());
        assert!(figure(&[round(&[4000], &[4000], &[4000])], 1).is_err());
        assert!(figure(&[round(&[], &[4000], &[4000])], 0).is_err());
    }
}
