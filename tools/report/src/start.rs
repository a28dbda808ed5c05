//! How the acquiring machine was started: by which firmware, and whether that demanded signatures.

use crate::language::Language;
use record::Environment;

/// In one line, or `None` where the record does not tell. Words that no version of ours writes stay as they are.
pub fn told(environment: &Environment, language: Language) -> Option<String> {
    let firmware = match environment.firmware.as_deref()? {
        Environment::BIOS => "BIOS",
        Environment::UEFI => "UEFI",
        other => other,
    };
    let secure_boot = match environment.secure_boot.as_deref() {
        None => return Some(firmware.to_owned()),
        Some("on") => language.pick("Secure Boot on", "安全启动（Secure Boot）已开启").to_owned(),
        Some("off") => language.pick("Secure Boot off", "安全启动（Secure Boot）已关闭").to_owned(),
        Some("unknown") => {
            language.pick("state of Secure Boot unknown", "安全启动（Secure Boot）状态未知").to_owned()
        }
        Some(other) => format!("Secure Boot: {other}"),
    };
    Some(format!("{firmware}{}{secure_boot}", language.pick(", ", "，")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(firmware: Option<&str>, secure_boot: Option<&str>, language: Language) -> Option<String> {
        let (firmware, secure_boot) = (firmware.map(str::to_owned), secure_boot.map(str::to_owned));
        told(&Environment { firmware, secure_boot, ..Environment::default() }, language)
    }

    #[test]
    fn firmware_and_secure_boot_stand_in_one_line_in_both_languages() {
        let english = |firmware, state| line(firmware, state, Language::English);
        assert_eq!(english(Some("uefi"), Some("on")).as_deref(), Some("UEFI, Secure Boot on"));
        assert_eq!(english(Some("bios"), None).as_deref(), Some("BIOS"));
        assert_eq!(english(Some("x"), Some("y")).as_deref(), Some("x, Secure Boot: y"));
        let chinese = line(Some("uefi"), Some("off"), Language::Chinese);
        assert_eq!(chinese.as_deref(), Some("UEFI，安全启动（Secure Boot）已关闭"));
    }

    #[test]
    fn a_record_that_does_not_tell_has_no_line() {
        assert_eq!(line(None, None, Language::English), None);
    }
}
