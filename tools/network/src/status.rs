//! Interfaces and the account at a glance.

use crate::account::{self, Account, Act, Method, Up, What};
use crate::busybox;
use crate::failure::Failure;
use crate::interface::{self, Interface};
use crate::time_reference::TimeReference;
use evidence::Plain;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

#[derive(Serialize)]
struct Status {
    interfaces: Vec<Interface>,
    account: Account,
}

/// Shows them.
pub fn show(json: bool) -> Result<(), Failure> {
    let path = Path::new(interface::SYSFS);
    let mut interfaces =
        interface::list(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    // One that is down has none.
    for interface in interfaces.iter_mut().filter(|interface| interface.up) {
        interface.addresses = busybox::addresses(&interface.name)?;
    }
    let status = Status { interfaces, account: Account::read(Path::new(account::FOLDER))? };
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&status)?)?;
    } else {
        for line in lines(&status) {
            writeln!(out, "{}", Plain(line))?;
        }
    }
    Ok(())
}

/// Prints what was done just now.
pub fn print(act: &Act, json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(act)?)?;
    } else {
        for line in sentences(act) {
            writeln!(out, "{}", Plain(line))?;
        }
    }
    Ok(())
}

fn lines(status: &Status) -> Vec<String> {
    let on = status.interfaces.iter().filter(|interface| interface.up).count();
    let mut lines = vec![match (on, status.interfaces.len()) {
        (0, 0) => "Wired network: no interface".to_owned(),
        (0, _) => "Wired network: off".to_owned(),
        (on, all) => format!("Wired network: on, {on} of {all} interfaces up"),
    }];
    if !status.interfaces.is_empty() {
        lines.push(format!(
            "{:<10} {:<11} {:<17} {:<5} {:<8} {:<10} ADDRESS",
            "INTERFACE", "DRIVER", "MAC", "STATE", "CABLE", "MBIT/S"
        ));
    }
    for interface in &status.interfaces {
        let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
        let cable = match interface.cable {
            None => "unknown",
            Some(true) => "yes",
            Some(false) => "none",
        };
        let speed = interface.speed_mbit.map_or_else(|| "-".to_owned(), |speed| speed.to_string());
        lines.push(format!(
            "{:<10} {:<11} {:<17} {:<5} {cable:<8} {speed:<10} {}",
            interface.name,
            word(&interface.driver),
            word(&interface.mac),
            if interface.up { "up" } else { "down" },
            interface.addresses.join(", "),
        ));
    }
    if status.account.omitted > 0 {
        lines.push(format!("({} acts are left out)", status.account.omitted));
    }
    for act in &status.account.acts {
        let mut sentences = sentences(act).into_iter();
        lines.extend(sentences.next().map(|first| format!("{}  {first}", act.time)));
        lines.extend(sentences.map(|more| format!("{:<22}{more}", "")));
    }
    lines
}

/// What was done, in words.
pub fn sentences(act: &Act) -> Vec<String> {
    match &act.what {
        What::Up(up) => up_in_words(up),
        What::UpBegun { interface, .. } => {
            vec![format!("{interface}: bringing it up was begun; how that ended is not written down")]
        }
        What::UpFailed { reason, .. } => vec![format!("not brought up: {reason}")],
        What::LeaseEnded { interface, address } => vec![format!("{interface}: the lease of {address} ended")],
        What::Down { interface } => vec![format!("{interface} down")],
        What::Time(told) => time_in_words(told),
        What::TimeFailed { reason, .. } => vec![format!("no time: {reason}")],
    }
}

fn up_in_words(up: &Up) -> Vec<String> {
    let method = match up.method {
        Method::Dhcp => "by DHCP",
        Method::Static => "static",
    };
    let mut lines = vec![format!("{} up, {} {method}; IPv6 off", up.interface, up.address)];
    let gateway = up.gateway.as_ref().map(|gateway| format!("gateway {gateway}"));
    let names = (!up.name_servers.is_empty()).then(|| format!("name servers {}", up.name_servers.join(", ")));
    let lease = up.lease_seconds.map(|seconds| {
        let server = up.dhcp_server.as_deref().unwrap_or("a server that gave no name");
        format!("lease of {seconds} s from {server}, renewed until pf-net down {}", up.interface)
    });
    let lost = up.gateway_not_set.as_ref().map(|gateway| format!("gateway {gateway} could not be set"));
    let more: Vec<String> = [gateway, lost, names].into_iter().flatten().collect();
    lines.extend((!more.is_empty()).then(|| more.join(", ")));
    lines.extend(lease);
    lines
}

fn time_in_words(told: &TimeReference) -> Vec<String> {
    let (by, way) =
        (told.offset_seconds.abs(), if told.offset_seconds < 0.0 { "ahead of" } else { "behind" });
    vec![
        format!(
            "this machine's clock is {by:.6} s {way} {}, give or take {:.6} s",
            told.server, told.within_seconds
        ),
        format!(
            "offset {:+.6} s, round trip {:.6} s, stratum {}, reference {}{}, leap second: {}",
            told.offset_seconds,
            told.round_trip_seconds,
            told.stratum,
            told.reference_id,
            // RFC 5905, clause 7.3; nothing in an answer tells which.
            if told.stratum > 1 { " (or an IPv6 hash)" } else { "" },
            told.leap
        ),
        format!(
            "{} of {} questions to {} had a usable answer; the clock was not set",
            told.answered, told.asked, told.address
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, up: bool) -> Interface {
        Interface {
            name: name.into(),
            driver: Some("e1000e".into()),
            mac: Some("52:54:00:12:34:56".into()),
            up,
            cable: up.then_some(true),
            speed_mbit: up.then_some(1000),
            addresses: if up { vec!["10.0.2.15/24".into()] } else { vec![] },
        }
    }

    #[test]
    fn the_screen_says_first_whether_the_network_is_off() {
        let off = Status { interfaces: vec![interface("eth0", false)], account: Account::default() };
        assert_eq!(lines(&off)[0], "Wired network: off");
        assert!(lines(&off)[2].contains("down  unknown"), "{:?}", lines(&off));
        let time = Act { time: "2026-03-17T09:12:04Z".into(), what: What::Time(TimeReference::sample()) };
        let on = Status {
            interfaces: vec![interface("eth0", true), interface("eth1", false)],
            account: Account { acts: vec![time], omitted: 3 },
        };
        let text = lines(&on).join("\n");
        assert!(text.starts_with("Wired network: on, 1 of 2 interfaces up\n"), "{text}");
        assert!(text.contains("up    yes      1000       10.0.2.15/24"), "{text}");
        assert!(text.contains("(3 acts are left out)"), "{text}");
        let clock = "2026-03-17T09:12:04Z  this machine's clock is 3.500000 s ahead of ntp.example:1123, give or take 0.020000 s";
        assert!(text.contains(clock), "{text}");
        assert!(
            text.contains("stratum 2, reference 192.0.2.9 (or an IPv6 hash), leap second: none"),
            "{text}"
        );
        let answered = "4 of 4 questions to 192.0.2.1:1123 had a usable answer; the clock was not set";
        assert!(text.contains(answered), "{text}");
        let by_a_clock = TimeReference { stratum: 1, reference_id: "GPS".into(), ..TimeReference::sample() };
        assert!(time_in_words(&by_a_clock)[1].contains("stratum 1, reference GPS, leap"));
        assert_eq!(
            lines(&Status { interfaces: vec![], account: Account::default() }),
            ["Wired network: no interface"]
        );
    }
}
