//! Moments as two clocks show them, and how far they are apart.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Why two moments could not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// One is no moment.
    #[error("date and time are wanted, e.g. 2026-03-17 09:12:04 or 2026-03-17T09:12:04+08:00")]
    NoMoment,
    /// One says its offset from UTC and the other does not.
    #[error("one time has an offset from UTC and the other has none; write both with it, or both without")]
    Mixed,
}

/// A moment as a clock shows it.
enum Moment {
    /// With its offset from UTC.
    Absolute(Timestamp),
    /// As a wall clock shows it.
    Local(DateTime),
}

/// By how many whole seconds the machine's clock is ahead of the reference; `None` where one of them is not given.
///
/// # Errors
/// [`ClockError`].
pub fn offset_seconds(machine: &str, reference: &str) -> Result<Option<i64>, ClockError> {
    if machine.is_empty() || reference.is_empty() {
        return Ok(None);
    }
    let (machine, reference) = match (moment(machine)?, moment(reference)?) {
        (Moment::Absolute(machine), Moment::Absolute(reference)) => (machine, reference),
        // Both clocks stand in the same place: which zone that is makes no difference.
        (Moment::Local(machine), Moment::Local(reference)) => (in_utc(machine)?, in_utc(reference)?),
        _ => return Err(ClockError::Mixed),
    };
    Ok(Some(machine.as_second().saturating_sub(reference.as_second())))
}

/// A moment as it is kept, or nothing.
pub fn clean(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match text.is_empty() || moment(text).is_ok() {
        true => Ok(text.to_owned()),
        false => Err("date and time are wanted, e.g. 2026-03-17 09:12:04 or 2026-03-17T09:12:04+08:00"),
    }
}

fn moment(text: &str) -> Result<Moment, ClockError> {
    // The library reads more than RFC 3339: days alone, weeks, names of zones.
    let plain =
        text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-+:.TtZz ".contains(&byte));
    if !plain || !text.contains(':') {
        return Err(ClockError::NoMoment);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(Moment::Absolute(timestamp));
    }
    // It passes over an offset, which would then go unsaid.
    let clock = text.get(10..).unwrap_or_default();
    if clock.contains(['+', '-', 'Z', 'z']) {
        return Err(ClockError::NoMoment);
    }
    text.parse::<DateTime>().map(Moment::Local).map_err(|_| ClockError::NoMoment)
}

fn in_utc(local: DateTime) -> Result<Timestamp, ClockError> {
    TimeZone::UTC.to_timestamp(local).map_err(|_| ClockError::NoMoment)
}
