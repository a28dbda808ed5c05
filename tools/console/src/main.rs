//! `pf-console`: what the examiner sees after the boot. It lists the disks, makes destinations, images sources and shows what
//! becomes of them, on the machine's screen and on serial lines.
//!
//! What it does it does by the other programs, and shows their command lines. It opens no disk by itself.
#![forbid(unsafe_code)]

mod command;
mod desk;
mod disk;
mod form;
mod framebuffer;
mod glyphs;
mod job;
mod mounts;
mod processes;
mod roles;
mod runner;
mod settings;
mod terminal;
mod view;
mod words;

use case_file::Language;
use clap::{Parser, ValueEnum};
use std::process::ExitCode;

/// Leads an acquisition: the disks, a destination, the case, imaging, and the result to be photographed.
///
/// Starts by itself in the live environment, on the screen and on each serial line. Everything it does it does by the other
/// programs, and shows the command lines.
#[derive(Parser)]
#[command(
    name = "pf-console",
    version,
    after_help = "Keys are shown at the bottom; F1 is help. Whatever is typed, a disk that was taken as source can't be made writable.\n\n\
    Exit codes: 0 left by a key; 2 wrong usage, or standard input is no terminal. Memory: below 16 MiB, and what each acquisition \
    takes. It speaks no JSON: programs use pf-devices, pf-guard and pf-acquire, as it does."
)]
struct Arguments {
    /// Language of the screens; F2 changes it
    #[arg(long, value_enum, default_value_t = Tongue::En)]
    language: Tongue,

    /// Ask no disk anything before a key is pressed: for a line at whose other end there may be nobody
    #[arg(long)]
    wait: bool,
}

/// A language.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tongue {
    /// English
    En,
    /// Chinese
    Zh,
}

const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let language = match arguments.language {
        Tongue::En => Language::English,
        Tongue::Zh => Language::Chinese,
    };
    match terminal::run(language, arguments.wait) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}
