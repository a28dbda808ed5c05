//! The kernel's configuration: fragments say what is wanted, and what came out is compared with them.

use crate::error::{Result, XtaskError};
use crate::workspace;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// One line of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Symbol with its prefix: `CONFIG_BLOCK`.
    pub symbol: String,
    /// Value as written in a `.config`; `None` for "is not set".
    pub value: Option<String>,
    /// Where it stands: `storage.config:12`.
    pub place: String,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.symbol),
            None => write!(f, "# {} is not set", self.symbol),
        }
    }
}

/// Reads all fragments in `folder`, in the order of their names.
pub fn read_fragments(folder: &Path) -> Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for name in workspace::files_below(folder)? {
        let text = workspace::read_text(&folder.join(&name))?;
        wishes.extend(parse_fragment(&name, &text)?);
    }
    contradictions(&wishes)?;
    Ok(wishes)
}

/// Reads one fragment.
pub fn read_fragment(path: &Path) -> Result<Vec<Wish>> {
    let wishes = parse_fragment(path, &workspace::read_text(path)?)?;
    contradictions(&wishes)?;
    Ok(wishes)
}

fn parse_fragment(name: &Path, text: &str) -> Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let place = format!("{}:{number}", name.display());
        match parse_line(line) {
            Some((symbol, value)) => wishes.push(Wish { symbol, value, place }),
            None if line.is_empty() || line.starts_with('#') => {}
            None => {
                return Err(XtaskError::Unfit(format!("{place}: neither an option nor a comment: {line}")));
            }
        }
    }
    Ok(wishes)
}

/// `CONFIG_A=y` or `# CONFIG_A is not set`; every other line is `None`.
fn parse_line(line: &str) -> Option<(String, Option<String>)> {
    if let Some(off) = line.strip_prefix("# ").and_then(|rest| rest.strip_suffix(" is not set")) {
        return off.starts_with("CONFIG_").then(|| (off.to_owned(), None));
    }
    let (symbol, value) = line.split_once('=')?;
    symbol.starts_with("CONFIG_").then(|| (symbol.to_owned(), Some(value.to_owned())))
}

fn contradictions(wishes: &[Wish]) -> Result<()> {
    let mut seen: HashMap<&str, &Wish> = HashMap::new();
    for wish in wishes {
        if let Some(first) = seen.insert(&wish.symbol, wish) {
            return Err(XtaskError::Unfit(format!(
                "{} is wished at {} and at {}",
                wish.symbol, first.place, wish.place
            )));
        }
    }
    Ok(())
}

/// Puts the wishes into the text of a `.config`, in place of what it says of the same symbols.
pub fn apply(config: &str, wishes: &[Wish]) -> String {
    let wished: HashMap<&str, ()> = wishes.iter().map(|wish| (wish.symbol.as_str(), ())).collect();
    let kept = config
        .lines()
        .filter(|line| parse_line(line).is_none_or(|(symbol, _)| !wished.contains_key(symbol.as_str())));
    let mut text: String = kept.map(|line| format!("{line}\n")).collect();
    text.extend(wishes.iter().map(|wish| format!("{wish}\n")));
    text
}

/// Compares the wishes with a finished `.config`. Options drop out silently when something they depend on is off, and
/// come in by themselves when something selects them.
pub fn compare(config: &str, wishes: &[Wish]) -> Result<()> {
    let actual: HashMap<String, Option<String>> = config.lines().filter_map(parse_line).collect();
    let differences: Vec<String> = wishes
        .iter()
        .filter(|wish| actual.get(&wish.symbol).cloned().flatten() != wish.value)
        .map(|wish| {
            let came = match actual.get(&wish.symbol) {
                Some(Some(value)) => format!("={value}"),
                Some(None) => "not set".to_owned(),
                None => "not offered (something it depends on is off)".to_owned(),
            };
            format!("  {}: wanted {wish}, is {came}", wish.place)
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(XtaskError::Unfit(format!(
        "the kernel's configuration is not as wanted:\n{}",
        differences.join("\n")
    )))
}

/// Where the fragments lie.
pub fn fragments() -> PathBuf {
    workspace::root().join("kernel-config/config")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(text: &str) -> Vec<Wish> {
        parse_fragment(Path::new("a.config"), text).unwrap()
    }

    #[test]
    fn an_option_that_dropped_out_is_named_with_its_place() {
        let wanted = wishes("# why\nCONFIG_A=y\n# CONFIG_B is not set\n");
        compare("CONFIG_A=y\n# CONFIG_B is not set\n", &wanted).unwrap();
        compare("CONFIG_A=y\n", &wanted).unwrap();
        let told = compare("CONFIG_B=y\n", &wanted).unwrap_err().to_string();
        assert!(told.contains("a.config:2: wanted CONFIG_A=y, is not offered"), "{told}");
        assert!(told.contains("a.config:3: wanted # CONFIG_B is not set, is =y"), "{told}");
    }

    #[test]
    fn a_value_that_is_not_the_wanted_one_is_a_difference() {
        let wanted = wishes("CONFIG_N=4\n");
        assert!(compare("CONFIG_N=8\n", &wanted).is_err());
    }

    #[test]
    fn wishes_replace_what_the_base_says() {
        let text =
            apply("CONFIG_A=m\nCONFIG_AB=y\n# CONFIG_C is not set\n", &wishes("CONFIG_A=y\nCONFIG_C=y\n"));
        assert_eq!(text, "CONFIG_AB=y\nCONFIG_A=y\nCONFIG_C=y\n");
    }

    #[test]
    fn a_symbol_wished_twice_and_a_slip_of_the_pen_are_refused() {
        assert!(contradictions(&wishes("CONFIG_A=y\n# CONFIG_A is not set\n")).is_err());
        assert!(parse_fragment(Path::new("a.config"), "CONFG_A=y\n").is_err());
    }
}
