//! What a kernel prints of its tests (KTAP, Documentation/dev-tools/ktap.rst), read so that no test can go missing.

/// The tests of all suites, as `suite: test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// Those that passed.
    pub passed: Vec<String>,
    /// Those that failed or were skipped.
    pub failed: Vec<String>,
}

/// Before the lines of a suite's tests.
const INDENT: &str = "    ";

/// Reads a kernel's whole output.
///
/// An error is an output that tells of no test, or of fewer than were announced: the kernel ended early.
pub fn read(output: &str) -> Result<Results, String> {
    let mut results = Results::default();
    let mut suite = String::new();
    let mut suites = Count::default();
    let mut tests = Count::default();

    for line in output.lines().map(str::trim_end) {
        if let Some(inner) = line.strip_prefix(INDENT) {
            if let Some(name) = inner.strip_prefix("# Subtest: ") {
                name.clone_into(&mut suite);
                tests = Count::default();
            } else if let Some(count) = plan(inner) {
                tests.announced = Some(count);
            } else if let Some((good, name)) = result(inner) {
                tests.told = tests.told.saturating_add(1);
                let list = if good { &mut results.passed } else { &mut results.failed };
                list.push(format!("{suite}: {name}"));
            }
        } else if let Some(count) = plan(line) {
            suites.announced = Some(count);
        } else if let Some((good, name)) = result(line) {
            suites.told = suites.told.saturating_add(1);
            std::mem::take(&mut tests).complete(name)?;
            if !good && results.failed.iter().all(|failed| !failed.starts_with(&format!("{name}: "))) {
                results.failed.push(format!("{name}: the suite itself"));
            }
        }
    }
    suites.complete("the kernel")?;
    if results.passed.is_empty() && results.failed.is_empty() {
        return Err("no test was run".to_owned());
    }
    Ok(results)
}

/// Announced and told results of one level.
#[derive(Default)]
struct Count {
    announced: Option<usize>,
    told: usize,
}

impl Count {
    fn complete(self, of: &str) -> Result<(), String> {
        match self.announced {
            Some(count) if count == self.told && count > 0 => Ok(()),
            Some(count) => Err(format!("{of} announced {count} results and told {}", self.told)),
            None => Err(format!("{of} announced no tests")),
        }
    }
}

/// `1..5`
fn plan(line: &str) -> Option<usize> {
    line.strip_prefix("1..")?.parse().ok()
}

/// `ok 1 name` or `not ok 1 name`; a skipped one was not run.
fn result(line: &str) -> Option<(bool, &str)> {
    let (good, rest) = match line.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok ")?),
    };
    let (number, name) = rest.split_once(' ')?;
    number.parse::<usize>().ok()?;
    Some((good && !name.contains("# SKIP"), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Linux version 6.12\nKTAP version 1\n1..2\n    KTAP version 1\n    # Subtest: a\n    1..2\n    ok 1 one\n    ok 2 two\n\
        # a: pass:2 fail:0\nok 1 a\n    KTAP version 1\n    # Subtest: b\n    1..1\n    # one: a remark\n    ok 1 one\nok 2 b\nreboot: System halted\n";

    #[test]
    fn every_test_is_told_with_its_suite() {
        let results = read(GOOD).unwrap();
        assert_eq!(results.passed, ["a: one", "a: two", "b: one"]);
        assert!(results.failed.is_empty());
    }

    #[test]
    fn a_failed_and_a_skipped_test_are_failures() {
        let failed = GOOD.replace("    ok 2 two", "    not ok 2 two").replace("ok 1 a", "not ok 1 a");
        assert_eq!(read(&failed).unwrap().failed, ["a: two"]);
        let skipped = GOOD.replace("    ok 2 two", "    ok 2 two # SKIP no reason");
        assert_eq!(read(&skipped).unwrap().failed, ["a: two # SKIP no reason"]);
        let suite = GOOD.replace("\nok 2 b", "\nnot ok 2 b");
        assert_eq!(read(&suite).unwrap().failed, ["b: the suite itself"]);
    }

    #[test]
    fn a_kernel_that_ends_early_or_runs_nothing_is_an_error() {
        for cut in ["    ok 2 two\n", "ok 2 b\n", "    1..1\n"] {
            assert!(read(&GOOD.replace(cut, "")).is_err(), "without {cut}");
        }
        assert!(read(GOOD.split_once("ok 1 a").unwrap().0).is_err());
        assert!(read("Linux version 6.12\n").is_err());
        assert!(read("KTAP version 1\n1..0\n").is_err());
    }
}
