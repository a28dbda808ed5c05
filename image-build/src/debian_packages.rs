//! Debian packages that the chores rest on, and their installation.

use crate::error::{Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use std::path::Path;

/// What a package is needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Compiling the kernel and making the image.
    Build,
    /// Signing the kernel for Secure Boot.
    Sign,
    /// Booting the image and checking it from outside.
    Emulate,
    /// The tests beside the code, with other people's programs as witnesses.
    Test,
    /// The programs that the bench compares with.
    Bench,
}

struct Package {
    name: &'static str,
    need: Need,
    why: &'static str,
}

const fn build(name: &'static str, why: &'static str) -> Package {
    Package { name, need: Need::Build, why }
}

const fn sign(name: &'static str, why: &'static str) -> Package {
    Package { name, need: Need::Sign, why }
}

const fn emulate(name: &'static str, why: &'static str) -> Package {
    Package { name, need: Need::Emulate, why }
}

const fn test(name: &'static str, why: &'static str) -> Package {
    Package { name, need: Need::Test, why }
}

const fn bench(name: &'static str, why: &'static str) -> Package {
    Package { name, need: Need::Bench, why }
}

const PACKAGES: &[Package] = &[
    build("build-essential", "compiler and make for the kernel"),
    build("git", "names the commit that is built, and clones it for the second build"),
    build("bc", "kernel build"),
    build("bison", "kernel configuration"),
    build("flex", "kernel configuration"),
    build("libelf-dev", "kernel build (objtool)"),
    build("libssl-dev", "kernel build"),
    build("kmod", "kernel build"),
    build("rsync", "kernel build"),
    build("xz-utils", "unpacking the kernel source"),
    build("zstd", "compressing the kernel"),
    build("patch", "hook lines of the guard"),
    build("python3-minimal", "kernel build"),
    build("busybox-static", "the shell of the image"),
    build("unifont", "letters and Chinese characters of the console"),
    build("xkb-data", "keyboard layouts of the image"),
    build("kbd", "the same: writes them down for the kernel"),
    build("musl-tools", "static programs that prepare a destination"),
    build("autoconf", "the same: mkntfs"),
    build("automake", "the same: mkntfs"),
    build("libtool", "the same: mkntfs"),
    build("pkgconf", "the same: mkntfs"),
    build("grub-common", "boot loader of the image"),
    build("grub-pc-bin", "boot loader for BIOS"),
    build("grub-efi-amd64-bin", "the signed boot loader's module that checks files"),
    build("grub-efi-amd64-signed", "signed boot loader for UEFI"),
    build("shim-signed", "first stage of UEFI Secure Boot"),
    build("shim-helpers-amd64-signed", "what UEFI Secure Boot enrols keys with"),
    build("mtools", "the EFI system partition, and FAT test disks"),
    build("xorriso", "the hybrid ISO"),
    sign("datefudge", "signatures that do not change with the hour"),
    sign("openssl", "reading keys and certificates"),
    sign("sbsigntool", "signatures that UEFI and shim check"),
    emulate("adjtimex", "telling the kernel that its clock is right, which lets it set the clock chip"),
    emulate("ethtool", "writing a network adapter's memory, tried by a stranger"),
    emulate("faketime", "a time server whose clock is off by a known time"),
    emulate("ovmf", "UEFI firmware of the emulator"),
    emulate("fdisk", "partition tables of test disks"),
    emulate("e2fsprogs", "ext4 on test disks, with a dirty journal"),
    emulate("ntfs-3g", "NTFS on test disks"),
    emulate("dosfstools", "FAT on test disks"),
    emulate("hdparm", "second opinion on what ATA disks say of themselves"),
    emulate("btrfs-progs", "Btrfs on scratch disks and its signatures"),
    emulate("exfatprogs", "exFAT on scratch disks and its signatures"),
    emulate("f2fs-tools", "F2FS on scratch disks and its signatures"),
    emulate("xfsprogs", "XFS on scratch disks and its signatures"),
    emulate("sg3-utils", "raw SCSI commands, sent by a stranger"),
    emulate("nvme-cli", "raw NVMe commands, sent by a stranger"),
    emulate("ewf-tools", "second reader of E01 images"),
    emulate("gddrescue", "the reference for recovery of failing disks and for map files"),
    emulate("nbdkit", "a disk that gets worse as it is read"),
    emulate("sleuthkit", "second reader of E01 images and the file systems inside"),
    emulate("libarchive-tools", "takes the image apart, to hold it against its bill of materials"),
    emulate("python3-venv", "the validator of the bill of materials"),
    emulate("tcpdump", "reads every frame that left the machine"),
    emulate("swtpm", "a TPM of the emulator, whose log tells each command"),
    emulate("tpm2-tools", "second reader of the log of a measured boot"),
    bench("build-essential", "compiling libewf"),
    bench("zlib1g-dev", "compiling libewf"),
    bench("python3-pip", "fetching libewf"),
    bench("dc3dd", "imaging to raw"),
    bench("dcfldd", "imaging to raw"),
    bench("e2fsprogs", "file systems to be imaged"),
    bench("ewf-tools", "imaging to E01"),
    bench("gddrescue", "imaging to raw without hashes"),
    test("b3sum", "second opinion on BLAKE3 and on leaves of the hash tree"),
    test("binutils", "second opinion on static binaries"),
    test("chromium", "shows the pages made of a record: complaints, requests to the network"),
    test("cryptsetup-bin", "LUKS signatures"),
    test("fish", "reads its completions"),
    test("fuse3", "files that fail, for recovery to be tested on"),
    test("gdisk", "second opinion on partition tables"),
    test("jq", "second reader of the record"),
    test("libxml2-utils", "second reader of DFXML, validator of its schema"),
    test("lvm2", "LVM signatures, second reader of volume groups"),
    test("man-db", "shows man pages, and complains of them"),
    test("mandoc", "second opinion on man pages"),
    test("mdadm", "RAID signatures, second reader of RAID members"),
    test("openssl", "second opinion on keys and signatures of records, and on SM3 and SHA-3"),
    test("python3-venv", "readers of images and validators of schemas from PyPI"),
    test("sparse", "checking the guard's C"),
    test("unzip", "second opinion on the members of AFF4 volumes"),
    test("udftools", "UDF signatures"),
    test("zsh", "reads its completions"),
];

/// The emulator comes from backports on Debian 12, whose own 7.2 lacks UFS.
const EMULATOR: &[&str] = &["qemu-system-x86", "qemu-utils"];

/// The oldest emulator that has every device model the tests plug in.
const EMULATOR_MAJOR: u32 = 10;

const BACKPORTS: &str = "/etc/apt/sources.list.d/permafrost-backports.sources";

/// Installs what is missing for `needs`, saying what and why.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Package> =
        PACKAGES.iter().filter(|p| needs.contains(&p.need) && !installed(p.name)).collect();
    let emulator_missing = needs.contains(&Need::Emulate) && !emulator_is_recent();
    if missing.is_empty() && !emulator_missing {
        return Ok(());
    }

    for package in &missing {
        eprintln!("    needs {}: {}", package.name, package.why);
    }
    if emulator_missing {
        eprintln!("    needs {}: emulator {EMULATOR_MAJOR} or newer", EMULATOR.join(", "));
        add_backports()?;
    }
    refresh_lists()?;
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|p| p.name).collect();
        install_beside_backports(&names)?;
    }
    if emulator_missing {
        let release = format!("{}-backports", codename()?);
        let from: &[&str] = if Path::new(BACKPORTS).exists() { &["-t", &release] } else { &[] };
        install(EMULATOR, from)?;
        if !emulator_is_recent() {
            return Err(XtaskError::Unfit(format!(
                "qemu-system-x86_64 is still older than {EMULATOR_MAJOR}: install a newer one by hand"
            )));
        }
    }
    Ok(())
}

/// Folders of documentation and other languages, which slim systems leave out; no file of them is ever taken.
const NOT_TAKEN: [&str; 6] = ["doc", "man", "info", "locale", "lintian", "bug"];

/// Refuses packages whose installed files are no longer those that came in them.
pub fn demand_unchanged(packages: &[&str]) -> Result<()> {
    for package in packages {
        let said = Program::new("dpkg").args(["--verify", package]).read()?;
        if let Some((how, path)) = said.lines().find_map(complaint) {
            return Err(XtaskError::Unfit(format!(
                "{path} of the package {package} is {how} on this machine: apt-get install --reinstall {package}"
            )));
        }
    }
    Ok(())
}

/// How and where an installed file is not as it came, by a line of `dpkg --verify`: `??5?????? c /path` or `missing     /path`.
/// Settings (`c`) are there to be changed, and go into no image.
fn complaint(line: &str) -> Option<(&'static str, &str)> {
    let (signs, path) = line.split_at_checked(line.find('/')?)?;
    let setting = signs.split_whitespace().nth(1) == Some("c");
    let not_taken = NOT_TAKEN.iter().any(|folder| path.starts_with(&format!("/usr/share/{folder}/")));
    let how = if signs.starts_with("missing") { "missing" } else { "changed" };
    (!setting && !not_taken).then_some((how, path))
}

/// Reads the archive's list of packages anew.
pub fn refresh_lists() -> Result<()> {
    apt_get(&["update", "-q"])
}

/// Makes the target that static binaries are built for known to the Rust toolchain.
pub fn ensure_static_target() -> Result<()> {
    let installed = Program::new("rustup").args(["target", "list", "--installed"]).read();
    match installed {
        Ok(list) if list.lines().any(|line| line == STATIC_TARGET) => Ok(()),
        Ok(_) => {
            eprintln!("    needs the Rust target {STATIC_TARGET}: static binaries");
            Program::new("rustup").args(["target", "add", STATIC_TARGET]).run()
        }
        // A toolchain that did not come by rustup has the target or not; the build itself will tell.
        Err(_) => Ok(()),
    }
}

/// Binaries of this target need nothing at run time but a kernel.
pub const STATIC_TARGET: &str = "x86_64-unknown-linux-musl";

fn installed(package: &str) -> bool {
    Program::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status}", package])
        .read()
        .is_ok_and(|status| status == "installed")
}

fn emulator_is_recent() -> bool {
    let major = Program::new("qemu-system-x86_64").arg("--version").read().ok().and_then(|said| {
        let version = said.split_whitespace().nth(3)?;
        version.split('.').next()?.parse::<u32>().ok()
    });
    major.is_some_and(|major| major >= EMULATOR_MAJOR) && installed("qemu-utils")
}

/// Installs from the release itself. Where libraries of an emulator from backports stand in the way of a -dev package,
/// which needs its library in the very same version, that package alone comes from backports too.
fn install_beside_backports(names: &[&str]) -> Result<()> {
    match install(names, &[]) {
        Err(_) if Path::new(BACKPORTS).exists() => {
            let release = format!("{}-backports", codename()?);
            let headers: Vec<&str> = names.iter().copied().filter(|name| name.ends_with("-dev")).collect();
            install(&headers, &["-t", &release])?;
            install(names, &[])
        }
        outcome => outcome,
    }
}

fn install(names: &[&str], from: &[&str]) -> Result<()> {
    let mut words = vec!["install", "-y", "-q", "--no-install-recommends"];
    words.extend(from);
    words.extend(names);
    apt_get(&words)
}

fn apt_get(words: &[&str]) -> Result<()> {
    let log = workspace::outputs()?.join("apt.log");
    as_root("apt-get")?
        .args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"])
        .args(words)
        .interactive()
        .log_to(&log)?
        .run()
}

/// `words` run as root: through sudo where the user is another.
fn as_root(program: &str) -> Result<Program> {
    let user = Program::new("id").arg("-u").read()?;
    let start = if user.trim() == "0" {
        Program::new("env")
    } else {
        eprintln!("    {program} through sudo");
        Program::new("sudo").arg("env")
    };
    // Variables do not pass through sudo, so they are given behind it.
    Ok(start.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", program]))
}

/// Code name of the Debian release, e.g. `bookworm`.
fn codename() -> Result<String> {
    let release = workspace::read_text(Path::new("/etc/os-release"))?;
    release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .ok_or_else(|| {
            XtaskError::Unfit("/etc/os-release names no VERSION_CODENAME: is this Debian?".to_owned())
        })
}

/// On Debian 12, adds the backports of the archive that the machine already uses, with the same key.
fn add_backports() -> Result<()> {
    let codename = codename()?;
    if codename != "bookworm" || Path::new(BACKPORTS).exists() {
        return Ok(());
    }
    let text = format!(
        "Types: deb\nURIs: {}\nSuites: {codename}-backports\nComponents: main\n\
         Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
        archive()?
    );
    eprintln!("    adds {BACKPORTS}: the emulator of Debian 12 itself is too old");
    let draft = workspace::outputs()?.join("permafrost-backports.sources");
    workspace::write(&draft, text)?;
    as_root("install")?.args(["-m", "644"]).arg(&draft).arg(BACKPORTS).run()
}

/// Entries of the source packages that belong to the releases of Debian that the machine's own sources name, with the archive's
/// key; those of backports are left out.
pub fn source_entries() -> Result<String> {
    let listed = Program::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI) $(CODENAME)",
            "Created-By: Packages",
            "Origin: Debian",
        ])
        .read()?;
    let mut releases: Vec<&str> = listed.lines().filter(|line| !line.ends_with("-backports")).collect();
    releases.sort_unstable();
    releases.dedup();
    let entries = releases.iter().filter_map(|release| release.split_once(' ')).map(|(archive, codename)| {
        format!(
            "Types: deb-src\nURIs: {archive}\nSuites: {codename}\nComponents: main\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
        )
    });
    Ok(entries.collect())
}

/// Address of the Debian archive, as the machine's own sources give it.
fn archive() -> Result<String> {
    let listed = Program::new("apt-get")
        .args(["indextargets", "--format", "$(CREATED_BY) $(SUITE) $(REPO_URI)", "Codename: bookworm"])
        .read()?;
    let address = listed.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "Packages").then(|| words.next_back())?
    });
    Ok(address.unwrap_or("http://deb.debian.org/debian").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_missing_file_is_told_and_left_out_documentation_is_not() {
        assert_eq!(complaint("??5??????   /bin/busybox"), Some(("changed", "/bin/busybox")));
        assert_eq!(complaint("missing     /usr/lib/shim/x.efi"), Some(("missing", "/usr/lib/shim/x.efi")));
        assert_eq!(complaint("missing     /usr/share/doc/shim-signed/copyright"), None);
        assert_eq!(complaint("??5?????? c /etc/default/grub"), None);
        assert_eq!(complaint(""), None);
    }
}
