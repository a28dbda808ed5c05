//! Whether a program runs, whoever began it: another console, or a shell.

use std::fs;
use std::path::Path;

/// True where a process of that name runs. One that has ended, and that nobody asked for its exit code, counts no more.
#[must_use]
pub fn is_running(proc: &Path, name: &str) -> bool {
    let Ok(entries) = fs::read_dir(proc) else { return false };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .any(|stat| is_of(&stat, name))
}

/// `proc_pid_stat(5)`: the number, the name in parentheses, which may hold any characters itself, and the state.
fn is_of(stat: &str, name: &str) -> bool {
    let Some((head, rest)) = stat.rsplit_once(')') else { return false };
    let Some((_, own)) = head.split_once('(') else { return false };
    own == name && !rest.trim_start().starts_with(['Z', 'X'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_name_and_not_after_its_end() {
        let proc = tempfile::tempdir().unwrap();
        let write = |number: &str, stat: &str| {
            fs::create_dir_all(proc.path().join(number)).unwrap();
            fs::write(proc.path().join(number).join("stat"), stat).unwrap();
        };
        write("1", "1 (pf-init) S 0 1 1");
        write("self", "7 (pf-acquire) S 1 7 7");
        write("20", "20 (a) (pf-acquire) b) S 1 7 7");
        assert!(!is_running(proc.path(), "pf-acquire"));
        write("21", "21 (pf-acquire) Z 1 21 21");
        assert!(!is_running(proc.path(), "pf-acquire"), "it has ended");
        write("22", "22 (pf-acquire) D 1 22 22");
        assert!(is_running(proc.path(), "pf-acquire"));
    }
}
