//! What the image was made from, but for the crates.

use crate::console_font;
use crate::debian_packages::STATIC_TARGET;
use crate::disk_programs::DiskProgram;
use crate::error::{Result, XtaskError};
use crate::kernel_build::CompiledKernel;
use crate::kernel_source::{self, KernelSource};
use crate::keymaps;
use crate::manifest;
use crate::process::Program;
use crate::workspace;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The package that the loader for BIOS is put together from.
pub const BIOS_LOADER: &str = "grub-pc-bin";

/// Licences of the programs, by the copyright files of Debian's busybox, grub2, shim, unifont and xkb-data; those of signed
/// packages tell only who packed them. What is linked in counts too: the C library in busybox, OpenSSL in shim and MokManager.
const LICENCES: [(&str, &str); 8] = [
    ("busybox-static", "GPL-2.0-only AND LGPL-2.1-or-later"),
    (BIOS_LOADER, "GPL-3.0-or-later"),
    ("grub-efi-amd64-bin", "GPL-3.0-or-later"),
    ("grub-efi-amd64-signed", "GPL-3.0-or-later"),
    ("shim-signed", "BSD-2-Clause AND OpenSSL"),
    ("shim-helpers-amd64-signed", "BSD-2-Clause AND OpenSSL"),
    (console_font::PACKAGE, "OFL-1.1 OR GPL-2.0-or-later WITH Font-exception-2.0"),
    (
        keymaps::PACKAGE,
        "MIT AND X11 AND HPND AND HPND-sell-variant AND MIT-open-group AND xkeyboard-config-Zinoviev",
    ),
];

/// Something with a version and a licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Its name where it comes from.
    pub name: String,
    /// Its version there.
    pub version: String,
    /// Its licence as it states it, an SPDX expression.
    pub licence: Option<String>,
    /// Where it is to be had.
    pub download: Option<String>,
    /// SHA-256 of what is had from there.
    pub sha256: Option<String>,
    /// Package URL (<https://github.com/package-url/purl-spec>).
    pub package_url: Option<String>,
    /// What else identifies its source.
    pub source: Option<String>,
}

/// A package of Debian, whose files are in the image.
pub struct DebianPackage {
    /// What it is.
    pub component: Component,
    /// SHA-256 of each of its files.
    pub files: BTreeSet<String>,
}

/// Packages whose files are in the image, as they are installed here.
pub fn debian_packages() -> Result<Vec<DebianPackage>> {
    manifest::PACKAGES_IN_IMAGE.iter().map(|name| debian_package(name)).collect()
}

fn debian_package(name: &str) -> Result<DebianPackage> {
    let ask = |field: &str| Program::new("dpkg-query").args(["-W", "-f", field, name]).read();
    let version = ask("${Version}")?;
    let source = format!("Debian source package {} {}", ask("${source:Package}")?, ask("${source:Version}")?);
    let built_using = ask("${Built-Using}${Static-Built-Using}")?;
    let files = Program::new("dpkg-query").args(["-L", name]).read()?;
    let files = files.lines().map(Path::new).filter(|path| path.is_file());
    Ok(DebianPackage {
        component: Component {
            name: name.to_owned(),
            licence: LICENCES.iter().find(|(of, _)| *of == name).map(|(_, licence)| (*licence).to_owned()),
            package_url: Some(format!("pkg:deb/debian/{name}@{version}?arch=amd64")),
            source: Some(match built_using.as_str() {
                "" => source,
                with => format!("{source}, built with the sources of {with}"),
            }),
            version,
            ..Component::default()
        },
        files: files.map(workspace::sha256_of_file).collect::<Result<_>>()?,
    })
}

/// A program that prepares a destination, built from a source package of Debian.
pub fn disk_program(made: &DiskProgram) -> Component {
    let files: Vec<String> =
        made.source_files.iter().map(|file| format!("{} SHA-256 {}", file.name, file.sha256)).collect();
    Component {
        name: made.name.to_owned(),
        version: made.source_version.clone(),
        licence: Some(made.licence.to_owned()),
        package_url: Some(format!(
            "pkg:deb/debian/{}@{}?arch=source",
            made.source_package, made.source_version
        )),
        source: Some(format!("Debian source package {}: {}", made.source_package, files.join(", "))),
        ..Component::default()
    }
}

/// The tools, the texts of the image, and what puts it together.
pub fn own_sources(commit: &str) -> Component {
    Component {
        name: "permafrost".to_owned(),
        version: manifest::VERSION.to_owned(),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        source: Some(format!("commit {commit}")),
        ..Component::default()
    }
}

/// What of ours is compiled into the kernel.
pub fn guard_sources(commit: &str, kernel: &CompiledKernel) -> Component {
    Component {
        name: "permafrost-evidence-guard".to_owned(),
        version: manifest::VERSION.to_owned(),
        licence: Some("GPL-2.0-only".to_owned()),
        source: Some(format!(
            "kernel-config at commit {commit}; SHA-256 of the kernel's configuration {}; hash of all that its objects depend on {}",
            kernel.config_sha256, kernel.key
        )),
        ..Component::default()
    }
}

/// Debian's kernel source.
pub fn kernel_source(source: &KernelSource) -> Component {
    let (name, version) = (kernel_source::PACKAGE, &source.version);
    Component {
        name: name.to_owned(),
        version: version.clone(),
        licence: Some("GPL-2.0-only WITH Linux-syscall-note".to_owned()),
        sha256: Some(source.sha256.clone()),
        package_url: Some(format!("pkg:deb/debian/{name}@{version}?arch=all")),
        source: Some(format!("Debian package {name}, its file's SHA-256 beside")),
        ..Component::default()
    }
}

/// The compiler of the toolchain that builds everything here.
fn rustc() -> Program {
    let beside_cargo = Path::new(env!("CARGO")).with_file_name("rustc");
    if beside_cargo.exists() { Program::new(beside_cargo) } else { Program::new("rustc") }
}

/// What Rust's compiler links into every program.
pub fn rust_standard_library() -> Result<Component> {
    let said = rustc().arg("-vV").read()?;
    let line = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
    Ok(Component {
        name: "rust-std".to_owned(),
        version: line("release:").to_owned(),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        download: Some(format!(
            "https://static.rust-lang.org/dist/rust-std-{}-{STATIC_TARGET}.tar.xz",
            line("release:")
        )),
        source: Some(format!(
            "rustc {}, commit {}; with what its standard library links: compiler-builtins, and LLVM's libunwind under Apache-2.0 \
             WITH LLVM-exception",
            line("release:"),
            line("commit-hash:")
        )),
        ..Component::default()
    })
}

/// The C library inside Rust's own standard library, which says its version in its code (`__libc_version`).
pub fn musl() -> Result<Component> {
    let said = rustc().args(["--print", "sysroot"]).read()?;
    let library =
        PathBuf::from(said.trim()).join("lib/rustlib").join(STATIC_TARGET).join("lib/self-contained/libc.a");
    let version = musl_version(&workspace::read(&library)?).ok_or_else(|| {
        XtaskError::Unfit(format!("{} does not say which version of musl it is", library.display()))
    })?;
    Ok(Component {
        name: "musl".to_owned(),
        licence: Some("MIT".to_owned()),
        download: Some(format!("https://musl.libc.org/releases/musl-{version}.tar.gz")),
        source: Some("as Rust's standard library brings it along".to_owned()),
        version,
        ..Component::default()
    })
}

/// A text of the form 1.2.5 between two zero bytes.
fn musl_version(library: &[u8]) -> Option<String> {
    library.split(|byte| *byte == 0).find_map(|text| {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() < 12)?;
        let mut parts = text.split('.');
        let [one, two, three] = [parts.next()?, parts.next()?, parts.next()?];
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole = one == "1" && is_number(two) && is_number(three) && parts.next().is_none();
        whole.then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_c_library_is_found_among_other_texts() {
        assert_eq!(musl_version(b"\x7f\0v1.2.3\0 1.2.4\x001.2.5\0").as_deref(), Some("1.2.5"));
        assert_eq!(musl_version(b"\x002.36.0\x001.2\x001.2.3.4\0"), None);
    }
}
