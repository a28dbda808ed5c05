//! `pf-net`: wired network for the booted environment, off until it is asked for, and a look at the time of an NTP server.
//!
//! What it is: one interface up by DHCP or with a static address, down again, and the offset of this machine's clock. What it
//! is not: a network manager, a server (nobody is answered), a setter of clocks, or a user of IPv6, which it turns off on an
//! interface before that comes up. busybox's `ip`, `arping` and `udhcpc` do the work; `udhcpc` calls this same program back at
//! each event of a lease. What was done in this boot stands in an account, which `pf-acquire` puts into the record.
//! Who calls it: the examiner.
#![forbid(unsafe_code)]

mod account;
mod address;
mod arguments;
mod bring_up;
mod busybox;
mod failure;
mod interface;
mod lease;
mod lease_refusal;
mod name_servers;
mod ntp_packet;
mod status;
mod take_down;
mod time_reference;

use arguments::{Cli, Command};
use clap::{CommandFactory, Parser};
use failure::Failure;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// What only the booted environment has.
const RELEASE: &str = "/etc/permafrost-release";

/// Its command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The program: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> ExitCode {
    let done = match lease::Event::of_this_process() {
        Some(event) => lease::apply(event),
        None => run(&Cli::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // A reader such as `head` that has enough is no failure.
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // Whether anyone reads it or not, the exit code tells.
            let _ = writeln!(std::io::stderr(), "pf-net: {}", evidence::Plain(&failure));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        None | Some(Command::Status) => status::show(cli.json),
        Some(Command::Up(wish)) => {
            in_the_booted_environment()?;
            let act = bring_up::bring_up(wish)?;
            status::print(&act, cli.json)
        }
        Some(Command::Down { interface }) => {
            in_the_booted_environment()?;
            match take_down::take_down(interface)? {
                Some(act) => status::print(&act, cli.json),
                None => print_that_it_was_down(interface, cli.json),
            }
        }
        Some(Command::Time { server }) => {
            let act = time_reference::ask_and_note(server)?;
            status::print(&act, cli.json)
        }
    }
}

/// An installed system has a network manager of its own, which two hands would confuse.
fn in_the_booted_environment() -> Result<(), Failure> {
    match Path::new(RELEASE).exists() {
        true => Ok(()),
        false => Err(Failure::NotBooted),
    }
}

/// Nothing was done that the account could hold; as JSON that is no act.
fn print_that_it_was_down(interface: &str, json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match json {
        true => writeln!(out, "null")?,
        false => {
            let said = format!("{interface} was down already; nothing is written down");
            writeln!(out, "{}", evidence::Plain(said))?;
        }
    }
    Ok(())
}

/// Tells how far it is, for people; whether anyone reads it or not.
fn tell(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{}", evidence::Plain(words));
}
