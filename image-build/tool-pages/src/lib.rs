//! Man pages and shell completions of the tools, made of the very declarations that `--help` shows.
//!
//! What it is: pages in the layout of a prefix such as `/usr/local`. What it is not: part of any tool or image; the tools
//! carry nothing of it. Who calls it: `cargo xtask install`, which puts the pages in their place.
#![forbid(unsafe_code)]

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io;
use std::path::{Path, PathBuf};

/// Section of the manual for what administers a machine, and mostly needs root (man(1)).
const ADMINISTRATION: &str = "8";

/// Section of the manual for what anybody uses.
const COMMANDS: &str = "1";

/// A tool: its command line, and the section that its page is in.
struct Tool {
    command: Command,
    section: &'static str,
}

fn tools() -> [Tool; 8] {
    let tool = |command, section| Tool { command, section };
    [
        tool(acquire::command(), ADMINISTRATION),
        tool(convert::command(), COMMANDS),
        tool(devices::command(), ADMINISTRATION),
        tool(guard::command(), ADMINISTRATION),
        tool(network::command(), ADMINISTRATION),
        tool(prove::command(), ADMINISTRATION),
        tool(report::command(), COMMANDS),
        tool(verify::command(), COMMANDS),
    ]
}

/// Command lines of all tools, by the names they are called by.
#[must_use]
pub fn commands() -> Vec<Command> {
    tools().map(|tool| tool.command).into()
}

/// Writes all pages below `folder`, a prefix, and returns their paths there.
///
/// # Errors
/// What the system says of a file or folder.
pub fn write(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for tool in tools() {
        let name = tool.command.get_name().to_owned();
        for (page, text) in man_pages(tool.command.clone(), tool.section)? {
            written.push(put(
                folder,
                &format!("share/man/man{}/{page}.{}", tool.section, tool.section),
                &text,
            )?);
        }
        for (shell, place) in [
            (Shell::Bash, format!("share/bash-completion/completions/{name}")),
            (Shell::Zsh, format!("share/zsh/site-functions/_{name}")),
            (Shell::Fish, format!("share/fish/vendor_completions.d/{name}.fish")),
        ] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut tool.command.clone(), name.as_str(), &mut text);
            written.push(put(folder, &place, &text)?);
        }
    }
    Ok(written)
}

/// The page of a program, and one for each of its commands: `pf-guard` and `pf-guard-allow`.
fn man_pages(program: Command, section: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let name = program.get_name().to_owned();
    let version = program.get_version().unwrap_or_default().to_owned();
    // The command `help` shows what the pages show. Options that hold for every command stand on the page of each.
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    let mut open = vec![(name, program)];
    while let Some((name, command)) = open.pop() {
        for below in command.get_subcommands() {
            open.push((format!("{name}-{}", below.get_name()), below.clone()));
        }
        let man = Man::new(command)
            .title(name.to_uppercase())
            .section(section)
            .source(format!("permafrost {version}"))
            .manual("Permafrost");
        let mut text = Vec::new();
        man.render(&mut text)?;
        pages.push((name, text));
    }
    Ok(pages)
}

fn put(folder: &Path, place: &str, text: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(place);
    std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
    std::fs::write(&path, text)?;
    Ok(PathBuf::from(place))
}
