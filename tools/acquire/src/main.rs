//! `pf-acquire`: images a disk, and leaves a record of it.
#![forbid(unsafe_code)]
// They abort where nobody reads any more; see `screen::tell`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

#[path = "pf_acquire/acquisition.rs"]
mod acquisition;
#[path = "pf_acquire/arguments.rs"]
mod arguments;
#[path = "pf_acquire/case.rs"]
mod case;
#[path = "pf_acquire/checkpoints.rs"]
mod checkpoints;
#[path = "pf_acquire/clone.rs"]
mod clone;
#[path = "pf_acquire/clone_arguments.rs"]
mod clone_arguments;
#[path = "pf_acquire/clone_disk.rs"]
mod clone_disk;
#[path = "pf_acquire/destination.rs"]
mod destination;
#[path = "pf_acquire/ending.rs"]
mod ending;
#[path = "pf_acquire/failure.rs"]
mod failure;
#[path = "pf_acquire/fault_arguments.rs"]
mod fault_arguments;
#[path = "pf_acquire/firmware.rs"]
mod firmware;
#[path = "pf_acquire/foresight.rs"]
mod foresight;
#[path = "pf_acquire/identity.rs"]
mod identity;
#[path = "pf_acquire/mounts.rs"]
mod mounts;
#[path = "pf_acquire/opening.rs"]
mod opening;
#[path = "pf_acquire/pause.rs"]
mod pause;
#[path = "pf_acquire/reading_back.rs"]
mod reading_back;
#[path = "pf_acquire/records.rs"]
mod records;
#[path = "pf_acquire/report.rs"]
mod report;
#[path = "pf_acquire/rescue/mod.rs"]
mod rescue;
#[path = "pf_acquire/resume/mod.rs"]
mod resume;
#[path = "pf_acquire/screen.rs"]
mod screen;
#[path = "pf_acquire/several.rs"]
mod several;
#[path = "pf_acquire/signing.rs"]
mod signing;
#[path = "pf_acquire/source.rs"]
mod source;
#[path = "pf_acquire/unread_ranges.rs"]
mod unread_ranges;

use screen::tell;
use std::process::ExitCode;

fn main() -> ExitCode {
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
