//! What a lease brings: `udhcpc` calls this program with a word for each event, and the lease in the environment.

use crate::account::{self, Account, Method, Pen, Up, What, clipped};
use crate::address::{Address, HostAddress, prefix_by_class};
use crate::bring_up::{find, set};
use crate::busybox::{addresses, ip};
use crate::failure::Failure;
use crate::{name_servers, tell};
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
        let mut words = std::env::args().skip(1);
        let (word, None) = (words.next()?, words.next()) else { return None };
        Self::of(&word, |name| std::env::var(name).ok())
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
            name_servers: self.name_servers.iter().map(Ipv4Addr::to_string).collect(),
            dhcp_server: self.server.map(|server| server.to_string()),
            lease_seconds: self.seconds,
        }
    }
}

/// Does what an event asks for.
pub fn apply(event: Event) -> Result<(), Failure> {
    let pen = Pen::take(Path::new(account::FOLDER))?;
    match event {
        Event::Nothing => Ok(()),
        Event::Incomplete { interface, what } => Err(Failure::LeaseWithout { interface, what }),
        Event::Without { interface } => without(&interface, &pen),
        Event::Lease(lease) => with(&lease, &pen),
    }
}

/// udhcpc begins and ends with this, too.
fn without(interface: &str, pen: &Pen) -> Result<(), Failure> {
    let had = addresses(interface)?;
    ip(&format!("{interface}: removing its address"), &["-4", "addr", "flush", "dev", interface])?;
    name_servers::remove(Path::new(name_servers::FILE), interface);
    for address in had.iter().take(1) {
        pen.note(What::LeaseEnded { interface: clipped(interface), address: clipped(address) })?;
    }
    Ok(())
}

/// A lease that goes on as it is changes nothing, and is not written down each time.
fn with(lease: &Lease, pen: &Pen) -> Result<(), Failure> {
    let interface = find(&lease.interface)?;
    let act = lease.as_act(interface.mac);
    let has = addresses(&lease.interface)?;
    let account = Account::read(Path::new(account::FOLDER))?;
    let goes_on = account.last_up(&lease.interface).is_some_and(|last| last.what == What::Up(act.clone()));
    if goes_on && has == [act.address.as_str()] {
        return Ok(());
    }
    // An address without a way out still serves its own network.
    let gateway = match set(&lease.interface, lease.address, lease.gateway) {
        Ok(()) => act.gateway.clone(),
        Err(failure) if addresses(&lease.interface)? == [act.address.as_str()] => {
            tell(format_args!("pf-net: {failure}"));
            None
        }
        Err(failure) => return Err(failure),
    };
    if !lease.name_servers.is_empty() {
        name_servers::write(Path::new(name_servers::FILE), &lease.interface, &lease.name_servers)?;
    }
    pen.note(What::Up(Up { gateway, ..act })).map(|_| ())
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

    proptest! {
        #[test]
        fn no_lease_makes_it_panic(word in "bound|renew|deconfig", values in prop::collection::vec(any::<String>(), 7)) {
            let names = LEASE.iter().map(|(name, _)| *name);
            let environment: Vec<(&str, &str)> = names.zip(values.iter().map(String::as_str)).collect();
            let _ = event(&word, &environment);
        }
    }
}
