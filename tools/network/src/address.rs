//! IPv4 addresses that a machine can have.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The address of one machine: no group, no broadcast, not this machine's own loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress(pub Ipv4Addr);

/// An address with the network that it lies in, e.g. `192.0.2.10/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    host: Ipv4Addr,
    prefix: u8,
}

/// Why a text is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another kind of text.
    #[error("no IPv4 address, such as 192.0.2.10 (IPv6 is not offered)")]
    NotIpv4,
    /// An address without a network.
    #[error("the length of the prefix is missing or not from 1 to 32, as in 192.0.2.10/24")]
    Prefix,
    /// An address that no machine has.
    #[error("no machine can have this address")]
    NotAHost,
}

impl HostAddress {
    fn new(address: Ipv4Addr) -> Result<Self, AddressError> {
        // RFC 1122, clause 3.2.1.3: neither this network, nor a group, nor everybody, nor oneself.
        let is_host = address.octets().first().is_some_and(|first| (1..224).contains(first));
        match is_host && !address.is_loopback() {
            true => Ok(Self(address)),
            false => Err(AddressError::NotAHost),
        }
    }
}

impl Address {
    /// An address and the length of its network's prefix.
    pub fn new(host: Ipv4Addr, prefix: u8) -> Result<Self, AddressError> {
        let HostAddress(host) = HostAddress::new(host)?;
        if !(1..=32).contains(&prefix) {
            return Err(AddressError::Prefix);
        }
        let address = Self { host, prefix };
        // Networks of two and of one have no address for the network and none for everybody (RFC 3021).
        let rest = host.to_bits() & !address.mask();
        if prefix < 31 && (rest == 0 || rest == !address.mask()) {
            return Err(AddressError::NotAHost);
        }
        Ok(address)
    }

    /// The machine's part.
    pub fn host(self) -> Ipv4Addr {
        self.host
    }

    /// Whether another address lies in the same network.
    pub fn reaches(self, other: Ipv4Addr) -> bool {
        (self.host.to_bits() ^ other.to_bits()) & self.mask() == 0
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(self.prefix))).unwrap_or(0)
    }
}

/// The prefix of a network whose mask nobody told, by its class (RFC 791, clause 3.2).
pub fn prefix_by_class(host: Ipv4Addr) -> u8 {
    match host.octets().first() {
        Some(0..128) => 8,
        Some(128..192) => 16,
        _ => 24,
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.prefix)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
        let host = host.parse().map_err(|_| AddressError::NotIpv4)?;
        Self::new(host, prefix.parse().map_err(|_| AddressError::Prefix)?)
    }
}

impl FromStr for HostAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::new(text.parse().map_err(|_| AddressError::NotIpv4)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<String, AddressError> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn an_address_is_one_that_a_machine_can_have() {
        for good in ["192.0.2.10/24", "10.0.0.1/8", "192.0.2.0/31", "192.0.2.255/32", "10.0.1.0/16"] {
            assert_eq!(of(good).as_deref(), Ok(good));
        }
        for (text, error) in [
            ("192.0.2.10", AddressError::Prefix),
            ("192.0.2.10/0", AddressError::Prefix),
            ("192.0.2.10/33", AddressError::Prefix),
            ("192.0.2.0/24", AddressError::NotAHost),
            ("192.0.2.255/24", AddressError::NotAHost),
            ("127.0.0.1/8", AddressError::NotAHost),
            ("224.0.0.1/4", AddressError::NotAHost),
            ("0.1.2.3/8", AddressError::NotAHost),
            ("2001:db8::1/64", AddressError::NotIpv4),
            ("-h/24", AddressError::NotIpv4),
        ] {
            assert_eq!(of(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_gateway_is_reached_in_its_own_network_only() {
        let address: Address = "192.0.2.10/25".parse().unwrap();
        assert!(address.reaches(Ipv4Addr::new(192, 0, 2, 1)));
        assert!(!address.reaches(Ipv4Addr::new(192, 0, 2, 129)));
        let alone: Address = "192.0.2.10/32".parse().unwrap();
        assert!(!alone.reaches(Ipv4Addr::new(192, 0, 2, 11)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), host in any::<u32>(), prefix in any::<u8>()) {
            let _ = text.parse::<Address>();
            let _ = Address::new(Ipv4Addr::from_bits(host), prefix);
        }
    }
}
