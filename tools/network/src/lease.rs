//! What a lease brings: `udhcpc` calls this program with a word for each event, and the lease in the environment.

use crate::account::{self, Account, Method, Pen, Up, What, clipped};
use crate::address::{Address, HostAddress, prefix_by_class};
use crate::bring_up::{find, set};
use crate::busybox::{addresses, ip};
use crate::failure::Failure;
use crate::{lease_refusal, name_servers, tell};
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;

/// Words that udhcpc calls its program with (networking/udhcp/dhcpc.c): none of them is a command.
const EVENTS: [&str; 5] = ["deconfig", "bound", "renew", "nak", "leasefail"];

/// An event of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a lease, or it goes on.
    Lease(Lease),
    /// The interface has none, or has none any more.
    Without {
        /// The interface.
        interface: String,
    },
    /// Nothing that changes an address.
    Nothing,
    /// A lease that can't be made out.
    Incomplete {
        /// The interface.
        interface: String,
        /// What is missing.
        what: &'static str,
    },
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    interface: String,
    address: Address,
    gateway: Option<Ipv4Addr>,
    name_servers: Vec<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    seconds: Option<u64>,
}

impl Event {
    /// The event that this process was started for; `None` where no udhcpc did.
    pub fn of_this_process() -> Option<Self> {
        Self::of_words(std::env::args_os().skip(1), |name| std::env::var(name).ok())
    }

    /// A word that is no text is no event; the command line tells what is wrong with it.
    fn of_words(
        mut words: impl Iterator<Item = OsString>,
        value: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let (word, None) = (words.next()?, words.next()) else { return None };
        Self::of(word.to_str()?, value)
    }

    /// Whoever answers on a network may have put the values together.
    fn of(word: &str, value: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let interface = value("interface").filter(|_| EVENTS.contains(&word))?;
        match word {
            "bound" | "renew" => Some(match Lease::of(&interface, value) {
                Ok(lease) => Event::Lease(lease),
                Err(what) => Event::Incomplete { interface, what },
            }),
            "deconfig" => Some(Event::Without { interface }),
            _ => Some(Event::Nothing),
        }
    }
}

impl Lease {
    fn of(interface: &str, value: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        let hosts = |name: &str| -> Vec<Ipv4Addr> {
            let text = value(name).unwrap_or_default();
            text.split_whitespace().filter_map(|word| Some(word.parse::<HostAddress>().ok()?.0)).collect()
        };
        let host = hosts("ip").first().copied().ok_or("an address")?;
        let prefix = match value("mask") {
            Some(mask) => mask.parse().map_err(|_| "a network mask")?,
            None => prefix_by_class(host),
        };
        let address = Address::new(host, prefix).map_err(|_| "an address that a machine can have")?;
        let mut name_servers = hosts("dns");
        name_servers.truncate(name_servers::MOST);
        Ok(Self {
            interface: interface.to_owned(),
            address,
            gateway: hosts("router").into_iter().find(|gateway| address.reaches(*gateway)),
            name_servers,
            server: hosts("serverid").first().copied(),
            seconds: value("lease").and_then(|seconds| seconds.parse().ok()),
        })
    }

    fn as_act(&self, mac: Option<String>) -> Up {
        Up {
            interface: self.interface.clone(),
            mac,
            method: Method::Dhcp,
            address: self.address.to_string(),
            gateway: self.gateway.map(|gateway| gateway.to_string()),
            gateway_not_set: None,
            name_servers: self.name_servers.iter().map(Ipv4Addr::to_string).collect(),
            dhcp_server: self.server.map(|server| server.to_string()),
            lease_seconds: self.seconds,
            unasked: false,
        }
    }
}

/// Does what an event asks for. Nobody hears what udhcpc's program says, so why a lease is not used is left for who asked for it.
pub fn apply(event: Event) -> Result<(), Failure> {
    let folder = Path::new(account::FOLDER);
    match event {
        Event::Nothing => Ok(()),
        Event::Without { interface } => without(&interface, folder, addresses, ip),
        Event::Incomplete { interface, what } => {
            let name = find(&interface)?.name;
            lease_refusal::left(folder, &name, Err(Failure::LeaseWithout { interface, what }))
        }
        Event::Lease(lease) => {
            let name = find(&lease.interface)?.name;
            lease_refusal::left(folder, &name, Pen::take(folder).and_then(|pen| with(&lease, &pen)))
        }
    }
}

/// udhcpc begins and ends with this, too. An address that is no more this machine's goes, whether that can be written down or not.
fn without(
    interface: &str,
    folder: &Path,
    addresses: impl Fn(&str) -> Result<Vec<String>, Failure>,
    ip: impl Fn(&str, &[&str]) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let had = addresses(interface);
    let removed =
        ip(&format!("{interface}: removing its address"), &["-4", "addr", "flush", "dev", interface]);
    name_servers::remove(Path::new(name_servers::FILE), interface);
    removed?;
    for address in had?.iter().take(1) {
        let what = What::LeaseEnded { interface: clipped(interface), address: clipped(address) };
        account::note_afterwards(folder, what)?;
    }
    Ok(())
}

/// What a lease changes.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// It goes on as it is.
    Nothing,
    /// How long it is given for, and nothing else.
    Seconds,
    /// Its server or its name servers: the address stands. What led to a name before is not what does by now.
    Words(Up),
    /// Everything is to be set.
    Anew,
}

/// What a lease changes of what an interface `has`, by how it came up the `last` time. A gateway that could not be set is wished
/// for as before: an address that stands is not taken away for it at each renewal.
fn change(last: Option<&Up>, has: &[String], wish: &Up) -> Change {
    let wished = |up: &Up| up.gateway.clone().or_else(|| up.gateway_not_set.clone());
    let stands = |last: &&Up| {
        has == [wish.address.as_str()]
            && (last.method, &last.address, wished(last)) == (wish.method, &wish.address, wished(wish))
    };
    let Some(last) = last.filter(stands) else { return Change::Anew };
    let now = Up {
        gateway: last.gateway.clone(),
        gateway_not_set: last.gateway_not_set.clone(),
        unasked: last.unasked,
        ..wish.clone()
    };
    if now == *last {
        Change::Nothing
    } else if now == (Up { lease_seconds: now.lease_seconds, ..last.clone() }) {
        Change::Seconds
    } else {
        Change::Words(now)
    }
}

/// A lease that goes on as it is changes nothing, and is not written down each time.
fn with(lease: &Lease, pen: &Pen) -> Result<(), Failure> {
    let interface = find(&lease.interface)?;
    let wish = lease.as_act(interface.mac);
    let has = addresses(&lease.interface)?;
    let account = Account::read(Path::new(account::FOLDER))?;
    let resolver = Path::new(name_servers::FILE);
    match change(account.last_up(&lease.interface), &has, &wish) {
        Change::Nothing => return Ok(()),
        Change::Seconds => return pen.renew(&lease.interface, lease.seconds),
        Change::Words(now) => {
            name_servers::write(resolver, &lease.interface, &lease.name_servers)?;
            return pen.note(What::Up(now)).map(drop);
        }
        Change::Anew => {}
    }
    // An address without a way out still serves its own network.
    let up = match set(&lease.interface, lease.address, lease.gateway) {
        Ok(()) => wish,
        Err(failure) if addresses(&lease.interface)? == [wish.address.as_str()] => {
            tell(format_args!("pf-net: {failure}"));
            Up { gateway: None, gateway_not_set: wish.gateway.clone(), ..wish }
        }
        Err(failure) => return Err(failure),
    };
    name_servers::write(resolver, &lease.interface, &lease.name_servers)?;
    pen.note(What::Up(up)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: [(&str, &str); 7] = [
        ("interface", "eth0"),
        ("ip", "10.0.2.15"),
        ("mask", "24"),
        ("router", "192.0.2.1 10.0.2.2"),
        ("dns", "10.0.2.3 10.0.2.4 10.0.2.5 10.0.2.6"),
        ("serverid", "10.0.2.2"),
        ("lease", "86400"),
    ];

    fn event(word: &str, environment: &[(&str, &str)]) -> Option<Event> {
        Event::of(word, |name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_lease_is_made_out_of_what_udhcpc_says() {
        let Some(Event::Lease(lease)) = event("bound", &LEASE) else { panic!("no lease") };
        let act = lease.as_act(None);
        assert_eq!(act.address, "10.0.2.15/24");
        assert_eq!(act.gateway.as_deref(), Some("10.0.2.2"), "the first one that can be reached");
        assert_eq!(act.name_servers, ["10.0.2.3", "10.0.2.4", "10.0.2.5"]);
        assert_eq!((act.dhcp_server.as_deref(), act.lease_seconds), (Some("10.0.2.2"), Some(86400)));
        let no_mask = event("renew", &LEASE[..2]);
        let Some(Event::Lease(lease)) = no_mask else { panic!("no lease") };
        assert_eq!(lease.address.to_string(), "10.0.2.15/8");
    }

    #[test]
    fn what_no_machine_can_have_is_not_set() {
        for (ip, mask) in
            [("", "24"), ("10.0.2.0", "24"), ("224.0.0.1", "24"), ("10.0.2.15", "x"), ("1;reboot", "24")]
        {
            let told = event("bound", &[("interface", "eth0"), ("ip", ip), ("mask", mask)]);
            assert!(matches!(told, Some(Event::Incomplete { .. })), "{ip}/{mask}: {told:?}");
        }
    }

    #[test]
    fn only_udhcpc_is_taken_for_udhcpc() {
        assert_eq!(event("bound", &[]), None, "typed by somebody");
        assert_eq!(event("up", &LEASE), None);
        assert_eq!(event("nak", &LEASE), Some(Event::Nothing));
        assert_eq!(event("deconfig", &LEASE), Some(Event::Without { interface: "eth0".into() }));
    }

    #[test]
    fn a_word_that_is_no_text_is_no_event() {
        use std::os::unix::ffi::OsStringExt;
        let of = |words: &[&[u8]]| {
            let words = words.iter().map(|word| OsString::from_vec(word.to_vec()));
            Event::of_words(words, |name| (name == "interface").then(|| "eth0".to_owned()))
        };
        assert_eq!(of(&[b"deconfig"]), Some(Event::Without { interface: "eth0".into() }));
        assert_eq!(of(&[b"\xff"]), None);
        assert_eq!(of(&[b"deconfig", b"\xff"]), None);
    }

    #[test]
    fn an_address_is_removed_though_that_cannot_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let done = std::cell::Cell::new(0);
        let ip = |_: &str, words: &[&str]| {
            assert_eq!(words, ["-4", "addr", "flush", "dev", "eth9"]);
            done.set(done.get() + 1);
            Ok(String::new())
        };
        let has = |_: &str| Ok(vec!["10.0.2.15/24".to_owned()]);
        let failure = without("eth9", &file.join("below"), has, ip).unwrap_err().to_string();
        assert!(
            failure.starts_with("eth9: the lease of 10.0.2.15/24 ended; but this is NOT written"),
            "{failure}"
        );
        let unknown = |_: &str| Err(Failure::NoSuchInterface("eth9".into()));
        assert!(without("eth9", folder.path(), unknown, ip).is_err());
        assert_eq!(done.get(), 2);
        without("eth9", folder.path(), has, ip).unwrap();
        assert_eq!(Account::read(folder.path()).unwrap().acts.len(), 1);
    }

    #[test]
    fn a_renewal_takes_no_address_away_unless_it_brings_another() {
        let Some(Event::Lease(lease)) = event("renew", &LEASE) else { panic!("no lease") };
        let wish = lease.as_act(None);
        let has = ["10.0.2.15/24".to_owned()];
        assert_eq!(change(Some(&wish), &has, &wish), Change::Nothing);
        let without_way = Up { gateway: None, gateway_not_set: wish.gateway.clone(), ..wish.clone() };
        assert_eq!(change(Some(&without_way), &has, &wish), Change::Nothing, "it could not be set");
        let longer = Up { lease_seconds: Some(1), ..wish.clone() };
        assert_eq!(change(Some(&wish), &has, &longer), Change::Seconds);
        assert_eq!(change(Some(&without_way), &has, &longer), Change::Seconds);
        let unasked = Up { unasked: true, ..wish.clone() };
        assert_eq!(change(Some(&unasked), &has, &wish), Change::Nothing, "it came by a renewal before");
        for other in [
            Up { name_servers: vec!["10.0.2.9".into()], ..wish.clone() },
            Up { name_servers: vec![], ..longer.clone() },
            Up { dhcp_server: Some("10.0.2.9".into()), ..longer.clone() },
        ] {
            assert_eq!(change(Some(&wish), &has, &other), Change::Words(other.clone()));
            let kept = Up { gateway: None, gateway_not_set: wish.gateway.clone(), ..other.clone() };
            assert_eq!(change(Some(&without_way), &has, &other), Change::Words(kept));
        }
        for (last, has) in [
            (None, &has[..]),
            (Some(&wish), &[]),
            (Some(&Up { address: "10.0.2.16/24".into(), ..wish.clone() }), &has[..]),
            (Some(&Up { gateway: Some("10.0.2.9".into()), ..wish.clone() }), &has[..]),
            (Some(&Up { method: Method::Static, ..wish.clone() }), &has[..]),
        ] {
            assert_eq!(change(last, has, &wish), Change::Anew, "{last:?} {has:?}");
        }
    }

    proptest! {
        #[test]
        fn no_lease_makes_it_panic(word in "bound|renew|deconfig", values in prop::collection::vec(any::<String>(), 7)) {
            let names = LEASE.iter().map(|(name, _)| *name);
            let environment: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
            let _ = event(&word, &environment);
        }
    }
}
