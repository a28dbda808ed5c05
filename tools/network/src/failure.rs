//! Why a command ended without success, and by which exit code it is known.

use crate::account::Act;
use crate::ntp_packet::Refused;
use crate::status;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

const EXIT_FAILED: u8 = 2;
const EXIT_NO_CABLE: u8 = 3;
const EXIT_NO_ANSWER: u8 = 4;
const EXIT_UNUSABLE: u8 = 5;

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another system runs here.
    #[error(
        "interfaces are brought up and down in the booted image only; here the system's own network manager does it"
    )]
    NotBooted,
    /// There is none of that name.
    #[error("{0}: no wired interface of this name; pf-net status lists them")]
    NoSuchInterface(String),
    /// It was up before.
    #[error("{0} is up already; pf-net down {0} takes it down first")]
    AlreadyUp(String),
    /// A way out that can't be reached.
    #[error(
        "{interface}: the gateway {gateway} does not lie in the network of {address}; check both and the prefix"
    )]
    GatewayOutside {
        /// Interface.
        interface: String,
        /// As it was given.
        gateway: String,
        /// As it was given.
        address: String,
    },
    /// More servers of names than a resolver asks.
    #[error("{0}: more than three name servers; the resolver asks no fourth")]
    TooManyNameServers(String),
    /// IPv6 would speak by itself.
    #[error("{interface}: left down, because IPv6 cannot be turned off on it ({source})")]
    Ipv6StaysOn {
        /// Interface.
        interface: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is plugged in.
    #[error("{0}: no cable, or nothing at its other end: plug it in and ask again")]
    NoCable(String),
    /// DHCP without an answer, or without one in the end.
    #[error(
        "{0}: nobody gave a lease by DHCP that could be kept: check cable and network, or give --address A.B.C.D/N"
    )]
    NoLease(String),
    /// DHCP without an end.
    #[error(
        "{0}: no lease was kept within a minute, as where a server refuses, or another machine has the address that it gives: \
         give a free one by --address A.B.C.D/N"
    )]
    NoLeaseKept(String),
    /// Another machine has the address.
    #[error("{interface}: another machine has {address} already: take a free address")]
    AddressTaken {
        /// Interface.
        interface: String,
        /// The address.
        address: String,
    },
    /// A program of the image failed.
    #[error("{doing}: {program} failed: {said}")]
    Program {
        /// What was being done, to what.
        doing: String,
        /// Its name.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// A lease came, but no address of it stands, or no account of it.
    #[error(
        "{interface}: a lease came, but was not used ({reason}): give --address A.B.C.D/N, or ask who runs the network"
    )]
    LeaseNotSet {
        /// Interface.
        interface: String,
        /// What the program that udhcpc calls said.
        reason: String,
    },
    /// `udhcpc` called without what it has to tell.
    #[error("{interface}: a lease without {what}")]
    LeaseWithout {
        /// Interface.
        interface: String,
        /// What is missing.
        what: &'static str,
    },
    /// The program that keeps the lease.
    #[error("{interface}: udhcpc (process {process}) cannot be ended: {reason}")]
    KeeperStays {
        /// Interface.
        interface: String,
        /// Its number.
        process: i32,
        /// Why.
        reason: String,
    },
    /// A name that no server knows.
    #[error(
        "{server}: no IPv4 address is known for it ({reason}); check the name, or give an address; pf-net status shows the network"
    )]
    NoAddress {
        /// As it was given.
        server: String,
        /// Why.
        reason: String,
    },
    /// There is no way to the server.
    #[error(
        "{server}: not reached from here ({source}); pf-net status shows the network, pf-net up brings it up"
    )]
    NotReached {
        /// As it was given.
        server: String,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing came.
    #[error("{server} ({address}): no time came: {reason}; check the server and its port, or ask another")]
    NoTime {
        /// As it was given.
        server: String,
        /// Its address.
        address: SocketAddr,
        /// What came instead.
        reason: String,
    },
    /// What came can't be used.
    #[error("{server} ({address}): its answer cannot be used: {refused}; ask another server")]
    UnusableTime {
        /// As it was given.
        server: String,
        /// Its address.
        address: SocketAddr,
        /// Why.
        refused: Refused,
    },
    /// Usable answers of which not all can be right.
    #[error(
        "{server} ({address}): its answers contradict each other: offsets from {smallest:+.6} s to {largest:+.6} s; ask again, or another server"
    )]
    ContradictoryTimes {
        /// As it was given.
        server: String,
        /// Its address.
        address: SocketAddr,
        /// Smallest offset, in seconds.
        smallest: f64,
        /// Largest offset, in seconds.
        largest: f64,
    },
    /// It was to come up, and was taken down again.
    #[error("{0}; taken down again")]
    TakenDown(#[source] Box<Failure>),
    /// It was to come up, and a step of taking it down again failed.
    #[error("{failure}; taking it down again FAILED: {left}; pf-net status shows what is up")]
    LeftUp {
        /// Why it did not come up.
        failure: Box<Failure>,
        /// Why it is not down.
        left: Box<Failure>,
    },
    /// The account of what was done.
    #[error("{}: the account of what is done cannot be kept ({source}): it takes root, and room there", .path.display())]
    Account {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What can't be written down is not done, but for what makes an interface silent.
    #[error("nothing is done: {0}")]
    NotBegun(#[source] Box<Failure>),
    /// Something is done that stands in no account.
    #[error("{}; but this is NOT written down: {source}", status::sentences(.act).join("; "))]
    Unwritten {
        /// What was done.
        act: Box<Act>,
        /// Why it does not stand there.
        source: Box<Failure>,
    },
    /// An account that somebody else wrote.
    #[error("{}: not an account that pf-net wrote ({source}); move it away", .path.display())]
    ForeignAccount {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A file of the system.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output.
    #[error("{0}")]
    Output(#[from] io::Error),
    /// The result as JSON.
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The exit code, as `--help` has it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::NoCable(_) => EXIT_NO_CABLE,
            Failure::NoLease(_) | Failure::NoLeaseKept(_) | Failure::NoTime { .. } => EXIT_NO_ANSWER,
            Failure::UnusableTime { .. }
            | Failure::ContradictoryTimes { .. }
            | Failure::AddressTaken { .. } => EXIT_UNUSABLE,
            Failure::TakenDown(failure) | Failure::LeftUp { failure, .. } => failure.exit_code(),
            _ => EXIT_FAILED,
        }
    }
}
