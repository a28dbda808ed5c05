//! Which consoles there are: the machine's screen and the serial lines that the kernel was told of.

use std::path::{Path, PathBuf};

/// The screen has as many as one changes between with Alt-F1, Alt-F2.
const SCREENS: [&str; 2] = ["tty1", SECOND_SCREEN];
const SECOND_SCREEN: &str = "tty2";

/// A place for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Console {
    /// The device node.
    pub(crate) node: PathBuf,
    /// A virtual terminal on the machine's own screen; otherwise a line to somewhere else.
    pub(crate) is_screen: bool,
}

impl Console {
    /// The one behind Alt-F2: a shell stays there, whatever the first screen shows.
    pub(crate) fn is_second_screen(&self) -> bool {
        self.node.ends_with(SECOND_SCREEN)
    }

    /// What the terminal at the other end understands; of a serial line only the least is known.
    pub(crate) fn terminal_type(&self) -> &'static str {
        if self.is_screen { "linux" } else { "vt102" }
    }
}

/// The screen's consoles, then the serial ones of the kernel's list of active consoles and of its command line.
pub(crate) fn all(sys: &Path, command_line: &Path, dev: &Path) -> Vec<Console> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let serial = serial_names(&read(&sys.join("class/tty/console/active")), &read(command_line));
    let screens = SCREENS.iter().map(|name| (name.to_string(), true));
    screens
        .chain(serial.into_iter().filter(|name| has_hardware(sys, name)).map(|name| (name, false)))
        .map(|(name, is_screen)| Console { node: dev.join(name), is_screen })
        .filter(|console| console.node.exists())
        .collect()
}

/// Names of consoles that are not the screen, each once, in the order of the lists.
fn serial_names(active: &str, command_line: &str) -> Vec<String> {
    let named = command_line.split_whitespace().filter_map(|word| word.strip_prefix("console="));
    let mut names: Vec<String> = Vec::new();
    for word in active.split_whitespace().chain(named) {
        // "ttyS0,115200n8": the node's name ends at the comma (Documentation/admin-guide/serial-console.rst).
        let name = word.split(',').next().unwrap_or_default();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric()) && !name.is_empty();
        // tty0 is the screen in view, tty1 … its terminals; "null" is the console that swallows.
        let is_screen =
            name.strip_prefix("tty").is_some_and(|n| n.is_empty() || n.bytes().all(|b| b.is_ascii_digit()));
        if is_name && !is_screen && name != "null" && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The 8250 driver makes nodes for ports the machine may not have; their type is 0, `PORT_UNKNOWN` of linux/serial_core.h.
fn has_hardware(sys: &Path, name: &str) -> bool {
    std::fs::read_to_string(sys.join("class/tty").join(name).join("type"))
        .map_or(true, |kind| kind.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_consoles_are_taken_from_both_lists_once() {
        assert_eq!(
            serial_names("tty0 ttyS0\n", "quiet console=tty0 console=ttyS0,115200 console=hvc0"),
            ["ttyS0", "hvc0"]
        );
        assert_eq!(serial_names("", "console=ttyS1,9600n8r"), ["ttyS1"]);
        let nothing = serial_names(
            "tty0",
            "console=tty1 console= console=null console=../../sda xconsole=ttyS9 console",
        );
        assert_eq!(nothing, [""; 0]);
    }

    #[test]
    fn only_consoles_with_node_and_hardware_get_a_shell() {
        let root = tempfile::tempdir().unwrap();
        let (sys, dev) = (root.path().join("sys"), root.path().join("dev"));
        std::fs::create_dir_all(sys.join("class/tty/console")).unwrap();
        std::fs::create_dir_all(sys.join("class/tty/ttyS0")).unwrap();
        std::fs::create_dir_all(&dev).unwrap();
        std::fs::write(sys.join("class/tty/console/active"), "tty0 ttyS0 ttyS1 hvc0\n").unwrap();
        for node in ["tty1", "ttyS0", "ttyS1"] {
            std::fs::write(dev.join(node), "").unwrap();
        }
        let told = |sys: &Path| -> Vec<(PathBuf, &str)> {
            let consoles = all(sys, &root.path().join("cmdline"), &dev);
            consoles.iter().map(|c| (c.node.clone(), c.terminal_type())).collect()
        };
        let with_port =
            vec![(dev.join("tty1"), "linux"), (dev.join("ttyS0"), "vt102"), (dev.join("ttyS1"), "vt102")];
        assert_eq!(told(&sys), with_port);
        std::fs::write(sys.join("class/tty/ttyS0/type"), "0\n").unwrap();
        assert_eq!(told(&sys), [with_port[0].clone(), with_port[2].clone()]);
    }
}
