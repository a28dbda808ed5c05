//! The two languages of every face, and how numbers, sizes and times stand in them.

use evidence::ByteCount;
use jiff::Timestamp;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, simplified.
    Chinese,
}

use Language::{Chinese, English};

impl Language {
    /// The tag of BCP 47.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.pick("en", "zh-Hans")
    }

    /// The one of two that is in this language.
    #[must_use]
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            English => english,
            Chinese => chinese,
        }
    }

    /// A length, exactly and at a glance.
    #[must_use]
    pub fn size(self, size: ByteCount) -> String {
        match (self, size.0) {
            (English, 1) => "1 byte".to_owned(),
            (English, _) => size.to_string(),
            (Chinese, 0..1024) => format!("{} 字节", size.0),
            (Chinese, _) => format!("{} 字节（{}）", grouped(size.0), size.short()),
        }
    }

    /// A count of things, with the plural where the language has one.
    #[must_use]
    pub fn count(self, count: u64, one: &str, many: &str, chinese: &str) -> String {
        match self {
            English if count == 1 => format!("1 {one}"),
            English => format!("{} {many}", grouped(count)),
            Chinese => format!("{} {chinese}", grouped(count)),
        }
    }

    /// A time as it stands in the record, to the second; as it is where it is no time.
    #[must_use]
    pub fn time(self, recorded: &str) -> String {
        match recorded.parse::<Timestamp>() {
            Ok(time) => {
                let time = time.strftime("%Y-%m-%d %H:%M:%S");
                self.pick(format!("{time} UTC"), format!("{time}（UTC）"))
            }
            Err(_) => recorded.to_owned(),
        }
    }

    /// `Name: value` in the punctuation of the language.
    #[must_use]
    pub fn colon(self) -> &'static str {
        self.pick(": ", "：")
    }

    /// What stands between the parts of a list.
    #[must_use]
    pub fn comma(self) -> &'static str {
        self.pick(", ", "、")
    }
}

/// A number in groups of three digits.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            // No line ends within a number.
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_in_both_languages() {
        assert_eq!(English.size(ByteCount(1)), "1 byte");
        assert_eq!(English.size(ByteCount(2048)), "2 048 bytes (2.0 KiB)");
        assert_eq!(Chinese.size(ByteCount(2048)), "2\u{a0}048 字节（2.0 KiB）");
        assert_eq!(English.time("2026-01-02T03:04:05.678Z"), "2026-01-02 03:04:05 UTC");
        assert_eq!(Chinese.time("2026-01-02T03:04:05+01:00"), "2026-01-02 02:04:05（UTC）");
        assert_eq!(English.time("yesterday"), "yesterday");
        assert_eq!(English.count(1, "range", "ranges", "处"), "1 range");
        assert_eq!(Chinese.count(1234, "range", "ranges", "处"), "1\u{a0}234 处");
    }
}
