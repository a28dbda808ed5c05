//! The binaries run on any x86-64 Linux, because they need nothing
//! beside themselves: static, stripped, and small enough to be carried anywhere.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use harness::artifacts::Artifacts;

const TOOLS: [&str; 10] = [
    "pf-init",
    "pf-guard",
    "pf-devices",
    "pf-acquire",
    "pf-verify",
    "pf-convert",
    "pf-net",
    "pf-prove",
    "pf-record",
    "pf-console",
];
const LARGEST: usize = 4 << 20;

/// ELF-64 as the System V ABI lays it out (gABI 4.1, chapters 4 and 5), little endian.
struct Elf(Vec<u8>);

impl Elf {
    fn of(tool: &str) -> Self {
        let path = Artifacts::of_this_build().binary(tool).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(&bytes[..6], b"\x7fELF\x02\x01", "{tool} is no little-endian ELF-64 file");
        assert_eq!(bytes[18], 62, "{tool} is not for x86-64");
        Elf(bytes)
    }

    fn number(&self, at: usize, bytes: usize) -> usize {
        self.0[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    }

    /// Types of all program headers.
    fn segments(&self) -> Vec<usize> {
        let (start, size, count) = (self.number(32, 8), self.number(54, 2), self.number(56, 2));
        (0..count).map(|index| self.number(start + index * size, 4)).collect()
    }

    /// Types of all sections.
    fn sections(&self) -> Vec<usize> {
        let (start, size, count) = (self.number(40, 8), self.number(58, 2), self.number(60, 2));
        (0..count).map(|index| self.number(start + index * size + 4, 4)).collect()
    }

    /// Tags of the dynamic section, which a static position-independent program has too.
    fn dynamic_tags(&self) -> Vec<usize> {
        const DYNAMIC: usize = 2;
        let (start, size, count) = (self.number(32, 8), self.number(54, 2), self.number(56, 2));
        let header = (0..count).map(|index| start + index * size).find(|at| self.number(*at, 4) == DYNAMIC);
        header.map_or(Vec::new(), |at| {
            let (offset, bytes) = (self.number(at + 8, 8), self.number(at + 32, 8));
            (0..bytes / 16)
                .map(|index| self.number(offset + 16 * index, 8))
                .take_while(|tag| *tag != 0)
                .collect()
        })
    }
}

#[test]
fn no_tool_needs_a_loader_or_a_library() {
    const INTERPRETER: usize = 3;
    const NEEDED: usize = 1;
    for tool in TOOLS {
        let elf = Elf::of(tool);
        assert!(!elf.segments().is_empty(), "{tool} has no program headers");
        assert!(!elf.segments().contains(&INTERPRETER), "{tool} asks for a dynamic loader");
        assert!(!elf.dynamic_tags().contains(&NEEDED), "{tool} asks for a shared library");
    }
}

#[test]
fn every_tool_is_stripped_and_small() {
    const SYMBOL_TABLE: usize = 2;
    for tool in TOOLS {
        let elf = Elf::of(tool);
        assert!(!elf.sections().contains(&SYMBOL_TABLE), "{tool} carries a symbol table");
        assert!(elf.0.len() <= LARGEST, "{tool} has {} bytes, more than {LARGEST}", elf.0.len());
    }
}
