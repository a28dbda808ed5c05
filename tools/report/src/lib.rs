//! `pf-record`: shows the record of an acquisition to people who don't read JSON.
//!
//! What it is: text for a terminal; one HTML page in English and Chinese that stands alone, prints on A4, and says how
//! everything can be checked with other people's programs; and the Chinese forms that go with it, to be filled in by hand
//! where the record ends; and the case file that an acquisition begins with. What it is not: a check of the image (that is `pf-verify`), nor
//! proof of anything that the record does not prove: the page says what it can't. It reads, and writes only what is asked for.
//! Who calls it: examiners, second laboratories, courts; nothing links to it.
//!
//! ```text
//! pf-record show /mnt/3.record.jsonl
//! pf-record html /mnt/3.record.jsonl --lang both -o 3.html
//! pf-record forms /mnt/3.record.jsonl -o forms
//! pf-record case -o case.toml
//! pf-record export --case-uco /mnt/3.record.jsonl -o 3.case.jsonld
//! pf-record export --dfxml /mnt/3.record.jsonl -o 3.dfxml
//! pf-record time-stamp request /mnt/3.head.json
//! pf-record time-stamp attach /mnt/3.head.json answer.tsr --authority certificates.pem
//! ```
#![forbid(unsafe_code)]
// They abort where nobody reads any more.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod account;
mod arguments;
mod beside;
mod by_hand;
mod case;
mod case_uco;
mod dfxml;
mod disk_words;
mod failure;
mod forms;
mod growth;
mod language;
mod markup;
mod media_map;
mod narrative;
mod network_words;
mod output;
mod page;
mod protection;
mod show;
mod start;
mod summary;
mod surplus;
mod text;
mod time_stamp;
mod timeline;
mod verdict;

use account::Account;
use arguments::{Arguments, BROKEN, Face, UNCLOSED, WHOLE};
use clap::{CommandFactory, Parser};
use evidence::Plain;
use failure::Failure;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Its command line, for man pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The program: does what the command line of this process says, and tells how it went.
#[must_use]
pub fn program() -> ExitCode {
    let arguments = Arguments::parse();
    let code = run(&arguments.face).unwrap_or_else(|failure| {
        let _ = writeln!(std::io::stderr(), "error: {}", Plain(&failure));
        failure.exit_code()
    });
    ExitCode::from(code)
}

fn run(face: &Face) -> Result<u8, Failure> {
    let mut output = std::io::stdout().lock();
    let account = match face {
        Face::Show(show) => {
            let account = read(&show.record)?;
            if show.json {
                summary::Summary::of(&account).print(&mut output)?;
            } else {
                show::print(&account, &mut output)?;
            }
            account
        }
        Face::Html(html) => {
            let account = read(&html.record)?;
            output::create(&html.output, page::page(&account, html.lang))?;
            tell(&account, &[&html.output], html.json, &mut output)?;
            account
        }
        Face::Case(arguments) => {
            let code = case::run(arguments, &mut output)?;
            output.flush()?;
            return Ok(code);
        }
        Face::Forms(folder) => {
            let account = read(&folder.record)?;
            let made = forms::write(&account, &folder.output)?;
            let paths: Vec<&Path> = made.iter().map(|form| form.path.as_path()).collect();
            if folder.json {
                summary::Made::of(&account, &paths).with_blanks(&made).print(&mut output)?;
            } else {
                for form in &made {
                    let blanks = form.blanks.join("；");
                    writeln!(output, "{}: to be filled in by hand: {blanks}", Plain(form.path.display()))?;
                }
                tell(&account, &[], false, &mut output)?;
            }
            account
        }
        Face::TimeStamp(face) => {
            let code = time_stamp::run(face, &mut output)?;
            output.flush()?;
            return Ok(code);
        }
        Face::Export(export) => {
            let account = read(&export.record)?;
            if let Some(broken) = account.chain.broken.clone() {
                return Err(Failure::Broken { path: export.record.clone(), broken });
            }
            let document = if export.dfxml {
                dfxml::document(&account)
            } else {
                format!("{}\n", serde_json::to_string_pretty(&case_uco::document(&account))?)
            };
            output::create(&export.output, &document)?;
            tell(&account, &[&export.output], export.json, &mut output)?;
            account
        }
    };
    output.flush()?;
    Ok(code(&account))
}

/// A record with one entry at least.
fn read(path: &Path) -> Result<Account, Failure> {
    let account = Account::read(path)?;
    if account.chain.entries == 0 {
        let what = match &account.chain.broken {
            Some(broken) => broken.to_string(),
            None => "the file is empty".to_owned(),
        };
        return Err(Failure::NoRecord { path: path.to_owned(), what });
    }
    Ok(account)
}

/// Says what was made.
fn tell(account: &Account, made: &[&Path], json: bool, output: &mut impl Write) -> Result<(), Failure> {
    if json {
        return summary::Made::of(account, made).print(output);
    }
    for path in made {
        writeln!(output, "{}", Plain(path.display()))?;
    }
    writeln!(output, "chain head {}", account.chain.head)?;
    if let Some(broken) = &account.chain.broken {
        writeln!(output, "BROKEN: {broken}")?;
    } else if !account.chain.closed {
        writeln!(output, "NOT CLOSED: the acquisition is under way or was cut off")?;
    }
    Ok(())
}

fn code(account: &Account) -> u8 {
    match (&account.chain.broken, account.chain.closed) {
        (Some(_), _) => BROKEN,
        (None, false) => UNCLOSED,
        (None, true) => WHOLE,
    }
}
