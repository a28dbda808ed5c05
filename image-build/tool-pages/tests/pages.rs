//! The pages in the eyes of man, mandoc and the shells.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use clap::Command;
use std::path::{Path, PathBuf};
use std::process;

fn pages() -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let written = tool_pages::write(folder.path()).unwrap();
    let paths = written.iter().map(|path| folder.path().join(path)).collect();
    (folder, paths)
}

fn below<'a>(paths: &'a [PathBuf], part: &'a str) -> impl Iterator<Item = &'a PathBuf> {
    paths.iter().filter(move |path| path.to_string_lossy().contains(part))
}

/// What a program says, and whether it is content; nothing, said visibly, where the program is absent.
fn asked(program: &str, words: &[&str], file: &Path) -> Option<(bool, String)> {
    let output = process::Command::new(program)
        .args(words)
        .arg(file)
        .env("LC_ALL", "C.UTF-8")
        .env("MANROFFSEQ", "")
        .env("MANWIDTH", "120")
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: {program} is not installed");
        return None;
    };
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Some((output.status.success(), said))
}

/// Every command, with the name of its page.
fn all(name: &str, command: &Command) -> Vec<(String, Command)> {
    let mut found = vec![(name.to_owned(), command.clone())];
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        found.extend(all(&format!("{name}-{}", below.get_name()), below));
    }
    found
}

#[test]
fn every_option_that_help_shows_is_on_the_page_as_man_shows_it() {
    let (_folder, paths) = pages();
    for mut program in tool_pages::commands() {
        program.build();
        for (name, mut command) in all(program.get_name(), &program) {
            let page = paths.iter().find(|path| path.file_stem().is_some_and(|stem| stem == name.as_str()));
            let page = page.unwrap_or_else(|| panic!("{name} has no page"));
            let Some((_, shown)) = asked("man", &["-P", "cat", "-l"], page) else { return };
            // Hyphens that man prints to be copied are the plain ones.
            let help = command.render_long_help().to_string();
            let options = help.split(|c: char| c.is_whitespace() || c == ',' || c == '[' || c == ']');
            let options: Vec<&str> = options.filter(|word| is_option(word)).collect();
            assert!(options.contains(&"--help"), "{name}: {help}");
            for option in options {
                assert!(shown.contains(option), "{option} is not on the page of {name}:\n{shown}");
            }
        }
    }
}

/// `--json` and `-o`, but not the dash in a sentence or an option with something behind it.
fn is_option(word: &str) -> bool {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[test]
fn neither_man_nor_mandoc_finds_an_error_in_a_page() {
    let (_folder, paths) = pages();
    for page in below(&paths, "/man/") {
        if let Some((good, said)) = asked("man", &["--warnings", "-E", "UTF-8", "-P", "cat", "-l"], page) {
            assert!(good && !said.contains("warning:"), "{}: {said}", page.display());
        }
        if let Some((_, said)) = asked("mandoc", &["-T", "lint", "-W", "error"], page) {
            assert!(said.is_empty(), "{}: {said}", page.display());
        }
    }
}

#[test]
fn the_shells_can_read_their_completions() {
    let (_folder, paths) = pages();
    for (shell, part) in [("bash", "/bash-completion/"), ("zsh", "/zsh/"), ("fish", "/fish/")] {
        let files: Vec<&PathBuf> = below(&paths, part).collect();
        assert_eq!(files.len(), tool_pages::commands().len(), "{part}");
        for file in files {
            if let Some((good, said)) = asked(shell, &["-n"], file) {
                assert!(good && said.is_empty(), "{}: {said}", file.display());
            }
        }
    }
}

#[test]
fn bash_completes_an_option_of_a_command() {
    let (_folder, paths) = pages();
    let file = below(&paths, "/bash-completion/").find(|path| path.ends_with("pf-guard")).unwrap();
    // As bash calls it when the tabulator key is pressed.
    let script = "source \"$0\"; words=($(complete -p pf-guard)); COMP_WORDS=(pf-guard allow --ser); COMP_CWORD=2; \
                  for word in \"${words[@]}\"; do case $word in _pf*) $word pf-guard --ser allow;; esac; done; \
                  echo \"${COMPREPLY[@]}\"";
    let output = process::Command::new("bash").args(["-c", script]).arg(file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--serial");
}
