//! `cargo xtask usb`: writes the image onto a USB stick and proves that it is on it.
//!
//! A wrong disk would be lost, so it is shown first, everything that speaks against it is asked of the system, and its
//! serial is typed back. What was written is read back from the medium itself: sticks that lie about their size, or fail
//! while they are written to, say nothing.

mod target;
mod transfer;

use crate::error::{Doing, Result, XtaskError};
use crate::stages::Stages;
use crate::workspace;
use clap::Args;
use device::Disk;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use transfer::Stick;

/// What stands for the serial of a disk without one.
const NO_SERIAL: &str = "none";

/// Which disk, and what goes onto it.
#[derive(Args)]
pub struct Arguments {
    /// The whole disk, such as /dev/sdb; ALL ON IT IS LOST
    disk: PathBuf,
    /// What to write [default: target/permafrost/permafrost.iso]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// The disk's serial, for scripts: nobody is asked; "none" where it has none
    #[arg(long)]
    serial: Option<String>,
    /// Also a disk that is neither on USB nor removable
    #[arg(long)]
    any_disk: bool,
}

/// Writes the image, reads it back and compares.
pub fn run(arguments: &Arguments, stages: &mut Stages) -> Result<()> {
    let image = image(arguments.image.as_deref())?;
    let disk = target::find(&arguments.disk)?;
    show(&disk)?;
    target::check(&disk, image.size, arguments.any_disk)?;
    let shown = target::sequence(&disk);
    confirm(&disk, arguments.serial.as_deref())?;

    let stick = Stick::open(&disk)?;
    target::must_be_the_same(&disk, shown)?;
    let sha256 = stages.run("writing", || stick.write(&image.path, image.size))?;
    let old_header = stages.run("end of the disk", || stick.clear_old_partition_table(image.size))?;
    stages.run("reading back", || stick.verify(&image.path, image.size, &sha256))?;
    if old_header {
        println!(
            "{}: the backup of its old partition table (GPT), at its end, is overwritten with zeros: \
             firmware might have gone by it.",
            disk.identity.path
        );
    }
    println!(
        "{}: holds {}, {} bytes, read back from the medium.\nSHA-256 of the image: {sha256}",
        disk.identity.path,
        image.path.display(),
        image.size
    );
    Ok(())
}

/// What is to be written.
struct Image {
    path: PathBuf,
    size: u64,
}

fn image(named: Option<&Path>) -> Result<Image> {
    let path =
        named.map_or_else(|| workspace::outputs().map(|all| all.join("permafrost.iso")), |p| Ok(p.into()))?;
    let metadata = match std::fs::metadata(&path) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Err(XtaskError::Unfit(format!(
                "{} has not been built; run: cargo xtask image",
                path.display()
            )));
        }
        found => found.doing(|| format!("looking at {}", path.display()))?,
    };
    if !metadata.is_file() || metadata.len() == 0 {
        let path = path.display();
        return Err(XtaskError::Unfit(format!("{path} is no image: an ordinary file with content is meant")));
    }
    Ok(Image { size: metadata.len(), path })
}

/// Shows the disk, what lies on it, and what of it is mounted.
fn show(disk: &Disk) -> Result<()> {
    let mut disk = disk.clone();
    disk.read_signatures();
    let mounted = target::mounted(&disk)?;
    let state = if mounted.is_empty() { "" } else { "MOUNTED" };
    for line in device::description::describe(&disk, state) {
        eprintln!("{line}");
    }
    for mount in mounted {
        eprintln!("  mounted: {} at {}", mount.source, mount.point);
    }
    Ok(())
}

/// Has the serial typed back, or takes the one of the command line for it.
fn confirm(disk: &Disk, given: Option<&str>) -> Result<()> {
    let path = &disk.identity.path;
    let (typed, on) = match given {
        Some(serial) => (serial.to_owned(), "given"),
        None if !std::io::stdin().is_terminal() => {
            return Err(XtaskError::Unfit(format!(
                "{path}: not written: standard input is no terminal, so nobody can type the serial back; give --serial if a \
                 script shall decide"
            )));
        }
        None => {
            let (mut answer, mut screen) = (std::io::stdin().lock(), std::io::stderr().lock());
            (ask(disk, &mut answer, &mut screen).doing(|| "asking for the serial".to_owned())?, "typed")
        }
    };
    match is_serial_of(disk, &typed) {
        true => Ok(()),
        false => Err(XtaskError::Unfit(format!(
            "{path}: not written: what was {on} is not the serial of this disk, which is shown above ({NO_SERIAL} where it has \
             none)"
        ))),
    }
}

fn ask(disk: &Disk, answer: &mut dyn BufRead, screen: &mut dyn Write) -> std::io::Result<String> {
    writeln!(screen, "\nALL that is on {} will be lost.", disk.identity.path)?;
    let wanted =
        if serials(disk).next().is_some() { "Type its serial" } else { "It has no serial: type none" };
    write!(screen, "{wanted} to go on, or only Enter to leave it as it is: ")?;
    screen.flush()?;
    let mut typed = String::new();
    answer.read_line(&mut typed)?;
    Ok(typed)
}

fn serials(disk: &Disk) -> impl Iterator<Item = &str> {
    disk.identity.serial.iter().chain(&disk.usb_serial).map(|serial| serial.trim())
}

fn is_serial_of(disk: &Disk, typed: &str) -> bool {
    match typed.trim() {
        "" => false,
        NO_SERIAL if serials(disk).next().is_none() => true,
        typed => serials(disk).any(|serial| serial == typed),
    }
}

#[cfg(test)]
mod tests;
