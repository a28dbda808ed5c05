//! `pf-acquire`: images a disk, and leaves a record of it.
// They abort where nobody reads any more; see `screen::tell`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod acquisition;
mod arguments;
mod case;
mod checkpoints;
mod clone;
mod clone_arguments;
mod clone_disk;
mod destination;
mod ending;
mod failure;
mod fault_arguments;
mod firmware;
mod foresight;
mod identity;
mod mounts;
mod network;
mod opening;
mod pause;
mod reading_back;
mod records;
mod report;
mod rescue;
mod resume;
mod screen;
mod several;
mod signing;
mod source;
mod unread_ranges;

use clap::CommandFactory;
use screen::tell;
use std::process::ExitCode;

/// The command line.
pub(crate) fn command() -> clap::Command {
    arguments::Arguments::command()
}

/// Does what the command line of this process says, and tells how it went.
pub(crate) fn program() -> ExitCode {
    let mut out = std::io::stdout().lock();
    acquisition::pause_at_signals();
    let arguments = arguments::Arguments::of_this_process();
    if arguments.json_progress {
        screen::speak_to_a_program();
    }
    let done = case::stated(arguments).and_then(|arguments| match arguments.others.is_empty() {
        true => acquisition::run(&arguments)
            .map(|report| (report.print(arguments.json, &mut out), report.exit_code())),
        false => several::run(&arguments)
            .map(|reports| (reports.print(arguments.json, &mut out), reports.exit_code())),
    });
    match done {
        Ok((printed, code)) => {
            // Image and record are made: the exit code speaks of them, whoever reads.
            if let Err(error) = printed {
                tell(format_args!(
                    "warning: the result could not be printed: {error}; it stands in the record"
                ));
            }
            code
        }
        Err(failure) => {
            tell(format_args!("error: {failure}"));
            failure.exit_code()
        }
    }
}
