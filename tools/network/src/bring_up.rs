//! One interface up: silent until it has its address, and down again when it gets none.

use crate::account::{self, Account, Act, Method, Pen, What, clipped};
use crate::address::Address;
use crate::arguments::Up;
use crate::busybox::{Asked, ask_for_lease, ip, is_taken};
use crate::failure::Failure;
use crate::interface::{self, Interface, has_carrier};
use crate::{busybox, lease_refusal, name_servers, take_down, tell};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

/// For a link to be agreed on: 1000BASE-T takes some seconds (IEEE 802.3, clause 40.5), a switch that looks for loops longer.
const CARRIER_WITHIN: Duration = Duration::from_secs(10);

/// How often the carrier is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How the address is come by, once the command line is known to make sense.
enum Way {
    Dhcp,
    Static { address: Address, gateway: Option<Ipv4Addr>, name_servers: Vec<Ipv4Addr> },
}

impl Way {
    fn of(wish: &Up) -> Result<Self, Failure> {
        let Some(address) = wish.address else { return Ok(Way::Dhcp) };
        let gateway = wish.gateway.map(|gateway| gateway.0);
        if let Some(outside) = gateway.filter(|gateway| !address.reaches(*gateway)) {
            return Err(Failure::GatewayOutside {
                interface: wish.interface.clone(),
                gateway: outside.to_string(),
                address: address.to_string(),
            });
        }
        if wish.name_server.len() > name_servers::MOST {
            return Err(Failure::TooManyNameServers(wish.interface.clone()));
        }
        let name_servers = wish.name_server.iter().map(|server| server.0).collect();
        Ok(Way::Static { address, gateway, name_servers })
    }

    fn method(&self) -> Method {
        match self {
            Way::Dhcp => Method::Dhcp,
            Way::Static { .. } => Method::Static,
        }
    }
}

/// Brings it up, and writes down what came of it.
pub fn bring_up(wish: &Up) -> Result<Act, Failure> {
    let way = Way::of(wish)?;
    let interface = find(&wish.interface)?;
    if interface.up {
        return Err(Failure::AlreadyUp(interface.name));
    }
    let folder = Path::new(account::FOLDER);
    let pen = Pen::take(folder)?;
    make_quiet(&interface.name, folder, Path::new("/proc/sys/net/ipv6/conf"))?;
    pen.begin(&interface.name, way.method())?;
    let doing = format!("{}: bringing it up", interface.name);
    let link = ip(&doing, &["link", "set", "dev", &interface.name, "up"]);
    let link_up = is_up(&link, || find(&interface.name));
    link.and_then(|_| come_up(&interface, &way, &pen)).map_err(|failure| {
        let failure = after(failure, take_down::quietly(&interface.name));
        let what = What::UpFailed {
            interface: interface.name.clone(),
            method: way.method(),
            link_up,
            reason: clipped(&failure),
        };
        // The failure itself is what must be told; this comes beside it.
        if let Err(beside) = pen.note(what) {
            tell(format_args!("pf-net: {beside}"));
        }
        failure
    })
}

/// Whether an interface is up by now: where it could not be told to be, the kernel knows, and where that can't be asked, it may be.
fn is_up(link: &Result<String, Failure>, now: impl Fn() -> Result<Interface, Failure>) -> bool {
    link.is_ok() || now().map_or(true, |interface| interface.up)
}

/// What would speak by itself once the interface is up: a udhcpc of an earlier time, whose address would come beside the new one,
/// and IPv6.
fn make_quiet(interface: &str, folder: &Path, ipv6: &Path) -> Result<(), Failure> {
    take_down::end_lease(interface, folder)?;
    turn_ipv6_off(ipv6, interface)
        .map_err(|source| Failure::Ipv6StaysOn { interface: interface.to_owned(), source })
}

/// A failure, and what became of the interface.
fn after(failure: Failure, taken_down: Result<(), Failure>) -> Failure {
    let failure = Box::new(failure);
    match taken_down {
        Ok(()) => Failure::TakenDown(failure),
        Err(left) => Failure::LeftUp { failure, left: Box::new(left) },
    }
}

/// The wired interface of this name.
pub fn find(name: &str) -> Result<Interface, Failure> {
    let path = Path::new(interface::SYSFS);
    let all = interface::list(path).map_err(|source| Failure::File { path: path.to_owned(), source })?;
    let found = all.into_iter().find(|interface| interface.name == name);
    found.ok_or_else(|| Failure::NoSuchInterface(clipped(name)))
}

/// Neither an address of its own, nor a question for routers, nor membership in a group (RFC 4862, RFC 4861, RFC 3810): the
/// kernel must say that it took the word. A kernel without IPv6 has nothing to be turned off.
fn turn_ipv6_off(settings: &Path, interface: &str) -> io::Result<()> {
    if !settings.exists() {
        return Ok(());
    }
    let folder = settings.join(interface);
    for (setting, value) in [("accept_ra", "0"), ("disable_ipv6", "1")] {
        let file = folder.join(setting);
        fs::write(&file, value)?;
        if fs::read_to_string(&file)?.trim() != value {
            return Err(io::Error::other(format!("{setting} does not stay {value}")));
        }
    }
    Ok(())
}

/// What follows once the link is up.
fn come_up(interface: &Interface, way: &Way, pen: &Pen) -> Result<Act, Failure> {
    let name = interface.name.as_str();
    tell(format_args!("{name}: IPv6 is off; waiting for the link"));
    await_carrier(name)?;
    match way {
        Way::Dhcp => lease(name),
        Way::Static { address, gateway, name_servers } => {
            tell(format_args!("{name}: asking whether somebody has {} already", address.host()));
            if is_taken(name, &address.host().to_string())? {
                let address = address.host().to_string();
                return Err(Failure::AddressTaken { interface: name.to_owned(), address });
            }
            set(name, *address, *gateway)?;
            name_servers::write(Path::new(name_servers::FILE), name, name_servers)?;
            pen.note(What::Up(account::Up {
                interface: name.to_owned(),
                mac: interface.mac.clone(),
                method: Method::Static,
                address: address.to_string(),
                gateway: gateway.map(|gateway| gateway.to_string()),
                gateway_not_set: None,
                name_servers: name_servers.iter().map(Ipv4Addr::to_string).collect(),
                dhcp_server: None,
                lease_seconds: None,
                unasked: false,
            }))
        }
    }
}

fn await_carrier(interface: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    while !has_carrier(interface) {
        if begun.elapsed() > CARRIER_WITHIN {
            return Err(Failure::NoCable(interface.to_owned()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Gives an interface its address and its way out, in place of those that it had.
pub fn set(interface: &str, address: Address, gateway: Option<Ipv4Addr>) -> Result<(), Failure> {
    let doing = format!("{interface}: setting its address");
    let address = address.to_string();
    ip(&doing, &["-4", "addr", "flush", "dev", interface])?;
    ip(&doing, &["addr", "add", &address, "broadcast", "+", "dev", interface])?;
    let Some(gateway) = gateway else { return Ok(()) };
    let words = ["route", "add", "default", "via", &gateway.to_string(), "dev", interface];
    ip(&format!("{interface}: setting its gateway"), &words).map(|_| ())
}

/// A lease, which udhcpc keeps in the background. It calls this program, which sets the address and writes it down.
fn lease(interface: &str) -> Result<Act, Failure> {
    tell(format_args!("{interface}: asking for a lease by DHCP"));
    let script =
        std::env::current_exe().map_err(|source| Failure::File { path: "/proc/self/exe".into(), source })?;
    let folder = Path::new(account::FOLDER);
    let process_file = take_down::process_file(interface, folder);
    lease_refusal::forget(folder, interface);
    match ask_for_lease(interface, &script.to_string_lossy(), &process_file.to_string_lossy())? {
        Asked::Kept => {}
        Asked::GivenUp => return Err(Failure::NoLease(interface.to_owned())),
        Asked::Stopped => return Err(Failure::NoLeaseKept(interface.to_owned())),
    }
    let account = Account::read(folder)?;
    match (busybox::addresses(interface)?.is_empty(), account.up_now(interface)) {
        (false, Some(act)) => Ok(act.clone()),
        _ => Err(Failure::LeaseNotSet {
            interface: interface.to_owned(),
            reason: lease_refusal::last(folder, interface),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_is_off_before_anything_else_or_the_failure_is_told() {
        let settings = tempfile::tempdir().unwrap();
        assert!(turn_ipv6_off(&settings.path().join("none"), "eth0").is_ok());
        assert!(turn_ipv6_off(settings.path(), "eth0").is_err());
        let folder = settings.path().join("eth0");
        fs::create_dir(&folder).unwrap();
        turn_ipv6_off(settings.path(), "eth0").unwrap();
        assert_eq!(fs::read_to_string(folder.join("disable_ipv6")).unwrap(), "1");
        assert_eq!(fs::read_to_string(folder.join("accept_ra")).unwrap(), "0");
    }

    #[test]
    fn a_lease_of_an_earlier_time_is_ended_before_the_interface_comes_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = take_down::tests::keeper("eth8", folder.path());
        make_quiet("eth8", folder.path(), &folder.path().join("none")).unwrap();
        let ended = keeper.try_wait().unwrap();
        keeper.kill().unwrap();
        assert!(ended.is_some(), "it still runs");
    }

    #[test]
    fn an_interface_that_never_was_up_is_not_said_to_have_been() {
        let interface = |up| Interface {
            name: "eth0".into(),
            driver: None,
            mac: None,
            up,
            cable: None,
            speed_mbit: None,
            addresses: vec![],
        };
        let refused = || Err(Failure::NoCable("eth0".into()));
        assert!(!is_up(&refused(), || Ok(interface(false))));
        assert!(is_up(&refused(), || Ok(interface(true))), "up all the same");
        assert!(is_up(&refused(), || Err(Failure::NoSuchInterface("eth0".into()))), "nobody knows");
        assert!(is_up(&Ok(String::new()), || Ok(interface(false))), "it may have gone down by itself");
    }

    #[test]
    fn what_became_of_the_interface_is_told_as_it_is() {
        let failure = || Failure::NoCable("eth0".into());
        let down = after(failure(), Ok(()));
        assert!(down.to_string().ends_with("ask again; taken down again"), "{down}");
        assert_eq!(down.exit_code(), 3);
        let not_set = || Failure::LeaseNotSet { interface: "eth0".into(), reason: "no mask".into() };
        let left = after(failure(), Err(not_set()));
        assert!(left.to_string().contains("; taking it down again FAILED: eth0: a lease came"), "{left}");
        assert_eq!(left.exit_code(), 3);
        let no_lease = [Failure::NoLease("eth0".into()), Failure::NoLeaseKept("eth0".into())];
        for alone in &no_lease {
            assert!(alone.to_string().contains("--address A.B.C.D/N"), "what to do next: {alone}");
            assert_eq!(alone.exit_code(), 4);
        }
        for alone in no_lease.into_iter().chain([failure(), not_set()]) {
            assert!(!alone.to_string().contains("taken down"), "{alone}");
        }
    }

    #[test]
    fn a_gateway_that_cannot_be_reached_is_told_before_anything_is_done() {
        let wish = |gateway: &str, servers: usize| Up {
            interface: "eth0".into(),
            dhcp: false,
            address: Some("192.0.2.10/24".parse().unwrap()),
            gateway: Some(gateway.parse().unwrap()),
            name_server: vec!["192.0.2.53".parse().unwrap(); servers],
        };
        assert!(Way::of(&wish("192.0.2.1", 3)).is_ok());
        let outside = Way::of(&wish("192.0.3.1", 0)).err().unwrap();
        assert!(outside.to_string().contains("192.0.3.1 does not lie in the network of 192.0.2.10/24"));
        assert!(matches!(Way::of(&wish("192.0.2.1", 4)), Err(Failure::TooManyNameServers(_))));
    }
}
