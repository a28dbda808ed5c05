//! `pf-prove`: validates a write block on a scratch disk.
//!
//! What it is: a catalogue of every known way to change a disk, written from the standards, and a run that tries them all,
//! looks after each whether the disk has changed, and says what got through. It works on any Linux, behind any write block.
//! What it is not: it never looks at the evidence guard's tables, and it must never meet evidence: it fills disks, and it
//! attacks them. Who calls it: lab quality assurance, and the test bench.
#![forbid(unsafe_code)]

mod arguments;
mod attack;
mod attempt;
mod catalogue;
mod command;
mod content;
mod failure;
mod fill;
mod held_doors;
mod html;
mod layout;
mod mounts;
mod pattern;
mod plan;
mod random;
mod report;
mod resets;
mod scratch;
mod screen;
mod state;
mod target;
mod vector;
mod verdict;
mod watch;

use arguments::{Attack, Cli, Command, Fill};
use clap::{CommandFactory, Parser};
use failure::Failure;
use layout::Layout;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

const EXIT_LEAKED: u8 = 1;
const EXIT_REFUSED: u8 = 2;
const EXIT_COULD_NOT: u8 = 3;

/// Its command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The program: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        // A reader such as `head` that has enough is no failure.
        Err(Failure::Output(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pf-prove: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::List => list(cli.json),
        Command::Fill(fill) => fill_disk(fill, cli.json),
        Command::Attack(attack) => attack_disk(attack, cli.json),
    }
}

fn list(json: bool) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    let rows: Vec<report::Row> = plan::catalogue().iter().map(report::Row::of).collect();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
    } else {
        for row in &rows {
            writeln!(
                out,
                "{:<12} {:<14} {:<24} {}",
                row.class.to_string(),
                row.effect.to_string(),
                row.standard,
                row.name
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn fill_disk(options: &Fill, json: bool) -> Result<ExitCode, Failure> {
    let target = scratch::select(&options.scratch, |path| Layout::on(path).is_ok())?;
    let mut told = 0;
    let filled = fill::carry_out(&target, options, &mut |line| eprintln!("{line}"), &mut |at| {
        let percent = at.saturating_mul(100).checked_div(target.size()).unwrap_or(100);
        if percent / 10 > told {
            told = percent / 10;
            eprintln!("{percent} % of {} bytes written", target.size());
        }
    })?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(&filled)?)?;
    } else {
        screen::filled(&filled, &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn attack_disk(options: &Attack, json: bool) -> Result<ExitCode, Failure> {
    let target = scratch::select(&options.scratch, |path| !options.no_pattern && Layout::on(path).is_ok())?;
    let mut out = std::io::stdout().lock();
    let mut broken = None;
    let report = attack::run(&target, options, &mut |row| {
        if !json && let Err(error) = writeln!(out, "{}", screen::line(row)) {
            broken.get_or_insert(error);
        }
    })?;
    if let Some(folder) = &options.report {
        write_report(&report, folder)?;
    }
    if let Some(error) = broken {
        return Err(error.into());
    }
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        screen::summary(&report, &mut out)?;
    }
    out.flush()?;
    Ok(if report.held { ExitCode::SUCCESS } else { ExitCode::from(EXIT_LEAKED) })
}

fn write_report(report: &report::Report, folder: &Path) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::Report { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let (json, page) = (folder.join("pf-prove.json"), folder.join("pf-prove.html"));
    std::fs::write(&json, serde_json::to_string_pretty(report)?).map_err(failed(&json))?;
    std::fs::write(&page, html::page(report)).map_err(failed(&page))
}
