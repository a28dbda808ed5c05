//! The command line.

use crate::address::{Address, HostAddress};
use crate::time_reference::Server;
use clap::{Args, Parser, Subcommand};

const AFTER_HELP: &str = "\
Nothing is sent before up, and then only what it takes: the request for a lease (no host name, no vendor; asked for are \
network mask, gateway and name servers), ARP, the question whether somebody has the address already, and what a command asks \
for. IPv6 is not offered; it is turned off on an interface before that comes up. No program serves anybody; udhcpc listens \
at UDP port 68 for answers while it asks for a lease or renews it. A lease is kept, and renewed, until down gives it back. \
Without a cable up ends after 10 s, without an answer after 15 s, and without a lease after a minute, whatever a server \
answers.

Exit codes: 0 done; 2 wrong usage or could not be carried out; 3 no cable; 4 no answer: no lease was kept, also where another \
machine has the address that a server gave, or no time came; 5 the answer cannot be used: of the time server, or another \
machine has the address of --address.
What was done stands in /run/permafrost/network.json, and from there in the record of each acquisition. Memory: below 8 MiB.";

/// Wired network, off until it is asked for, and the time of an NTP server, which is told and never set.
///
/// Without a command, status is shown.
#[derive(Parser)]
#[command(name = "pf-net", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What it does.
#[derive(Subcommand)]
pub enum Command {
    /// Show wired interfaces, and what this program did in this boot.
    Status,
    /// Bring one interface up, by DHCP or with a static address.
    Up(Up),
    /// Take an interface down, and give its lease back.
    Down {
        /// The interface, as status lists it.
        interface: String,
    },
    /// Ask an NTP server for the time, and tell how far this machine's clock is from it. The clock is not set.
    Time {
        /// The server by name or address, with a port where it is not 123.
        #[arg(value_name = "SERVER[:PORT]")]
        server: Server,
    },
}

/// How an interface is to come up.
#[derive(Args)]
pub struct Up {
    /// The interface, as status lists it.
    pub interface: String,
    /// Ask for an address by DHCP.
    #[arg(long, required_unless_present = "address", conflicts_with = "address")]
    pub dhcp: bool,
    /// Take this address, with the length of its network's prefix: 192.0.2.10/24.
    #[arg(long)]
    pub address: Option<Address>,
    /// The way out of the network.
    #[arg(long, requires = "address", conflicts_with = "dhcp")]
    pub gateway: Option<HostAddress>,
    /// A server that knows names; may be given up to three times.
    #[arg(long, requires = "address", conflicts_with = "dhcp")]
    pub name_server: Vec<HostAddress>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_asks_for_one_way_to_come_up() {
        Cli::command().debug_assert();
        let parses = |words: &[&str]| Cli::try_parse_from([&["pf-net"], words].concat()).is_ok();
        assert!(parses(&[]));
        assert!(parses(&["up", "eth0", "--dhcp"]));
        assert!(parses(&["up", "eth0", "--address", "192.0.2.10/24", "--gateway", "192.0.2.1"]));
        for wrong in [
            &["up", "eth0"][..],
            &["up", "eth0", "--dhcp", "--address", "192.0.2.10/24"],
            &["up", "eth0", "--dhcp", "--gateway", "192.0.2.1"],
            &["up", "eth0", "--address", "192.0.2.10"],
            &["up", "--dhcp"],
            &["time"],
            &["time", "2001:db8::1"],
        ] {
            assert!(!parses(wrong), "{wrong:?}");
        }
    }
}
