//! The file system in memory that the image runs from: our tools, a shell, and nothing else.

use crate::console_font;
use crate::cpio::{Archive, Node};
use crate::disk_programs::DiskProgram;
use crate::error::{Result, XtaskError};
use crate::kernel_build::BUILD_TIME;
use crate::keymaps;
use crate::process::Program;
use crate::workspace;
use std::path::{Path, PathBuf};

/// From Debian's package busybox-static.
const BUSYBOX: &str = "/bin/busybox";

/// Places where file systems are mounted.
const EMPTY_FOLDERS: [&str; 7] = ["proc", "sys", "run", "tmp", "mnt", "root", "dev"];

/// The kernel opens it for init before anything can mount /dev.
const CONSOLE: Node = Node::CharDevice { major: 5, minor: 1 };

/// Programs of Rust end at once when their standard streams are closed and this is missing.
const NULL: Node = Node::CharDevice { major: 1, minor: 3 };

/// busybox's shell takes its own programs before those in PATH, and its mke2fs makes ext2 alone; a function comes before both.
/// `kbd de` loads a keyboard layout: those letters lie on the same keys of every layout that the image has, unlike those of a path.
/// Shells that are started from the first one read the file that ENV names.
const PROFILE: &str = "\
PATH=/bin\n\
PS1='permafrost:\\w\\$ '\n\
ENV=/etc/profile\n\
export PATH PS1 ENV\n\
mke2fs() { /bin/mke2fs \"$@\"; }\n\
kbd() { loadkmap <\"/usr/share/permafrost/keymaps/$1.bmap\" || ls /usr/share/permafrost/keymaps; }\n";

/// Makes the archive of the image whose release file says `release`.
pub fn assemble(tools: &[PathBuf], disk_programs: &[DiskProgram], release: &str) -> Result<Archive> {
    let mut archive = shell_and(tools)?;
    // After busybox, whose links they replace.
    for program in disk_programs {
        archive.put(&format!("bin/{}", program.name), executable(&program.path)?);
        for other in program.other_names {
            archive.put(&format!("bin/{other}"), Node::Link(program.name.to_owned()));
        }
    }
    archive.put("init", Node::Link("bin/pf-init".to_owned()));
    archive.put("etc/permafrost-release", text(release));
    archive.put("etc/profile", text(PROFILE));
    archive.put(console_font::PLACE, Node::File { mode: 0o644, content: console_font::read()? });
    for (place, content) in keymaps::make()? {
        archive.put(&place, Node::File { mode: 0o644, content });
    }
    Ok(archive)
}

/// An archive with busybox, `tools`, and what both need to run.
pub fn shell_and(tools: &[PathBuf]) -> Result<Archive> {
    let mut archive = Archive::default();
    for folder in EMPTY_FOLDERS {
        archive.put(folder, Node::Folder);
    }
    archive.put("dev/console", CONSOLE);
    archive.put("dev/null", NULL);

    archive.put("bin/busybox", executable(Path::new(BUSYBOX))?);
    let applets = Program::new(BUSYBOX).arg("--list").read()?;
    for applet in applets.lines().filter(|name| *name != "busybox") {
        archive.put(&format!("bin/{applet}"), Node::Link("busybox".to_owned()));
    }
    for tool in tools {
        let name = tool.file_name().unwrap_or_default().to_string_lossy();
        archive.put(&format!("bin/{name}"), executable(tool)?);
    }
    Ok(archive)
}

/// An archive with one program, which is process 1.
pub fn only(program: &Path) -> Result<Archive> {
    let mut archive = Archive::default();
    for folder in ["dev", "sys"] {
        archive.put(folder, Node::Folder);
    }
    archive.put("dev/console", CONSOLE);
    archive.put("dev/null", NULL);
    archive.put("init", executable(program)?);
    Ok(archive)
}

/// The archive's bytes, as the kernel takes them.
pub fn bytes(archive: &Archive) -> Result<Vec<u8>> {
    let time = u32::try_from(BUILD_TIME)
        .map_err(|_| XtaskError::Unfit("the build time is after 2106".to_owned()))?;
    archive.to_bytes(time)
}

fn executable(path: &Path) -> Result<Node> {
    Ok(Node::File { mode: 0o755, content: workspace::read(path)? })
}

fn text(content: &str) -> Node {
    Node::File { mode: 0o644, content: content.as_bytes().to_vec() }
}
