//! The programs that prepare a destination in the field: partition table and file systems. Other people's, built from Debian's
//! sources as static binaries against musl, a quarter of what glibc would make of them; what was built stays in the user's cache.

use crate::error::{Doing, Result, XtaskError};
use crate::kernel_build::{BUILD_TIME, show_end_of, tool_version};
use crate::process::{Program, jobs};
use crate::source_packages::{self, SourceFile, SourcePackage};
use crate::workspace;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Changes when the code in this file builds otherwise, so that older results are not taken for its own.
const RECIPE: &str = "1";

/// Largest size of all of them together, in bytes: they share a small medium with the tools.
const SIZE_LIMIT: u64 = 3 << 20;

/// How one program is made.
#[derive(Debug)]
struct Recipe {
    /// Name of the program, in the cache and in the image.
    name: &'static str,
    /// What it is called by, too.
    other_names: &'static [&'static str],
    /// Debian's source package.
    source: &'static str,
    /// Licences of the program and of all that is linked into it, musl included, as an SPDX expression.
    licence: &'static str,
    /// Whether the authors' archive lacks `configure`.
    without_configure: bool,
    options: &'static [&'static str],
    /// What make is told, one run after the other.
    targets: &'static [&'static [&'static str]],
    /// What comes out, below the tree.
    result: &'static str,
}

const RECIPES: [Recipe; 4] = [
    Recipe {
        name: "mke2fs",
        other_names: &["mkfs.ext2", "mkfs.ext3", "mkfs.ext4"],
        source: "e2fsprogs",
        licence: "GPL-2.0-only AND LGPL-2.0-only AND BSD-3-Clause AND MIT",
        without_configure: false,
        options: &[
            "--disable-nls",
            "--disable-backtrace",
            "--disable-debugfs",
            "--disable-defrag",
            "--disable-e2initrd-helper",
            "--disable-fuse2fs",
            "--disable-imager",
            "--disable-resizer",
            "--disable-tdb",
            "--disable-uuidd",
            // Its own; the host's are glibc's.
            "--enable-libblkid",
            "--enable-libuuid",
        ],
        targets: &[&["libs"], &["-C", "misc", "mke2fs"]],
        result: "misc/mke2fs",
    },
    Recipe {
        name: "mkfs.exfat",
        other_names: &[],
        source: "exfatprogs",
        licence: "GPL-2.0-or-later AND MIT",
        without_configure: false,
        options: &["--disable-dependency-tracking"],
        targets: &[&["-C", "lib"], &["-C", "mkfs"]],
        result: "mkfs/mkfs.exfat",
    },
    Recipe {
        name: "mkntfs",
        other_names: &["mkfs.ntfs"],
        source: "ntfs-3g",
        licence: "GPL-2.0-or-later AND LGPL-2.0-or-later AND MIT",
        without_configure: true,
        options: &[
            "--disable-dependency-tracking",
            "--disable-crypto",
            "--disable-ldconfig",
            "--disable-ntfs-3g",
            "--disable-plugins",
            "--disable-shared",
        ],
        targets: &[&["-C", "libntfs-3g"], &["-C", "ntfsprogs", "mkntfs"]],
        result: "ntfsprogs/mkntfs",
    },
    Recipe {
        name: "sfdisk",
        other_names: &[],
        source: "util-linux",
        licence: "GPL-2.0-or-later AND LGPL-2.1-or-later AND BSD-3-Clause AND MIT",
        without_configure: false,
        options: &[
            "--disable-dependency-tracking",
            "--disable-all-programs",
            "--disable-asciidoc",
            "--disable-bash-completion",
            "--disable-nls",
            "--disable-shared",
            "--enable-libblkid",
            "--enable-libfdisk",
            "--enable-libsmartcols",
            "--enable-libuuid",
            // Those that can be built: cfdisk, which belongs to them, needs a library for the screen.
            "--enable-fdisks=check",
            "--enable-static-programs=sfdisk",
            "--without-ncurses",
            "--without-ncursesw",
            "--without-python",
            "--without-readline",
            "--without-systemd",
            "--without-tinfo",
            "--without-udev",
        ],
        targets: &[&["sfdisk.static"]],
        result: "sfdisk.static",
    },
];

/// What the compiler is always told. Sections of their own let the linker drop what nothing calls; no path, build number or
/// version of the compiler gets into a program, so that the same inputs give the same bytes in any folder.
const COMPILER_OPTIONS: &str = "-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-ident \
     -Wl,--gc-sections -Wl,--build-id=none";

/// The kernel's headers, which musl does not bring; its own have precedence.
const KERNEL_HEADERS: [(&str, &str); 4] = [
    ("asm", "/usr/include/x86_64-linux-gnu/asm"),
    ("asm-generic", "/usr/include/asm-generic"),
    ("linux", "/usr/include/linux"),
    ("mtd", "/usr/include/mtd"),
];

/// Packages whose version decides what comes out, beside compiler and linker.
const PACKAGES_OF_THE_BUILD: [&str; 5] = ["musl-dev", "linux-libc-dev", "autoconf", "automake", "libtool"];

/// One finished program, and what it was made from.
#[derive(Serialize)]
pub struct DiskProgram {
    /// Its name in the image's bin.
    pub name: &'static str,
    /// Links to it beside it.
    pub other_names: &'static [&'static str],
    /// SHA-256 of the program, in hexadecimal.
    pub sha256: String,
    /// SPDX expression over the program and all that is linked into it.
    pub licence: &'static str,
    /// Debian's source package.
    pub source_package: &'static str,
    /// Version of the source package.
    pub source_version: String,
    /// The source package's files.
    pub source_files: Vec<SourceFile>,
    /// The program itself.
    #[serde(skip)]
    pub path: PathBuf,
}

/// Says in the folder of the programs that a second build gave the same.
const COMPARED_MARK: &str = "permafrost-compared";

/// The programs in the cache, and what they were built from.
pub struct Kept {
    sources: Vec<SourcePackage>,
    folder: PathBuf,
}

/// Builds the programs, or finds them built.
pub fn keep() -> Result<Kept> {
    let sources = source_packages::obtain(&RECIPES.map(|recipe| recipe.source))?;
    let key = input_hash(&sources)?;
    let folder = workspace::cache()?.join(format!("disk-programs-{}", key.get(..16).unwrap_or(&key)));
    if !folder.exists() {
        build_all(&sources, &folder)?;
    }
    Ok(Kept { sources, folder })
}

impl Kept {
    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Their names there.
    pub fn names() -> Vec<String> {
        RECIPES.iter().map(|recipe| recipe.name.to_owned()).collect()
    }

    /// True once a second build gave the same programs.
    pub fn was_compared(&self) -> bool {
        self.folder.join(COMPARED_MARK).exists()
    }

    /// Keeps in mind that a second build gave the same programs.
    pub fn mark_as_compared(&self) -> Result<()> {
        workspace::write(&self.folder.join(COMPARED_MARK), [])
    }

    /// Builds them once more, in a folder of its own, to `folder`, which must not be there.
    pub fn build_again(&self, folder: &Path) -> Result<()> {
        build_all(&self.sources, folder)
    }
}

/// Builds the programs, or finds them built, and copies them to `target/permafrost/disk-programs`.
///
/// What it returns says all that a list of the image's contents needs: name, licence, source with version and SHA-256.
pub fn obtain() -> Result<Vec<DiskProgram>> {
    let Kept { sources, folder: built } = keep()?;
    let folder = workspace::outputs()?.join("disk-programs");
    workspace::make_folder(&folder)?;
    let mut programs = Vec::new();
    for (recipe, source) in RECIPES.iter().zip(sources) {
        let path = folder.join(recipe.name);
        workspace::copy(&built.join(recipe.name), &path)?;
        programs.push(DiskProgram {
            name: recipe.name,
            other_names: recipe.other_names,
            sha256: workspace::sha256_of_file(&path)?,
            licence: recipe.licence,
            source_package: source.name,
            source_version: source.version,
            source_files: source.files,
            path,
        });
    }
    Ok(programs)
}

/// Everything that decides what the compiler puts out.
fn input_hash(sources: &[SourcePackage]) -> Result<String> {
    let mut parts = vec![
        RECIPE.to_owned(),
        format!("{RECIPES:?} {COMPILER_OPTIONS} {BUILD_TIME}"),
        tool_version("gcc")?,
        tool_version("ld")?,
    ];
    for package in PACKAGES_OF_THE_BUILD {
        parts.push(Program::new("dpkg-query").args(["-W", "-f", "${Version}", package]).read()?);
    }
    parts.extend(sources.iter().flat_map(|source| &source.files).map(|file| file.sha256.clone()));
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    Ok(workspace::hex(&hash.finalize()))
}

/// Builds all side by side: half of the time goes into `configure`, which does one thing at a time.
fn build_all(sources: &[SourcePackage], to: &Path) -> Result<()> {
    let cache = workspace::cache()?;
    let work = tempfile::tempdir_in(&cache).doing(|| format!("making a folder in {}", cache.display()))?;
    let compiler = make_compiler(work.path())?;
    let finished = work.path().join("finished");
    workspace::make_folder(&finished)?;
    eprintln!("    building {} with {} jobs", RECIPES.map(|recipe| recipe.name).join(", "), jobs());
    std::thread::scope(|scope| {
        let builds: Vec<_> = RECIPES
            .iter()
            .zip(sources)
            .map(|(recipe, source)| {
                let (compiler, finished) = (&compiler, finished.join(recipe.name));
                let tree = work.path().join(recipe.source);
                scope.spawn(move || recipe.build(source, &tree, compiler, &finished))
            })
            .collect();
        builds.into_iter().try_for_each(|build| {
            build.join().unwrap_or_else(|_| Err(XtaskError::Unfit("a build ended early".to_owned())))
        })
    })?;
    let mut size = 0_u64;
    for recipe in &RECIPES {
        let path = finished.join(recipe.name);
        let length = fs::metadata(&path).doing(|| format!("looking at {}", path.display()))?.len();
        size = size.saturating_add(length);
    }
    if size > SIZE_LIMIT {
        return Err(XtaskError::Unfit(format!(
            "the disk programs have {size} bytes, more than {SIZE_LIMIT}"
        )));
    }
    // Last, so that a folder of this name always holds all of them.
    fs::rename(&finished, to).doing(|| format!("keeping {}", to.display()))
}

/// Writes a compiler that links statically whatever libtool, which takes `-static` for a word of its own, makes of it.
fn make_compiler(work: &Path) -> Result<PathBuf> {
    let headers = work.join("kernel-headers");
    workspace::make_folder(&headers)?;
    for (name, target) in KERNEL_HEADERS {
        let link = headers.join(name);
        std::os::unix::fs::symlink(target, &link).doing(|| format!("making {}", link.display()))?;
    }
    let compiler = work.join("cc");
    let script = format!(
        "#!/bin/sh\nexec musl-gcc {COMPILER_OPTIONS} -ffile-prefix-map={}=/permafrost \"$@\" -idirafter {} -static\n",
        work.display(),
        headers.display()
    );
    workspace::write(&compiler, script)?;
    Program::new("chmod").arg("755").arg(&compiler).run()?;
    Ok(compiler)
}

impl Recipe {
    /// Makes the program of `source` in `tree` and leaves it at `to`.
    fn build(&self, source: &SourcePackage, tree: &Path, compiler: &Path, to: &Path) -> Result<()> {
        source.unpack(tree)?;
        let log = workspace::outputs()?.join(format!("{}-build.log", self.name));
        let run = |program: Program| {
            let outcome = program
                .in_folder(tree)
                .env("SOURCE_DATE_EPOCH", BUILD_TIME.to_string())
                // Nothing of the host's own settings and libraries may be found.
                .env("CONFIG_SITE", "/dev/null")
                .env("PKG_CONFIG_LIBDIR", "/dev/null")
                .env("CC", compiler)
                .env("CFLAGS", "-Os")
                .env("CPPFLAGS", "")
                .env("LDFLAGS", "")
                .env("LIBS", "")
                .log_to(&log)?
                .run();
            if outcome.is_err() {
                show_end_of(&log)?;
            }
            outcome
        };
        if self.without_configure {
            run(Program::new("autoreconf").args(["--force", "--install"]))?;
        }
        run(Program::new("./configure").args(self.options))?;
        for target in self.targets {
            run(Program::new("make").args(*target))?;
        }
        run(Program::new("strip").arg("--strip-all").arg("-o").arg(to).arg(self.result))?;
        let segments = Program::new("readelf").args(["--program-headers", "--wide"]).arg(to).read()?;
        if segments.contains("INTERP") || segments.contains("DYNAMIC") {
            return Err(XtaskError::Unfit(format!("{} is not static", self.name)));
        }
        Ok(())
    }
}
